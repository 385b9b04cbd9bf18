/** What is searched for: conditions that the server answers, and words to be found in what it answered. */
export interface Search {
  readonly query: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

/** Reads `kind:render owner:ana frames`; `fields` are the names of conditions as they are typed, and as they are asked for. */
export function searchOf(text: string, fields: Readonly<Record<string, string>> = {}): Search {
  const query: Record<string, string> = {};
  const words: string[] = [];
  for (const term of text.split(/\s+/).filter(Boolean)) {
    const [, typed = "", value] = /^([a-z]+):(.+)$/.exec(term) ?? [];
    const field = Object.hasOwn(fields, typed) ? fields[typed] : undefined;
    if (field !== undefined && value !== undefined) query[field] = value;
    else words.push(term.toLowerCase());
  }
  return { query, words };
}

/** Whether every word is in one of the texts. */
export function matches(words: readonly string[], texts: readonly (string | null | undefined)[]): boolean {
  const all = texts.filter(Boolean).join("\n").toLowerCase();
  return words.every((word) => all.includes(word));
}
