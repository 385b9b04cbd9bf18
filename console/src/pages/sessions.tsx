import type { RoomcastClient } from "@roomcast/client";
import { useState, type FormEvent, type ReactNode } from "react";
import type { ProjectPage, SessionLine, SessionPage as SessionList } from "../api.js";
import { followers, useConnections } from "../data/connections.js";
import { usePolled } from "../data/polled.js";
import { matches, searchOf } from "../data/search.js";
import { Link } from "../route/link.js";
import { addressOf, go } from "../route/route.js";
import { Age, Moment } from "../ui/moment.js";
import { Find } from "../ui/find.js";
import { Page } from "../ui/page.js";
import { Answered, Empty } from "../ui/state.js";
import { Cell, NameCell, NumberCell, Row, Table } from "../ui/table.js";

const EVERY_MS = 5000;
/** The newest projects, and of each the newest sessions: others are opened by their id. */
const PROJECTS = 20;
const SESSIONS = 50;

interface Line extends SessionLine {
  readonly project: string;
}

/** Sessions of all projects that the caller sees, newest first. */
export function Sessions(): ReactNode {
  const [text, setText] = useState("");
  const found = usePolled("sessions", readSessions, EVERY_MS);
  const connections = useConnections();
  const amounts = connections.data && followers(connections.data);
  const { words } = searchOf(text);
  const open = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) go(addressOf("/sessions", text.trim()));
  };
  return (
    <Page title="Sessions">
      <form className="toolbar" onSubmit={open}>
        <Find label="Find sessions" hint="A name, a project… or an id, and Enter" text={text} type={setText} />
      </form>
      <Answered {...found} what="sessions">
        {(all) => {
          const shown = all.filter((line) => matches(words, [line.name, line.session_id, line.project]));
          return shown.length > 0 ? (
            <SessionTable sessions={shown} amounts={amounts} />
          ) : (
            <Empty title={text ? "No such sessions" : "No sessions yet"}>
              Make one: <code>roomcast project create plans</code>, then <code>roomcast session create</code> with its
              id.
            </Empty>
          );
        }}
      </Answered>
    </Page>
  );
}

async function readSessions(client: RoomcastClient, signal: AbortSignal): Promise<readonly Line[]> {
  const { projects } = await client.request<ProjectPage>("/projects", { query: { limit: PROJECTS }, signal });
  const pages = await Promise.all(
    projects.map(async ({ id, name }) => {
      const path = `/projects/${encodeURIComponent(id)}/sessions`;
      const { sessions } = await client.request<SessionList>(path, { query: { limit: SESSIONS }, signal });
      return sessions.map((line) => ({ ...line, project: name || id }));
    }),
  );
  return pages.flat().sort((one, other) => (other.created_at ?? "").localeCompare(one.created_at ?? ""));
}

interface SessionTableProps {
  readonly sessions: readonly Line[];
  readonly amounts: ReadonlyMap<string, number> | undefined;
}

function SessionTable({ sessions, amounts }: SessionTableProps): ReactNode {
  return (
    <Table label="Sessions" columns={["Session", "Project", "Followed by#", "Age#", "Closed"]}>
      {sessions.map(({ session_id, name, project, created_at, closed_at, closed }) => (
        <Row key={session_id}>
          <NameCell>
            <Link data-row to={addressOf("/sessions", session_id)}>
              {name || session_id}
            </Link>
            {name && <code className="id">{session_id}</code>}
          </NameCell>
          <Cell of="Project">{project}</Cell>
          <NumberCell of="Followed by">{amounts?.get(`session:${session_id}`) ?? (amounts ? 0 : "")}</NumberCell>
          <NumberCell of="Age">
            <Age at={created_at} />
          </NumberCell>
          <Cell of="Closed">{closed && <Moment at={closed_at} />}</Cell>
        </Row>
      ))}
    </Table>
  );
}
