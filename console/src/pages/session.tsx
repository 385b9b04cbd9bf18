import { useSession } from "@roomcast/react";
import { useState, type ReactNode } from "react";
import { useCaller } from "../caller.js";
import { useDeed } from "../data/deed.js";
import { useLog } from "../data/use-log.js";
import { plural } from "../data/words.js";
import { Events } from "../ui/events.js";
import { Outcome } from "../ui/outcome.js";
import { Page } from "../ui/page.js";
import { Panel } from "../ui/panel.js";
import { Empty, Failed, Loading } from "../ui/state.js";
import { PhaseMark } from "../ui/status.js";
import { Commands } from "./session/commands.js";
import { Drawing } from "./session/drawing.js";
import { NodeFacts } from "./session/node-facts.js";
import { Participants } from "./session/participants.js";

const MAIN = "main";

/** One session: its graphs as they change, who is there, and what was done. */
export function SessionPage({ id }: { readonly id: string }): ReactNode {
  const { session, phase, error, execute, undo, redo } = useSession(id);
  const { isOperator } = useCaller();
  const log = useLog(`session:${id}`, "oldest");
  const deed = useDeed();
  const [chosen, choose] = useState(MAIN);
  const [selected, select] = useState<string>();
  if (!session) {
    return (
      <Page title={`Session ${id}`} kicker="Session">
        {error ? <Failed error={error} /> : <Loading what="the session" />}
      </Page>
    );
  }
  const names = Object.keys(session.graphs).sort();
  const name = names.includes(chosen) ? chosen : (names[0] ?? MAIN);
  const graph = session.graphs[name];
  const mayChange = isOperator && !session.closed;
  const perform = (doing: () => Promise<unknown>) =>
    deed.run(async () => {
      await doing();
      return undefined;
    });
  return (
    <Page
      title={session.name || session.session_id}
      kicker={
        <>
          Session <code>{session.session_id}</code>
        </>
      }
      aside={
        <>
          <PhaseMark phase={phase} />
          {session.closed && <span className="status">Closed</span>}
          {session.pending > 0 && <span className="faint">saving</span>}
        </>
      }
      actions={
        mayChange && (
          <>
            <button
              type="button"
              className="button"
              disabled={!graph?.undoable}
              onClick={() => perform(() => undo(name))}
            >
              Undo
            </button>
            <button
              type="button"
              className="button"
              disabled={!graph?.redoable}
              onClick={() => perform(() => redo(name))}
            >
              Redo
            </button>
          </>
        )
      }
    >
      <Outcome deed={deed} />
      <Panel
        title="Graph"
        aside={
          <>
            {names.length > 1 && (
              <div className="tabs" role="group" aria-label="Graph">
                {names.map((one) => (
                  <button key={one} type="button" aria-pressed={one === name} onClick={() => choose(one)}>
                    {one}
                  </button>
                ))}
              </div>
            )}
            {graph && (
              <span className="faint">
                version {graph.version} · {plural(graph.nodes.size, "node")} · {plural(graph.links.length, "link")}
              </span>
            )}
          </>
        }
      >
        {graph && graph.nodes.size > 0 ? (
          <Drawing graph={graph} selected={selected} select={select} />
        ) : (
          <Empty title="Nothing is drawn yet" />
        )}
      </Panel>
      <div className="columns">
        <div className="stack">
          {mayChange && (
            <Commands
              graph={graph}
              selected={selected}
              execute={(command) => perform(() => execute(command, { graph: name }))}
            />
          )}
          <Panel title="Commands and events">
            <Events log={log} label="events of the session" empty="Nothing happened yet" />
          </Panel>
        </div>
        <div className="stack">
          {selected !== undefined && <NodeFacts node={graph?.nodes.get(selected)} />}
          <Participants session={session} />
        </div>
      </div>
    </Page>
  );
}
