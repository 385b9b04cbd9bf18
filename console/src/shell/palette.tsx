import type { JobPage } from "@roomcast/client";
import { useRoomcast } from "@roomcast/react";
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { matches, searchOf } from "../data/search.js";
import { PLACES } from "../route/pages.js";
import { addressOf, go } from "../route/route.js";

/** What can be gone to. */
interface Target {
  readonly to: string;
  readonly title: string;
  readonly about: string;
}

const TARGETS_MAX = 9;
const JOBS = 100;

/** Goes anywhere by typing: pages, recent jobs, and whatever has a name. */
export function Palette({ close }: { readonly close: () => void }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const jobs = useRecentJobs();
  const targets = targetsOf(text.trim(), jobs).slice(0, TARGETS_MAX);
  useEffect(() => dialog.current?.showModal(), []);

  const open = (target: Target | undefined) => {
    if (!target) return;
    dialog.current?.close();
    go(target.to);
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") open(targets[chosen]);
    else if (step !== undefined) setChosen((chosen + step + targets.length) % Math.max(1, targets.length));
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label="Go to"
      onClose={close}
      onClick={(event) => event.target === dialog.current && dialog.current.close()}
    >
      <input
        className="palette-input"
        role="combobox"
        aria-label="Go to"
        aria-expanded="true"
        aria-controls="targets"
        aria-activedescendant={targets[chosen] && `target-${chosen}`}
        placeholder="A page, a job, room:news, session:plan…"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={press}
      />
      <ul id="targets" role="listbox" aria-label="Where">
        {targets.map((target, index) => (
          <li
            key={target.to}
            id={`target-${index}`}
            role="option"
            aria-selected={index === chosen}
            onPointerMove={() => setChosen(index)}
            onClick={() => open(target)}
          >
            <span className="palette-title">{target.title}</span>
            <span className="palette-about">{target.about}</span>
          </li>
        ))}
      </ul>
      <p className="palette-foot">
        <kbd>↑</kbd> <kbd>↓</kbd> choose <kbd>Enter</kbd> go <kbd>Esc</kbd> close · elsewhere <kbd>g</kbd> and a page’s
        letter, <kbd>j</kbd> <kbd>k</kbd> walk through a list
      </p>
    </dialog>
  );
}

function useRecentJobs(): JobPage["jobs"] {
  const client = useRoomcast();
  const [jobs, setJobs] = useState<JobPage["jobs"]>([]);
  useEffect(() => {
    const controller = new AbortController();
    // Without them the rest is still there.
    client.listJobs({ limit: JOBS }, controller.signal).then(
      (page) => setJobs(page.jobs),
      () => {},
    );
    return () => controller.abort();
  }, [client]);
  return jobs;
}

function targetsOf(text: string, jobs: JobPage["jobs"]): readonly Target[] {
  const { words } = searchOf(text);
  const pages = PLACES.filter(({ title }) => matches(words, [title])).map(({ page, title, key }) => ({
    to: addressOf(page),
    title,
    about: `g ${key}`,
  }));
  if (text === "") return pages;
  const found = jobs.filter((job) => matches(words, [job.job_id, job.kind, job.message, job.owner]));
  const known = found.map(({ job_id, kind, status }) => ({
    to: addressOf("/jobs", job_id),
    title: `${kind} · ${status}`,
    about: job_id,
  }));
  const all = [...pages, ...known, ...namedOf(text)];
  // A job that is known may be named as well.
  return all.filter(({ to }, index) => all.findIndex((one) => one.to === to) === index);
}

/** What the text may be the name of. */
function namedOf(text: string): readonly Target[] {
  const [, kind, name] = /^(job|session|room|topic|user|project):(.+)$/.exec(text) ?? [];
  if (name === undefined) return /\s/.test(text) ? [] : [job(text), session(text), room(text)];
  if (kind === "job") return [job(name), topic(text)];
  if (kind === "session") return [session(name), topic(text)];
  if (kind === "room") return [room(name), topic(text)];
  return [topic(kind === "topic" ? name : text)];
}

const job = (id: string): Target => ({ to: addressOf("/jobs", id), title: `Job ${id}`, about: "open job" });
const session = (id: string): Target => ({
  to: addressOf("/sessions", id),
  title: `Session ${id}`,
  about: "open session",
});
const room = (name: string): Target => ({ to: addressOf("/rooms", name), title: `Room ${name}`, about: "open room" });
const topic = (name: string): Target => ({
  to: addressOf("/topics", name),
  title: `Topic ${name}`,
  about: "open topic",
});
