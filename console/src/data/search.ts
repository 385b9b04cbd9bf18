import type { JobFilter } from "@roomcast/client";

/** What is searched for: conditions that the server answers, and words to be found in what it answered. */
export interface Search {
  readonly query: JobFilter;
  readonly words: readonly string[];
}

const FIELDS = { kind: "kind", owner: "owner", project: "project_id" } as const;

/** Reads `kind:render owner:ana frames`. */
export function searchOf(text: string): Search {
  const query: Record<string, string> = {};
  const words: string[] = [];
  for (const term of text.split(/\s+/).filter(Boolean)) {
    const [, field, value] = /^(kind|owner|project):(.+)$/.exec(term) ?? [];
    if (field !== undefined && value !== undefined) query[FIELDS[field as keyof typeof FIELDS]] = value;
    else words.push(term.toLowerCase());
  }
  return { query, words };
}

/** Whether every word is in one of the texts. */
export function matches(words: readonly string[], texts: readonly (string | null | undefined)[]): boolean {
  const all = texts.filter(Boolean).join("\n").toLowerCase();
  return words.every((word) => all.includes(word));
}
