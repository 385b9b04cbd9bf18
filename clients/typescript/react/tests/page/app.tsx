import type { Job } from "@roomcast/client";
import { JobProgress, RoomcastProvider, useConnection, useLostConnection, useRoom } from "@roomcast/react";
import { StrictMode, useEffect, useRef, useState, type ReactNode } from "react";

/** What the page is given. */
export interface Given {
  readonly edge: string;
  readonly job: Job;
}

/** The same on the server and in the browser. */
export function App({ edge, job }: Given): ReactNode {
  return (
    <StrictMode>
      <RoomcastProvider url={edge} reconnectMaxMs={100}>
        <JobProgress jobId={job.job_id} label="Render" initial={job} />
        <Headless job={job} />
        <Agents />
        <Connection />
      </RoomcastProvider>
    </StrictMode>
  );
}

/** Drawn by itself, and counts how often. */
function Headless({ job }: { readonly job: Job }): ReactNode {
  return (
    <JobProgress jobId={job.job_id} label="Again">
      {({ progress, phase }, bar) => (
        <div id="headless" {...bar}>
          {phase} {progress}
          <Renders of={`${phase} ${progress}`} />
        </div>
      )}
    </JobProgress>
  );
}

function Renders({ of: what }: { readonly of: string }): ReactNode {
  const seen = useRef<string[]>([]);
  useEffect(() => {
    seen.current.push(what);
    (globalThis as { renders?: readonly string[] }).renders = seen.current;
  });
  return null;
}

/** A room's last value, and all that was told since the page came. */
function Agents(): ReactNode {
  const [told, setTold] = useState<readonly number[]>([]);
  const { last, isStale } = useRoom("agents", ({ data }) => setTold((before) => [...before, numberOf(data)]));
  return (
    <p id="agents" data-stale={isStale}>
      {numberOf(last["agent_status_update"])}: {told.join(" ")}
    </p>
  );
}

function numberOf(message: unknown): number {
  return (message as { data?: { n: number } } | undefined)?.data?.n ?? 0;
}

function Connection(): ReactNode {
  const { phase } = useConnection();
  const [news, setNews] = useState<readonly string[]>([]);
  useLostConnection((one) => setNews((before) => [...before, one]), { afterMs: 100 });
  return (
    <p>
      <span id="phase">{phase}</span> <span id="news">{news.join(" ")}</span>
    </p>
  );
}
