/**
 * Does something, in `ms` at most. The signal that it is given aborts when that is over, when the caller's does,
 * and when it is done: whatever goes on by then goes on in vain.
 *
 * @throws Error that there was no answer in time, or the reason of the caller's signal
 */
export function within<T>(
  ms: number,
  act: (limit: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal?.throwIfAborted();
    const limit = new AbortController();
    const end = () => {
      clearTimeout(timer);
      // Of what was answered before, this changes nothing.
      reject(signal?.reason ?? new Error(`no answer in ${ms} ms`));
      limit.abort();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { signal: limit.signal });
    void act(limit.signal).then(resolve, reject).finally(end);
  });
}
