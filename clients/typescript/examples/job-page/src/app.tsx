import { useConnection, useLostConnection } from "@roomcast/react";
import { useState, useSyncExternalStore, type ReactNode } from "react";
import { JobList } from "./job-list.js";
import { JobPage } from "./job-page.js";
import { StartJob } from "./start-job.js";

const PHASES = {
  idle: "not connected",
  connecting: "connecting",
  live: "live",
  catching_up: "catching up",
  stale: "reconnecting",
  offline: "offline",
  closed: "not let in",
} as const;

export function App(): ReactNode {
  const connection = useConnection();
  const [isLost, setLost] = useState(false);
  useLostConnection((news) => setLost(news !== "restored"));
  const selected = useHash();
  return (
    <>
      <header>
        <h1>Jobs</h1>
        <p className="connection" data-phase={connection.phase}>
          {PHASES[connection.phase]}
        </p>
      </header>
      {isLost && <p role="alert">What you see may be old: {connection.error?.message ?? "no connection"}.</p>}
      <main>
        <nav aria-label="Jobs">
          <StartJob />
          <JobList selected={selected} />
        </nav>
        {selected ? <JobPage key={selected} id={selected} /> : <p>Start a job, or choose one.</p>}
      </main>
    </>
  );
}

/** The job that the address names: `#7`. */
function useHash(): string {
  return useSyncExternalStore(subscribeHash, () => decodeURIComponent(location.hash.slice(1)));
}

function subscribeHash(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}
