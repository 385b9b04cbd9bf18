import type { ReactNode } from "react";
import type { Connection } from "../../api.js";
import { useConnections } from "../../data/connections.js";
import { plural } from "../../data/words.js";
import { Link } from "../../route/link.js";
import { addressOf } from "../../route/route.js";
import { Panel } from "../../ui/panel.js";
import { Answered, Empty } from "../../ui/state.js";

/** Who follows a topic over Socket.IO, this console among them: a job at all edges, anything else at this one. */
export function Watchers({ topic }: { readonly topic: string }): ReactNode {
  const isJob = topic.startsWith("job:");
  const connections = useConnections(isJob ? "cluster" : "edge", topic);
  const title = isJob ? "Watching" : "Watching here";
  return (
    <Panel title={title} aside={<Link to={addressOf("/connections", undefined, { q: topic })}>Connections</Link>}>
      <Answered {...connections} what="who is watching">
        {({ connections: watching }) => {
          const users = byUser(watching);
          if (users.length === 0) return <Empty title="Nobody" />;
          return (
            <ul className="people">
              {users.map(([user, amount]) => (
                <li key={user}>
                  <strong>{user}</strong> <span className="faint">{plural(amount, "connection")}</span>
                </li>
              ))}
            </ul>
          );
        }}
      </Answered>
    </Panel>
  );
}

function byUser(connections: readonly Connection[]): readonly (readonly [string, number])[] {
  const users = new Map<string, number>();
  for (const { user_id } of connections) users.set(user_id, (users.get(user_id) ?? 0) + 1);
  return [...users].sort(([one], [other]) => one.localeCompare(other));
}
