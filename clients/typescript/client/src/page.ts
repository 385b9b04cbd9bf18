/** Whether the device says that it has no network. Only browsers know. */
export function isWithoutNetwork(): boolean {
  return globalThis.navigator?.onLine === false;
}

/** Calls `wake` when the network goes or comes back, and when the page is looked at again. */
export function watchPage(wake: () => void): () => void {
  if (typeof window === "undefined") return () => {};
  const controller = new AbortController();
  const { signal } = controller;
  const looked = () => document.visibilityState === "visible" && wake();
  window.addEventListener("online", wake, { signal });
  window.addEventListener("offline", wake, { signal });
  document.addEventListener("visibilitychange", looked, { signal });
  return () => controller.abort();
}
