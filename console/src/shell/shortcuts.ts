import { useEffect, useRef } from "react";
import { PLACES } from "../route/pages.js";
import { addressOf, go } from "../route/route.js";

/** After `g` the next key says where. */
const SECOND_KEY_MS = 1500;

/** `/` and Ctrl-K search, `g` and a letter goes to a page, `j` and `k` walk through what a page lists. */
export function useShortcuts(search: () => void): void {
  const goingSince = useRef(0);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const isSearch = event.key === "k" && (event.ctrlKey || event.metaKey);
      if (isSearch || (event.key === "/" && isFree(event))) {
        event.preventDefault();
        search();
        return;
      }
      if (!isFree(event)) return;
      const isGoing = Date.now() - goingSince.current < SECOND_KEY_MS;
      goingSince.current = event.key === "g" ? Date.now() : 0;
      const place = isGoing && PLACES.find(({ key }) => key === event.key);
      if (place) go(addressOf(place.page));
      else if (event.key === "j" || event.key === "k") walk(event.key === "j" ? 1 : -1);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [search]);
}

/** Whether a key is nobody else's: no field has it, no dialog is open, nothing is held with it. */
function isFree(event: KeyboardEvent): boolean {
  const { target } = event;
  const isTyped = target instanceof Element && target.closest("input, textarea, select, dialog[open]") !== null;
  return !isTyped && !event.ctrlKey && !event.metaKey && !event.altKey;
}

/** To the next or the last of what the page lists. */
function walk(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row], main .log summary")];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
  next?.focus();
}
