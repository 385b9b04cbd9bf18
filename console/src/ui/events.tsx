import { memo, useState, type ReactNode } from "react";
import type { Entry, LogState } from "../data/log.js";
import { clock, plural } from "../data/words.js";
import { Json } from "./json.js";
import { Empty, Failed, Loading } from "./state.js";

/** More rows than this nobody reads, and each costs: older ones are asked for. */
const ROWS = 100;

interface EventsProps {
  readonly log: LogState;
  readonly label: string;
  /** What to say where nothing was logged. */
  readonly empty: string;
}

/** A log, newest first; it can be held still. */
export function Events({ log, label, empty }: EventsProps): ReactNode {
  const [held, setHeld] = useState<LogState>();
  const [rows, setRows] = useState(ROWS);
  const [words, setWords] = useState("");
  const { entries, isCut, error } = held ?? log;
  const { isReading, isBehind, readOn, skip } = log;
  const missed = held ? log.total - held.total : 0;
  const found = words ? entries.filter((entry) => isFound(entry, words.toLowerCase())) : entries;
  const shown = found.slice(-rows).reverse();
  if (error && entries.length === 0) return <Failed error={error} />;
  if (isReading && log.total === 0) return <Loading what="events" />;
  return (
    <div className="events">
      <div className="toolbar">
        <button type="button" className="button" onClick={() => setHeld(held ? undefined : log)}>
          {held ? "Go on" : "Pause"}
        </button>
        <input
          type="search"
          className="input"
          placeholder="Find in events"
          aria-label={`Find in ${label}`}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
        <span className="toolbar-note">
          {plural(found.length, "event")}
          {isCut && ", older ones left out"}
          {missed > 0 && `, ${missed} more since`}
          {/* Not the numbers: they would be read out with every event. */}
          <span role="status">
            {isBehind && !isReading && ", newer ones not read yet"}
            {isReading && ", reading"}
            {error && `, nothing newer: ${error.message}`}
          </span>
        </span>
        {/* Also while it reads: whoever has pressed one stays there. */}
        {isBehind && !held && (
          <>
            <button type="button" className="button" onClick={readOn}>
              Read on
            </button>
            <button type="button" className="button" onClick={skip}>
              From now on
            </button>
          </>
        )}
      </div>
      {shown.length > 0 ? (
        <Rows entries={shown} label={label} />
      ) : (
        <Empty title={words ? "Nothing found" : log.total > 0 ? "Nothing since then" : empty} />
      )}
      {found.length > rows && (
        <button type="button" className="button" onClick={() => setRows(rows + ROWS)}>
          Show {Math.min(ROWS, found.length - rows)} older
        </button>
      )}
    </div>
  );
}

function Rows({ entries, label }: { readonly entries: readonly Entry[]; readonly label: string }): ReactNode {
  return (
    <ol className="log" aria-label={label}>
      {entries.map((entry) => (
        <EventRow key={entry.id} entry={entry} />
      ))}
    </ol>
  );
}

/** One line, and all of it when opened. The others of a log that grows stay as they are. */
const EventRow = memo(function EventRow({ entry }: { readonly entry: Entry }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <time dateTime={entry.at}>{entry.at ? clock(entry.at) : ""}</time>
          <code className="log-name">{entry.name}</code>
          <span className="log-gist">{gist(entry.data)}</span>
        </summary>
        {isOpen && (
          <>
            <Json value={entry.data} label={`Payload of ${entry.name}`} />
            <p className="log-envelope">
              <code>{entry.id}</code>
              {entry.trace && (
                <>
                  {" trace "}
                  <code>{entry.trace}</code>
                </>
              )}
            </p>
          </>
        )}
      </details>
    </li>
  );
});

const GIST_MAX = 160;

/** What every event of the same topic says alike. */
const ALIKE: ReadonlySet<string> = new Set(["job_id", "session_id", "attempt", "graph"]);

function gist(data: Entry["data"]): string {
  const telling = Object.entries(data).filter(([key]) => !ALIKE.has(key));
  return telling
    .map(([key, value]) => `${key} ${told(value)}`)
    .join(" · ")
    .slice(0, GIST_MAX);
}

function told(value: unknown): string {
  if (typeof value === "number") return String(Math.round(value * 100) / 100);
  if (typeof value !== "string") return JSON.stringify(value);
  // Of output there may be much, and little of it is told.
  return value.slice(0, GIST_MAX).trimEnd().replaceAll(CONTROLS, pictured);
}

/** Such as a colour begins with. */
const CONTROLS = /[\u0000-\u001f]/g;

/** The sign that stands for one that cannot be seen. */
function pictured(control: string): string {
  return control === "\n" ? " " : String.fromCharCode(0x2400 + control.charCodeAt(0));
}

function isFound(entry: Entry, words: string): boolean {
  return `${entry.name} ${JSON.stringify(entry.data)}`.toLowerCase().includes(words);
}
