import { useState, type FormEvent, type ReactNode } from "react";
import type { TopicPage as Found } from "../api.js";
import { followers, useConnections } from "../data/connections.js";
import { usePolled } from "../data/polled.js";
import { count, size } from "../data/words.js";
import { Link } from "../route/link.js";
import { addressOf, go, refine, useQuery } from "../route/route.js";
import { Page } from "../ui/page.js";
import { Answered, Empty } from "../ui/state.js";
import { Cell, NameCell, NumberCell, Row, Table } from "../ui/table.js";
import { retentionOf } from "./topics/retention.js";

const EVERY_MS = 3000;
const LIMIT = 100;
const KINDS = ["room", "job", "session", "project", "user", "audit"] as const;

/** Every log there is: how long it is, what of it is kept, who follows it. */
export function Topics(): ReactNode {
  const query = useQuery();
  const kind = KINDS.find((known) => known === query.get("kind"));
  const page = query.get("page") ?? undefined;
  const [text, setText] = useState(query.get("q") ?? "");
  const [, typedKind, name = ""] = /^([a-z]+):(.*)$/.exec(text) ?? [undefined, undefined, text];
  const asked = { kind: typedKind ?? kind, prefix: name || undefined, page_token: page, limit: LIMIT };
  const found = usePolled(
    JSON.stringify(asked),
    (client, signal) => client.request<Found>("/topics", { query: asked, signal }),
    page ? undefined : EVERY_MS,
  );
  const connections = useConnections();
  const amounts = connections.data && followers(connections.data);
  const type = (typed: string) => {
    setText(typed);
    refine(addressOf("/topics", undefined, { kind, q: typed }));
  };
  const open = (event: FormEvent) => {
    event.preventDefault();
    if (text.includes(":")) go(addressOf("/topics", text));
  };
  return (
    <Page title="Topics">
      <form className="toolbar" onSubmit={open}>
        <nav className="tabs" aria-label="Kind">
          <Link
            to={addressOf("/topics", undefined, { q: text })}
            aria-current={kind === undefined ? "page" : undefined}
          >
            All
          </Link>
          {KINDS.map((one) => (
            <Link
              key={one}
              to={addressOf("/topics", undefined, { kind: one, q: text })}
              aria-current={kind === one ? "page" : undefined}
            >
              {one}
            </Link>
          ))}
        </nav>
        <input
          type="search"
          className="input input-wide"
          aria-label="Names that begin with"
          placeholder="Begins with… or a whole name, and Enter"
          value={text}
          onChange={(event) => type(event.currentTarget.value)}
        />
      </form>
      <Answered {...found} what="topics">
        {({ topics, next_page_token }) => (
          <>
            {topics.length > 0 ? (
              <TopicTable topics={topics} amounts={amounts} />
            ) : (
              <Empty title="No such topics">A topic is there from its first event on.</Empty>
            )}
            {(page || next_page_token) && (
              <nav className="paging" aria-label="Pages of topics">
                {page && <Link to={addressOf("/topics", undefined, { kind, q: text })}>First</Link>}
                {next_page_token && (
                  <Link to={addressOf("/topics", undefined, { kind, q: text, page: next_page_token })}>Next</Link>
                )}
              </nav>
            )}
          </>
        )}
      </Answered>
    </Page>
  );
}

interface TopicTableProps {
  readonly topics: Found["topics"];
  readonly amounts: ReadonlyMap<string, number> | undefined;
}

function TopicTable({ topics, amounts }: TopicTableProps): ReactNode {
  return (
    <Table label="Topics" columns={["Topic", "Head#", "Kept#", "Size#", "Followed by#", "Retention"]}>
      {topics.map(({ topic, head_offset, first_offset, bytes, retention }) => (
        <Row key={topic}>
          <NameCell>
            <Link data-row to={addressOf("/topics", topic)}>
              <code>{topic}</code>
            </Link>
          </NameCell>
          <NumberCell of="Head">{count(head_offset)}</NumberCell>
          <NumberCell of="Kept">{count(head_offset === 0 ? 0 : head_offset - first_offset + 1)}</NumberCell>
          <NumberCell of="Size">{size(bytes)}</NumberCell>
          <NumberCell of="Followed by">{amounts?.get(topic) ?? (amounts ? 0 : "")}</NumberCell>
          <Cell of="Retention" className="faint">
            {retentionOf(retention)}
          </Cell>
        </Row>
      ))}
    </Table>
  );
}
