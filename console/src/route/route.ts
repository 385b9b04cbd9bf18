import { useSyncExternalStore } from "react";

/** Where the console stands on the edge: `/console`. */
const BASE = import.meta.env.BASE_URL.replace(/\/$/, "");

const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) addEventListener("popstate", tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) removeEventListener("popstate", tell);
  };
}

/** The page's path below the console, such as `/jobs/7`. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname.slice(BASE.length) || "/");
}

/** What stands behind the `?`. */
export function useQuery(): URLSearchParams {
  return new URLSearchParams(useSyncExternalStore(subscribe, () => location.search));
}

/** The address of a page; each part is one segment, whatever is in it. */
export function addressOf(
  page: string,
  part?: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const path = part === undefined ? `${BASE}${page}` : `${BASE}${page}/${encodeURIComponent(part)}`;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Goes to an address of the console. */
export function go(address: string): void {
  history.pushState(null, "", address);
  tell();
}

/** Goes there without a step back: for what is typed. */
export function refine(address: string): void {
  history.replaceState(null, "", address);
  tell();
}

/** The path's segments below its first: `/topics/room%3Anews` is `["topics", "room:news"]`. */
export function segmentsOf(path: string): readonly string[] {
  return path.split("/").filter(Boolean).map(decoded);
}

/** Somebody may type anything after a `%`. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
