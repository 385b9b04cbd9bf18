import { useRoom } from "@roomcast/react";
import type { ReactNode } from "react";
import { useCaller } from "../caller.js";
import { published } from "../data/log.js";
import { useLog } from "../data/use-log.js";
import { Link } from "../route/link.js";
import { addressOf } from "../route/route.js";
import { Events } from "../ui/events.js";
import { Json } from "../ui/json.js";
import { Page } from "../ui/page.js";
import { Panel } from "../ui/panel.js";
import { Empty, Failed } from "../ui/state.js";
import { PhaseMark } from "../ui/status.js";
import { Watchers } from "./job/watchers.js";
import { Composer } from "./room/composer.js";

/** One room: what is said in it, who hears it, and a way to say something. */
export function RoomPage({ room }: { readonly room: string }): ReactNode {
  const { last, phase, error } = useRoom(room);
  const { isOperator } = useCaller();
  const topic = `room:${room}`;
  return (
    <Page
      title={room}
      kicker="Room"
      aside={<PhaseMark phase={phase} />}
      actions={
        <Link className="button" to={addressOf("/topics", topic)}>
          Head and retention
        </Link>
      }
    >
      {phase === "closed" && error && <Failed error={error} />}
      <div className="columns">
        <div className="stack">
          {isOperator && <Composer room={room} />}
          <Panel title="Events">
            <Tail topic={topic} />
          </Panel>
        </div>
        <div className="stack">
          <Panel title="Last values">
            {Object.keys(last).length === 0 ? (
              <Empty title="None yet" />
            ) : (
              Object.entries(last).map(
                ([name, { topic: _, cursor: __, event_id: ___, trace_id: ____, timestamp: _____, ...data }]) => (
                  <div key={name} className="last">
                    <code>{name}</code>
                    <Json value={published(name, data)} label={`Last ${name}`} />
                  </div>
                ),
              )
            )}
          </Panel>
          <Watchers topic={topic} />
        </div>
      </div>
    </Page>
  );
}

function Tail({ topic }: { readonly topic: string }): ReactNode {
  return <Events log={useLog(topic, "oldest")} label="events of the room" empty="Nothing was said yet" />;
}
