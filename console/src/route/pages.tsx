import type { ReactNode } from "react";
import { Audit } from "../pages/audit.js";
import { Connections } from "../pages/connections.js";
import { Explainer } from "../pages/explainer.js";
import { JobPage } from "../pages/job.js";
import { Jobs } from "../pages/jobs.js";
import { Missing } from "../pages/missing.js";
import { Overview } from "../pages/overview.js";
import { RoomPage } from "../pages/room.js";
import { Rooms } from "../pages/rooms.js";
import { SessionPage } from "../pages/session.js";
import { Sessions } from "../pages/sessions.js";
import { TopicPage } from "../pages/topic.js";
import { Topics } from "../pages/topics.js";

/** A page that the rail and the palette name. */
export interface Place {
  readonly page: string;
  readonly title: string;
  /** Pressed after `g` it goes there. */
  readonly key: string;
}

export const PLACES: readonly Place[] = [
  { page: "/", title: "Overview", key: "o" },
  { page: "/jobs", title: "Jobs", key: "j" },
  { page: "/topics", title: "Topics", key: "t" },
  { page: "/sessions", title: "Sessions", key: "s" },
  { page: "/rooms", title: "Rooms", key: "r" },
  { page: "/connections", title: "Connections", key: "c" },
  { page: "/explain", title: "Explainer", key: "e" },
  { page: "/audit", title: "Audit", key: "a" },
];

/** What stands at a path. */
export function pageAt([page, part]: readonly string[]): ReactNode {
  switch (page) {
    case undefined:
      return <Overview />;
    case "jobs":
      return part === undefined ? <Jobs /> : <JobPage key={part} id={part} />;
    case "topics":
      return part === undefined ? <Topics /> : <TopicPage key={part} topic={part} />;
    case "sessions":
      return part === undefined ? <Sessions /> : <SessionPage key={part} id={part} />;
    case "rooms":
      return part === undefined ? <Rooms /> : <RoomPage key={part} room={part} />;
    case "connections":
      return <Connections />;
    case "explain":
      return <Explainer />;
    case "audit":
      return <Audit />;
    default:
      return <Missing />;
  }
}
