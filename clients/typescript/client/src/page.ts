/** Whether the device says that it has no network. Only browsers know. */
export function isWithoutNetwork(): boolean {
  return globalThis.navigator?.onLine === false;
}

/** Calls `wake` when the network goes or comes back, and when the page is looked at again, or no more. */
export function watchPage(wake: () => void): () => void {
  if (!globalThis.window) return () => {};
  const controller = new AbortController();
  const { signal } = controller;
  for (const name of ["online", "offline", "visibilitychange"]) addEventListener(name, wake, { signal });
  return () => controller.abort();
}
