import type { JobStatus } from "@roomcast/client";
import { useMemo, useState, type ReactNode } from "react";
import { usePolled } from "../data/polled.js";
import { matches, searchOf } from "../data/search.js";
import { useNews } from "../data/use-news.js";
import { addressOf, refine, useQuery } from "../route/route.js";
import { Find } from "../ui/find.js";
import { Page } from "../ui/page.js";
import { Paging } from "../ui/paging.js";
import { Answered, Empty } from "../ui/state.js";
import { Tabs } from "../ui/tabs.js";
import { JobTable } from "./jobs/job-table.js";

const EVERY_MS = 3000;
const LIMIT = 50;
/** Conditions as they are typed, and as REST takes them. */
const FIELDS = { kind: "kind", owner: "owner", project: "project_id" };

const TABS: readonly (readonly [title: string, status: JobStatus | undefined])[] = [
  ["All", undefined],
  ["Queued", "queued"],
  ["Running", "running"],
  ["Completed", "completed"],
  ["Failed", "failed"],
  ["Cancelled", "cancelled"],
];

/** Jobs, newest first, with bars that live; found by conditions and words. */
export function Jobs(): ReactNode {
  const query = useQuery();
  const status = TABS.find(([, known]) => known === query.get("status"))?.[1];
  const [text, setText] = useState(query.get("q") ?? "");
  const page = query.get("page") ?? undefined;
  const search = useMemo(() => searchOf(text, FIELDS), [text]);
  const asked = { ...search.query, ...(status && { status }), ...(page && { page_token: page }), limit: LIMIT };
  const topic = topicOf(search.query);
  // An older page stays as it is; the newest goes on: where a topic tells of its jobs, with that.
  const found = usePolled(
    JSON.stringify(asked),
    (client, signal) => client.listJobs(asked, signal),
    page || topic ? undefined : EVERY_MS,
  );
  useNews(page ? undefined : topic, found.refresh);
  const address = (change: Readonly<Record<string, string | undefined>>) =>
    addressOf("/jobs", undefined, { status, q: text, ...change });
  const type = (typed: string) => {
    setText(typed);
    refine(address({ q: typed }));
  };
  return (
    <Page title="Jobs">
      <div className="toolbar">
        <Tabs label="Status" tabs={TABS} chosen={status} addressOf={(one) => address({ status: one })} />
        <Find label="Find jobs" hint="kind:render owner:ana project:… or any word" text={text} type={type} />
      </div>
      <Answered {...found} what="jobs">
        {({ jobs, next_page_token }) => {
          const shown = jobs.filter((job) =>
            matches(search.words, [job.job_id, job.kind, job.message, job.stage, job.owner, job.error]),
          );
          return (
            <>
              {shown.length > 0 ? (
                <JobTable jobs={shown} label="Jobs" />
              ) : (
                <NoJobs isSearched={text !== "" || status !== undefined} />
              )}
              <Paging
                label="Pages of jobs"
                page={page}
                next={next_page_token}
                words={["Newest", "Older"]}
                addressOf={(next) => address({ page: next })}
              />
            </>
          );
        }}
      </Answered>
    </Page>
  );
}

/** What tells of all jobs that are asked for. */
function topicOf({ owner, project_id }: Readonly<Record<string, string>>): string | undefined {
  if (project_id) return `project:${project_id}`;
  return owner && /^[\w-]+$/.test(owner) ? `user:${owner}` : undefined;
}

function NoJobs({ isSearched }: { readonly isSearched: boolean }): ReactNode {
  if (isSearched) return <Empty title="No such jobs">Words are looked for in this page; older pages are below.</Empty>;
  return (
    <Empty title="No jobs yet">
      Try one: <code>roomcast run -- sh -c 'for i in $(seq 1 50); do echo "step $i/50"; sleep 0.1; done'</code>
    </Empty>
  );
}
