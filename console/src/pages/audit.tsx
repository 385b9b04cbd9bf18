import { useState, type ReactNode } from "react";
import type { AuditPage } from "../api.js";
import { usePolled } from "../data/polled.js";
import { matches, searchOf } from "../data/search.js";
import { useNews } from "../data/use-news.js";
import { addressOf, useQuery } from "../route/route.js";
import { Moment } from "../ui/moment.js";
import { Find } from "../ui/find.js";
import { Page } from "../ui/page.js";
import { Paging } from "../ui/paging.js";
import { Answered, Empty } from "../ui/state.js";
import { Cell, NameCell, Row, Table } from "../ui/table.js";

const LIMIT = 100;
/** Conditions as they are typed, and as REST takes them. */
const FIELDS = { by: "actor", did: "action" };

/** What operators did, newest first, also what they were refused. */
export function Audit(): ReactNode {
  const page = useQuery().get("page") ?? undefined;
  const [text, setText] = useState("");
  const { query: conditions, words } = searchOf(text, FIELDS);
  const query = { ...conditions, limit: LIMIT, page_token: page };
  const found = usePolled(JSON.stringify(query), (client, signal) =>
    client.request<AuditPage>("/audit", { query, signal }),
  );
  // An older page stays as it is; the newest goes on.
  useNews(page ? undefined : "audit:log", found.refresh);
  return (
    <Page title="Audit" kicker="What was done by hand, and by whom">
      <div className="toolbar">
        <Find label="Find in the audit" hint="by:ana did:audit.job.cancel or any word" text={text} type={setText} />
      </div>
      <Answered {...found} what="the audit">
        {({ entries, next_page_token }) => {
          const shown = entries.filter(({ actor, action, target, outcome }) =>
            matches(words, [actor, action, target, outcome]),
          );
          return (
            <>
              {shown.length > 0 ? (
                <AuditTable entries={shown} />
              ) : (
                <Empty title={text ? "Nothing found" : "Nothing was done yet"} />
              )}
              <Paging
                label="Pages of the audit"
                page={page}
                next={next_page_token}
                words={["Newest", "Older"]}
                addressOf={(next) => addressOf("/audit", undefined, { page: next })}
              />
            </>
          );
        }}
      </Answered>
    </Page>
  );
}

function AuditTable({ entries }: Pick<AuditPage, "entries">): ReactNode {
  return (
    <Table label="Audit" columns={["When", "Who", "What", "To what", "Outcome", "Trace"]}>
      {entries.map(({ id, at, actor, action, target, outcome, from, trace_id }) => (
        <Row key={id}>
          <Cell>
            <Moment at={at} />
          </Cell>
          <NameCell>
            {actor}
            {from && <code className="id">{from}</code>}
          </NameCell>
          <Cell of="What">
            <code>{action}</code>
          </Cell>
          <Cell of="To what" className="theirs">
            <code>{target}</code>
          </Cell>
          <Cell of="Outcome" className={outcome === "ok" ? undefined : "bad"}>
            {outcome}
          </Cell>
          <Cell of="Trace">
            <code className="id">{trace_id}</code>
          </Cell>
        </Row>
      ))}
    </Table>
  );
}
