import type { Session } from "@roomcast/client";
import { useSession, type SessionView } from "@roomcast/react";
import { useState, type ReactNode } from "react";
import { useCaller } from "../caller.js";
import { useDeed } from "../data/deed.js";
import { useLog } from "../data/use-log.js";
import { Events } from "../ui/events.js";
import { Outcome } from "../ui/outcome.js";
import { Page } from "../ui/page.js";
import { Panel } from "../ui/panel.js";
import { Failed, Loading } from "../ui/state.js";
import { PhaseMark } from "../ui/status.js";
import { Commands } from "./session/commands.js";
import { GraphPanel } from "./session/graph-panel.js";
import { History } from "./session/history.js";
import { NodeFacts } from "./session/node-facts.js";
import { Participants } from "./session/participants.js";
import { SessionUsage } from "./session/session-usage.js";

const MAIN = "main";

/** One session: its graphs as they change, who is there, and what was done. */
export function SessionPage({ id }: { readonly id: string }): ReactNode {
  const view = useSession(id);
  const { session, error } = view;
  if (session) return <Shown view={view} session={session} />;
  return (
    <Page title={`Session ${id}`} kicker="Session">
      {error ? <Failed error={error} /> : <Loading what="the session" />}
    </Page>
  );
}

interface ShownProps {
  readonly view: SessionView;
  readonly session: Session;
}

function Shown({ view: { phase, execute, undo, redo }, session }: ShownProps): ReactNode {
  const { isOperator } = useCaller();
  const deed = useDeed();
  const [chosen, choose] = useState(MAIN);
  const [selected, select] = useState<string>();
  const names = Object.keys(session.graphs).sort();
  const name = names.includes(chosen) ? chosen : (names[0] ?? MAIN);
  const graph = session.graphs[name];
  const mayChange = isOperator && !session.closed;
  const perform = (doing: Promise<unknown>) => deed.run(() => doing.then(() => undefined));
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
      actions={mayChange && <History graph={graph} undo={() => perform(undo(name))} redo={() => perform(redo(name))} />}
    >
      <Outcome deed={deed} />
      <GraphPanel graph={graph} names={names} choose={choose} selected={selected} select={select} />
      <div className="columns">
        <div className="stack">
          {mayChange && (
            <Commands
              graph={graph}
              selected={selected}
              execute={(command) => perform(execute(command, { graph: name }))}
            />
          )}
          <Told id={session.session_id} />
        </div>
        <div className="stack">
          {selected !== undefined && <NodeFacts node={graph?.nodes.get(selected)} />}
          <Participants session={session} />
          <SessionUsage session={session} />
        </div>
      </div>
    </Page>
  );
}

function Told({ id }: { readonly id: string }): ReactNode {
  const log = useLog(`session:${id}`, "oldest");
  return (
    <Panel title="Commands and events">
      <Events log={log} label="events of the session" empty="Nothing happened yet" />
    </Panel>
  );
}
