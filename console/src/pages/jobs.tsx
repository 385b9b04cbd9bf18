import type { JobStatus } from "@roomcast/client";
import { useMemo, useState, type ReactNode } from "react";
import { usePolled } from "../data/polled.js";
import { matches, searchOf } from "../data/search.js";
import { Link } from "../route/link.js";
import { addressOf, refine, useQuery } from "../route/route.js";
import { Page } from "../ui/page.js";
import { Answered, Empty } from "../ui/state.js";
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
  // An older page stays as it is; the newest goes on.
  const found = usePolled(
    JSON.stringify(asked),
    (client, signal) => client.listJobs(asked, signal),
    page ? undefined : EVERY_MS,
  );
  const type = (typed: string) => {
    setText(typed);
    refine(addressOf("/jobs", undefined, { status, q: typed }));
  };
  return (
    <Page title="Jobs">
      <div className="toolbar">
        <nav className="tabs" aria-label="Status">
          {TABS.map(([title, tab]) => (
            <Link
              key={title}
              to={addressOf("/jobs", undefined, { status: tab, q: text })}
              aria-current={tab === status ? "page" : undefined}
            >
              {title}
            </Link>
          ))}
        </nav>
        <input
          type="search"
          className="input input-wide"
          aria-label="Find jobs"
          placeholder="kind:render owner:ana project:… or any word"
          value={text}
          onChange={(event) => type(event.currentTarget.value)}
        />
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
              <Paging page={page} next={next_page_token} query={{ status, q: text }} />
            </>
          );
        }}
      </Answered>
    </Page>
  );
}

function NoJobs({ isSearched }: { readonly isSearched: boolean }): ReactNode {
  if (isSearched) return <Empty title="No such jobs">Words are looked for in this page; older pages are below.</Empty>;
  return (
    <Empty title="No jobs yet">
      Try one: <code>roomcast run -- sh -c 'for i in $(seq 1 50); do echo "step $i/50"; sleep 0.1; done'</code>
    </Empty>
  );
}

interface PagingProps {
  readonly page: string | undefined;
  readonly next: string | null;
  readonly query: Readonly<Record<string, string | undefined>>;
}

function Paging({ page, next, query }: PagingProps): ReactNode {
  if (!page && !next) return null;
  return (
    <nav className="paging" aria-label="Pages of jobs">
      {page && <Link to={addressOf("/jobs", undefined, query)}>Newest</Link>}
      {next && <Link to={addressOf("/jobs", undefined, { ...query, page: next })}>Older</Link>}
    </nav>
  );
}
