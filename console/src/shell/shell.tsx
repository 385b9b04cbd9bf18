import { useRoomcast } from "@roomcast/react";
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { useKeptHistory } from "../data/history.js";
import { pageAt } from "../route/pages.js";
import { segmentsOf, usePath } from "../route/route.js";
import { Banner } from "./banner.js";
import { Fault } from "./fault.js";
import { Palette } from "./palette.js";
import { Rail } from "./rail.js";
import { useShortcuts } from "./shortcuts.js";

/** The frame that all pages stand in. */
export function Shell(): ReactNode {
  const path = usePath();
  const [isSearching, setSearching] = useState(false);
  const search = useCallback(() => setSearching(true), []);
  useShortcuts(search);
  useArrival(path);
  // Looked at from every page, so that the plots have a past when they are opened.
  useKeptHistory();
  useConnected();
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Rail search={search} />
      <main id="main" tabIndex={-1}>
        <Banner />
        <Fault key={path}>{pageAt(segmentsOf(path))}</Fault>
      </main>
      {isSearching && <Palette close={() => setSearching(false)} />}
    </div>
  );
}

/** Keeps the connection on pages that follow nothing, so that the rail tells the truth about it. */
function useConnected(): void {
  const client = useRoomcast();
  useEffect(() => client.jobs().subscribe(() => {}), [client]);
}

/** Who goes to another page begins at its top, and screen readers with its title. */
function useArrival(path: string): void {
  const last = useRef(path);
  useEffect(() => {
    if (last.current === path) return;
    last.current = path;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
  }, [path]);
}
