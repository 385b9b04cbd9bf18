import { useState, type ReactNode } from "react";
import type { Connection } from "../api.js";
import { useCaller } from "../caller.js";
import { useConnections } from "../data/connections.js";
import { useDeed, type Deed } from "../data/deed.js";
import { askEdge } from "../data/edge.js";
import { matches, searchOf } from "../data/search.js";
import { count, plural, size } from "../data/words.js";
import { Link } from "../route/link.js";
import { addressOf, refine, useQuery } from "../route/route.js";
import { Confirmed } from "../ui/confirmed.js";
import { Age } from "../ui/moment.js";
import { Outcome } from "../ui/outcome.js";
import { Find } from "../ui/find.js";
import { Page } from "../ui/page.js";
import { Answered, Empty } from "../ui/state.js";
import { Cell, NameCell, NumberCell, Row, Table } from "../ui/table.js";

/** More rows than this are no list any more: they are searched. */
const ROWS_MAX = 200;
/** Enough of an edge's name to tell it from others. */
const SHORT = 8;
/** More topics than this are counted. */
const TOPICS_SHOWN = 3;

/** Who is connected over Socket.IO, to what, and how much waits for each. */
export function Connections(): ReactNode {
  const { isOperator } = useCaller();
  const found = useConnections("cluster");
  const deed = useDeed();
  const query = useQuery();
  const [text, setText] = useState(query.get("q") ?? "");
  const { words } = searchOf(text);
  const type = (typed: string) => {
    setText(typed);
    refine(addressOf("/connections", undefined, { q: typed }));
  };
  const edges = new Set(found.data?.connections.map(({ edge_id }) => edge_id));
  const end = ({ id, user_id }: Connection) =>
    deed.run(async () => {
      await askEdge(`/connections/${encodeURIComponent(id)}/disconnect`, { method: "POST" });
      found.refresh();
      return `The connection of ${user_id} ends`;
    });
  return (
    <Page title="Connections" kicker={
        found.data &&
        [plural(found.data.connections.length, "socket"), edges.size > 1 && plural(edges.size, "edge")]
          .filter(Boolean)
          .join(" at ")
      }>
      <div className="toolbar">
        <Find label="Find connections" hint="A user, a topic, an address, an edge…" text={text} type={type} />
        <Outcome deed={deed} />
      </div>
      <Answered {...found} what="connections">
        {({ connections, edge_id: here, truncated }) => {
          const shown = connections.filter(({ id, user_id, address, edge_id, topics }) =>
            matches(words, [id, user_id, address, edge_id, ...topics]),
          );
          if (shown.length === 0) return <Empty title={text ? "No such connections" : "Nobody is connected"} />;
          return (
            <>
              <ConnectionTable
                connections={shown.slice(0, ROWS_MAX)}
                here={edges.size > 1 ? here : undefined}
                deed={isOperator ? { ...deed, end } : undefined}
              />
              {shown.some(({ waiting_bytes }) => waiting_bytes) && (
                <p className="note">
                  Waiting is what a client has not taken yet. Whoever falls far behind is served from the log, and misses
                  nothing.
                </p>
              )}
              {shown.length > ROWS_MAX && (
                <p className="note">{count(shown.length - ROWS_MAX)} more: find them by a word.</p>
              )}
              {truncated && (
                <p className="note note-warn">
                  There are more connections than the {count(connections.length)} that can be listed. Each edge lists its
                  own.
                </p>
              )}
            </>
          );
        }}
      </Answered>
    </Page>
  );
}

interface ConnectionTableProps {
  readonly connections: readonly Connection[];
  /** The edge that answered, where there are others. */
  readonly here: string | undefined;
  /** What an operator may do with one. */
  readonly deed: (Deed & { readonly end: (connection: Connection) => void }) | undefined;
}

function ConnectionTable({ connections, here, deed }: ConnectionTableProps): ReactNode {
  return (
    <Table
      label="Connections"
      columns={["User", "Follows", "Transport", ...(here ? ["Edge"] : []), "Waiting#", "For#", ...(deed ? ["Actions#"] : [])]}
    >
      {connections.map((connection) => (
        <Row key={connection.id}>
          <NameCell>
            {connection.user_id}
            <code className="id">{[connection.address, connection.id].filter(Boolean).join(" · ")}</code>
          </NameCell>
          <Cell of="Follows">
            <Followed topics={connection.topics} />
            {here && here !== connection.edge_id && <span className="faint">jobs alone are known</span>}
          </Cell>
          <Cell of="Transport">{wayOf(connection)}</Cell>
          {here && (
            <Cell of="Edge">
              {here === connection.edge_id ? "this one" : <code>{shortened(connection.edge_id)}</code>}
            </Cell>
          )}
          <NumberCell of="Waiting">{waitingOf(connection)}</NumberCell>
          <NumberCell of="For">
            <Age at={connection.connected_at} />
          </NumberCell>
          {deed && (
            <Cell className="actions">
              <Confirmed
                label="Disconnect"
                question="Really?"
                about={connection.user_id}
                isBusy={deed.isBusy}
                act={() => deed.end(connection)}
              />
            </Cell>
          )}
        </Row>
      ))}
    </Table>
  );
}

function Followed({ topics }: { readonly topics: readonly string[] }): ReactNode {
  const [isAll, setAll] = useState(false);
  const shown = isAll ? topics : topics.slice(0, TOPICS_SHOWN);
  return (
    <span className="topics">
      {shown.map((topic) => (
        <Link key={topic} to={addressOf("/topics", topic)}>
          <code>{topic}</code>
        </Link>
      ))}
      {shown.length < topics.length && (
        <button type="button" className="button button-quiet" onClick={() => setAll(true)}>
          {topics.length - shown.length} more
        </button>
      )}
    </span>
  );
}

/** Its namespace where it is not the one that nearly all are in. */
function wayOf({ transport, namespace }: Connection): string {
  return [transport, namespace !== "/" && namespace].filter(Boolean).join(" ");
}

/** What the edge has for a client that does not take it. Whoever polls comes for it. */
function waitingOf({ waiting_bytes, transport }: Connection): string {
  if (waiting_bytes === null) return "unknown";
  if (transport === "polling") return "polls";
  return waiting_bytes > 0 ? size(waiting_bytes) : "nothing";
}

/** The end of an edge's name, which is a time first. */
function shortened(edge: string): string {
  return edge.slice(-SHORT);
}
