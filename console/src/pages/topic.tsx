import { useState, type ReactNode } from "react";
import type { TopicLine } from "../api.js";
import { grpcurl } from "../data/grpcurl.js";
import type { From } from "../data/log.js";
import { usePolled } from "../data/polled.js";
import { useLog } from "../data/use-log.js";
import { useNews } from "../data/use-news.js";
import { count, size } from "../data/words.js";
import { Link } from "../route/link.js";
import { addressOf } from "../route/route.js";
import { Copy } from "../ui/copy.js";
import { Events } from "../ui/events.js";
import { Facts } from "../ui/facts.js";
import { Page } from "../ui/page.js";
import { Panel } from "../ui/panel.js";
import { Answered } from "../ui/state.js";
import { Watchers } from "./job/watchers.js";
import { retentionOf } from "./topics/retention.js";

const PAGES = { job: "/jobs", session: "/sessions", room: "/rooms" } as const;

/** One log: where it stands, and what is in it. */
export function TopicPage({ topic }: { readonly topic: string }): ReactNode {
  const [from, setFrom] = useState<From>("oldest");
  const [, kind, name = ""] = /^(job|session|room):(.+)$/.exec(topic) ?? [];
  return (
    <Page
      title={topic}
      kicker="Topic"
      actions={
        <>
          {kind && (
            <Link className="button" to={addressOf(PAGES[kind as keyof typeof PAGES], name)}>
              Open the {kind}
            </Link>
          )}
          <Copy label="Copy as grpcurl" text={grpcurl("BroadcastService/WatchTopic", { topic })} />
        </>
      }
    >
      <div className="columns">
        <Panel
          title="Events"
          aside={
            <div className="tabs" role="group" aria-label="Begin with">
              <button type="button" aria-pressed={from === "oldest"} onClick={() => setFrom("oldest")}>
                From the oldest
              </button>
              <button type="button" aria-pressed={from === "now"} onClick={() => setFrom("now")}>
                From now on
              </button>
            </div>
          }
        >
          <Tail key={from} topic={topic} from={from} />
        </Panel>
        <div className="stack">
          <Head topic={topic} />
          <Watchers topic={topic} />
        </div>
      </div>
    </Page>
  );
}

function Tail({ topic, from }: { readonly topic: string; readonly from: From }): ReactNode {
  return <Events log={useLog(topic, from)} label="events of the topic" empty="Nothing yet" />;
}

function Head({ topic }: { readonly topic: string }): ReactNode {
  const path = `/topics/${encodeURIComponent(topic)}`;
  const head = usePolled(path, (client, signal) => client.request<TopicLine>(path, { signal }));
  useNews(topic, head.refresh);
  return (
    <Panel title="Head">
      <Answered {...head} what="the topic">
        {({ head_offset, first_offset, bytes, retention, head: cursor }) => (
          <Facts
            facts={[
              ["Last event", count(head_offset)],
              ["Oldest kept", count(first_offset)],
              ["Size", size(bytes)],
              ["Kept for", retentionOf(retention)],
              ["Cursor", cursor && <code>{cursor}</code>],
            ]}
          />
        )}
      </Answered>
    </Panel>
  );
}
