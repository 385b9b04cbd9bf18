import { RoomcastClient, type Job } from "@roomcast/client";
import { JobProgress, RoomcastProvider, useConnection, useJob, useJobs, useLostConnection } from "@roomcast/react";
import { useJobProgress, useRoom, useRoomcast, useSession } from "@roomcast/react";
import { StrictMode, useEffect, useRef, useState, type ReactNode } from "react";

/** What the page is given. */
export interface Given {
  readonly edge: string;
  readonly job: Job;
  /** Another job, of which the page knows nothing yet. */
  readonly next: string;
  /** An edge that asks for tokens: one that it refuses, or none, and a good one. */
  readonly secured?: { readonly edge: string; readonly tokens: readonly [string | null, string] };
  /** Whether the application has clients of its own, and goes from one to the other. */
  readonly isChanging?: boolean;
}

/** The same on the server and in the browser. */
export function App({ edge, job, next, secured, isChanging }: Given): ReactNode {
  return (
    <StrictMode>
      <RoomcastProvider url={edge} reconnectMaxMs={100}>
        <JobProgress jobId={job.job_id} label="Render" initial={job} />
        <Headless job={job} />
        <Agents />
        <Turning job={job} next={next} />
        <Later job={job} />
        <Connection />
      </RoomcastProvider>
      {secured && <Renewing {...secured} />}
      {isChanging && <Changing edge={edge} />}
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

/** What was committed of {@link Turning}. */
export interface Turns {
  readonly shown: (readonly [asked: string, shown: string | undefined])[];
  readonly cancels: Set<unknown>;
}

/** Goes on from a job that was given to another that was not. */
function Turning({ job, next }: Pick<Given, "job" | "next">): ReactNode {
  const [id, turn] = useState(job.job_id);
  const { job: shown, cancel } = useJob(id, job);
  const turns = useRef<Turns>({ shown: [], cancels: new Set() });
  useEffect(() => {
    turns.current.shown.push([id, shown?.job_id]);
    turns.current.cancels.add(cancel);
    (globalThis as { turns?: Turns }).turns = turns.current;
  });
  return (
    <button id="turn" onClick={() => turn(next)}>
      {shown?.kind} {shown?.progress}
    </button>
  );
}

/** Learns only later which job there is. */
function Later({ job }: Pick<Given, "job">): ReactNode {
  const [id, learn] = useState<string>();
  const { phase, job: shown } = useJob(id);
  const { progress } = useJobProgress(id);
  const nowhere = [useSession(undefined).phase, useRoom(undefined).phase];
  return (
    <button id="later" onClick={() => learn(job.job_id)}>
      {[...nowhere, phase, shown?.kind, progress].join(" ")}
    </button>
  );
}

/** Its token is in its state: `getToken` is another function with every render. */
function Renewing({ edge, tokens: [first, second] }: NonNullable<Given["secured"]>): ReactNode {
  const [token, renew] = useState(first);
  return (
    <RoomcastProvider url={edge} getToken={token === null ? undefined : () => token}>
      <button id="renew" onClick={() => renew(second)} />
      <Jobs />
    </RoomcastProvider>
  );
}

function Jobs(): ReactNode {
  const client = useRoomcast();
  const { phase } = useJobs();
  const [news, setNews] = useState<readonly string[]>([]);
  useLostConnection((one) => setNews((before) => [...before, one]));
  return (
    <button id="jobs" onClick={() => client.connect()}>
      {[phase, ...news].join(" ")}
    </button>
  );
}

/** Has two clients of its own, and gives what is below one after the other. */
function Changing({ edge }: Pick<Given, "edge">): ReactNode {
  const [first] = useState(() => new RoomcastClient({ url: edge }));
  const [second] = useState(() => new RoomcastClient({ url: edge }));
  const [client, change] = useState(first);
  return (
    <RoomcastProvider client={client}>
      <button id="change" onClick={() => change(second)} />
      <Whose first={first} />
    </RoomcastProvider>
  );
}

function Whose({ first }: { readonly first: RoomcastClient }): ReactNode {
  const client = useRoomcast();
  const { phase } = useConnection();
  useJobs();
  return (
    <p id="whose">
      {client === first ? "first" : "second"} {phase}
    </p>
  );
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
