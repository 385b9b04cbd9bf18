import type { RoomcastClient } from "@roomcast/client";
import { useState, type FormEvent, type ReactNode } from "react";
import type { ProjectPage, SessionLine, SessionPage as SessionList } from "../api.js";
import { useFollowers } from "../data/connections.js";
import { usePolled } from "../data/polled.js";
import { matches, searchOf } from "../data/search.js";
import { Link } from "../route/link.js";
import { addressOf, go, useQuery } from "../route/route.js";
import { Age, Moment } from "../ui/moment.js";
import { Find } from "../ui/find.js";
import { Page } from "../ui/page.js";
import { Paging } from "../ui/paging.js";
import { Answered, Empty } from "../ui/state.js";
import { Cell, NameCell, NumberCell, Row, Table } from "../ui/table.js";

/** A look is a request for each project of the page, and one more. */
const EVERY_MS = 15_000;
/** A page is of so many projects, newest first, each with its newest sessions. */
const PROJECTS = 20;
const SESSIONS = 50;

interface Line extends SessionLine {
  readonly project: string;
}

interface Found {
  readonly lines: readonly Line[];
  /** Projects with more sessions than are listed. */
  readonly longer: readonly { readonly id: string; readonly name: string }[];
  readonly next_page_token: string | null;
}

/** Sessions of all projects that the caller sees, page by page of projects; or of one, page by page. */
export function Sessions(): ReactNode {
  const query = useQuery();
  const [project, page] = [query.get("project") ?? undefined, query.get("page") ?? undefined];
  const [text, setText] = useState("");
  const found = usePolled(
    JSON.stringify([project, page]),
    (client, signal) => (project ? readProject(client, project, page, signal) : readAll(client, page, signal)),
    page ? undefined : EVERY_MS,
  );
  const followers = useFollowers();
  const { words } = searchOf(text);
  const open = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) go(addressOf("/sessions", text.trim()));
  };
  return (
    <Page title="Sessions" kicker={project && <Link to={addressOf("/sessions")}>All projects</Link>}>
      <form className="toolbar" onSubmit={open}>
        <Find label="Find sessions" hint="A name, a project… or an id, and Enter" text={text} type={setText} />
      </form>
      <Answered {...found} what="sessions">
        {({ lines, longer, next_page_token }) => {
          const shown = lines.filter((line) => matches(words, [line.name, line.session_id, line.project]));
          return (
            <>
              {shown.length > 0 ? (
                <SessionTable sessions={shown} followers={followers} />
              ) : (
                <NoSessions isSearched={text !== ""} />
              )}
              {longer.map(({ id, name }) => (
                <p key={id} className="note">
                  <Link to={addressOf("/sessions", undefined, { project: id })}>All sessions of {name}</Link>
                </p>
              ))}
              <Paging
                label="Pages of sessions"
                page={page}
                next={next_page_token}
                words={["Newest", "Older"]}
                addressOf={(next) => addressOf("/sessions", undefined, { project, page: next })}
              />
            </>
          );
        }}
      </Answered>
    </Page>
  );
}

function NoSessions({ isSearched }: { readonly isSearched: boolean }): ReactNode {
  if (isSearched) return <Empty title="No such sessions">Words are looked for in this page.</Empty>;
  return (
    <Empty title="No sessions yet">
      Make one: <code>roomcast project create plans</code>, then <code>roomcast session create</code> with its id.
    </Empty>
  );
}

async function readAll(client: RoomcastClient, page: string | undefined, signal: AbortSignal): Promise<Found> {
  const query = { limit: PROJECTS, page_token: page };
  const { projects, next_page_token } = await client.request<ProjectPage>("/projects", { query, signal });
  const lists = await Promise.all(
    projects.map(async ({ id, name }) => {
      const { sessions, next_page_token: more } = await sessionsOf(client, id, undefined, signal);
      const project = { id, name: name || id };
      return { project, isLonger: Boolean(more), lines: sessions.map((line) => ({ ...line, project: project.name })) };
    }),
  );
  const lines = lists.flatMap((list) => list.lines);
  lines.sort((one, other) => (other.created_at ?? "").localeCompare(one.created_at ?? ""));
  const longer = lists.filter(({ isLonger }) => isLonger).map(({ project }) => project);
  return { lines, longer, next_page_token };
}

async function readProject(
  client: RoomcastClient,
  id: string,
  page: string | undefined,
  signal: AbortSignal,
): Promise<Found> {
  const [{ name }, { sessions, next_page_token }] = await Promise.all([
    client.request<{ readonly name: string }>(`/projects/${encodeURIComponent(id)}`, { signal }),
    sessionsOf(client, id, page, signal),
  ]);
  return { lines: sessions.map((line) => ({ ...line, project: name || id })), longer: [], next_page_token };
}

function sessionsOf(
  client: RoomcastClient,
  project: string,
  page: string | undefined,
  signal: AbortSignal,
): Promise<SessionList> {
  const query = { limit: SESSIONS, page_token: page };
  return client.request<SessionList>(`/projects/${encodeURIComponent(project)}/sessions`, { query, signal });
}

interface SessionTableProps {
  readonly sessions: readonly Line[];
  readonly followers: (topic: string) => string;
}

function SessionTable({ sessions, followers }: SessionTableProps): ReactNode {
  return (
    <Table label="Sessions" columns={["Session", "Project", "Followed here#", "Age#", "Closed"]}>
      {sessions.map(({ session_id, name, project, created_at, closed_at, closed }) => (
        <Row key={session_id}>
          <NameCell>
            <Link data-row to={addressOf("/sessions", session_id)}>
              {name || session_id}
            </Link>
            {name && <code className="id">{session_id}</code>}
          </NameCell>
          <Cell of="Project" className="theirs">
            {project}
          </Cell>
          <NumberCell of="Followed here">{followers(`session:${session_id}`)}</NumberCell>
          <NumberCell of="Age">
            <Age at={created_at} />
          </NumberCell>
          <Cell of="Closed">{closed && <Moment at={closed_at} />}</Cell>
        </Row>
      ))}
    </Table>
  );
}
