import type { TopicLine } from "../../api.js";
import { count, duration, size } from "../../data/words.js";

/** How long a topic is kept, in words: whichever bound is reached first. */
export function retentionOf({ age_seconds, events, bytes }: TopicLine["retention"]): string {
  const bounds = [
    age_seconds !== null && duration(age_seconds * 1000),
    events !== null && `${count(events)} events`,
    bytes !== null && size(bytes),
  ].filter(Boolean);
  return bounds.length > 0 ? bounds.join(", ") : "without end";
}
