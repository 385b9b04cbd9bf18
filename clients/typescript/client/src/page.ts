/** Whether the device says that it has no network. Only browsers know. */
export function isWithoutNetwork(): boolean {
  return globalThis.navigator?.onLine === false;
}

/** Calls `wake` when the network comes back or the page is looked at again, `sleep` when it goes. */
export function watchPage(wake: () => void, sleep: () => void): () => void {
  if (typeof window === "undefined") return () => {};
  const looked = () => document.visibilityState === "visible" && wake();
  window.addEventListener("online", wake);
  window.addEventListener("offline", sleep);
  document.addEventListener("visibilitychange", looked);
  return () => {
    window.removeEventListener("online", wake);
    window.removeEventListener("offline", sleep);
    document.removeEventListener("visibilitychange", looked);
  };
}
