import type { Session } from "@roomcast/client";
import type { ReactNode } from "react";
import { count, plural } from "../../data/words.js";
import { Age } from "../../ui/moment.js";
import { Panel } from "../../ui/panel.js";
import { Empty } from "../../ui/state.js";

/** Who is in the session; of very many only how many. */
export function Participants({ session }: { readonly session: Session }): ReactNode {
  const { participants, participant_count } = session;
  const all = [...participants].sort((one, other) => one.user_id.localeCompare(other.user_id));
  return (
    <Panel title="Here" aside={<span className="faint">{plural(participant_count, "user")}</span>}>
      {all.length === 0 ? (
        <Empty title={participant_count > 0 ? `${count(participant_count)} users` : "Nobody"} />
      ) : (
        <ul className="people">
          {all.map(({ user_id, connections, since }) => (
            <li key={user_id}>
              <strong>{user_id}</strong>{" "}
              <span className="faint">
                {plural(connections, "connection")}
                {since && (
                  <>
                    , for <Age at={since} />
                  </>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
