/** The user's token, kept for as long as the tab: nothing of it outlives a closed one. */
const KEY = "roomcast.token";

export const credential = {
  get: (): string | undefined => sessionStorage.getItem(KEY) ?? undefined,
  set: (token: string): void => sessionStorage.setItem(KEY, token),
  forget: (): void => sessionStorage.removeItem(KEY),
};
