import { useState, type FormEvent, type ReactNode } from "react";
import type { TopicPage as Found } from "../api.js";
import { useFollowers } from "../data/connections.js";
import { usePolled } from "../data/polled.js";
import { count, size } from "../data/words.js";
import { Link } from "../route/link.js";
import { addressOf, go, refine, useQuery } from "../route/route.js";
import { Find } from "../ui/find.js";
import { Page } from "../ui/page.js";
import { Paging } from "../ui/paging.js";
import { Answered, Empty } from "../ui/state.js";
import { Cell, NameCell, NumberCell, Row, Table } from "../ui/table.js";
import { Tabs } from "../ui/tabs.js";
import { retentionOf } from "./topics/retention.js";

const EVERY_MS = 3000;
const LIMIT = 100;
const KINDS = ["room", "job", "session", "project", "user", "audit"] as const;
const TABS = [["All", undefined] as const, ...KINDS.map((kind) => [kind, kind] as const)];

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
  const followers = useFollowers();
  const address = (change: Readonly<Record<string, string | undefined>>) =>
    addressOf("/topics", undefined, { kind, q: text, ...change });
  const type = (typed: string) => {
    setText(typed);
    refine(address({ q: typed }));
  };
  const open = (event: FormEvent) => {
    event.preventDefault();
    if (text.includes(":")) go(addressOf("/topics", text));
  };
  return (
    <Page title="Topics">
      <form className="toolbar" onSubmit={open}>
        <Tabs label="Kind" tabs={TABS} chosen={kind} addressOf={(one) => address({ kind: one })} />
        <Find label="Names that begin with" hint="Begins with… or a whole name, and Enter" text={text} type={type} />
      </form>
      <Answered {...found} what="topics">
        {({ topics, next_page_token }) => (
          <>
            {topics.length > 0 ? (
              <TopicTable topics={topics} followers={followers} />
            ) : (
              <Empty title="No such topics">A topic is there from its first event on.</Empty>
            )}
            <Paging
              label="Pages of topics"
              page={page}
              next={next_page_token}
              words={["First", "Next"]}
              addressOf={(next) => address({ page: next })}
            />
          </>
        )}
      </Answered>
    </Page>
  );
}

interface TopicTableProps {
  readonly topics: Found["topics"];
  readonly followers: (topic: string) => string;
}

function TopicTable({ topics, followers }: TopicTableProps): ReactNode {
  return (
    <Table label="Topics" columns={["Topic", "Head#", "Kept#", "Size#", "Followed here#", "Retention"]}>
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
          <NumberCell of="Followed here">{followers(topic)}</NumberCell>
          <Cell of="Retention" className="faint">
            {retentionOf(retention)}
          </Cell>
        </Row>
      ))}
    </Table>
  );
}
