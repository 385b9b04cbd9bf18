/**
 * The client of Roomcast: live jobs, rooms and sessions in browsers and Node.
 *
 * {@link RoomcastClient} gives things to look at ({@link Live}): each has a state (`get`), tells when it
 * changes (`subscribe`), and tells every event (`on`). Below them, a {@link Topics} keeps one `Topic`
 * for all who look at the same thing: it joins after the last cursor, takes nothing in before the
 * answer, and folds each event once. One {@link Connection} carries all of them and comes back by
 * itself.
 *
 * @packageDocumentation
 */

export { audit } from "./audit.js";
export type { Act, AuditEvent } from "./audit.js";
export { RoomcastClient } from "./client.js";
export type { JobFilter, JobPage, NewJob, RoomcastOptions } from "./client.js";
export type { ConnectionState } from "./connection.js";
export { RoomcastError } from "./error.js";
export type { ErrorCode, ErrorDetails, LocalErrorCode } from "./error.js";
export type { AgentAnswer, AnyEvents, EventOf, JobEvent, Payload, PublishedEvent, TopicEvent } from "./event.js";
export type * from "./generated/wire.js";
export { isFinal } from "./job-fold.js";
export { LiveJob } from "./job.js";
export { jobsOf, LiveJobs } from "./jobs.js";
export type { JobsOf } from "./jobs.js";
export { Live } from "./live.js";
export { Output } from "./output.js";
export type { OutputState } from "./output.js";
export type { Phase } from "./phase.js";
export type { Command, Step } from "./command.js";
export type { Graph } from "./graph.js";
export type { RestRequest } from "./rest.js";
export { LiveRoom } from "./room.js";
export type { LastEvents, Published } from "./room.js";
export { LiveSession, session } from "./session.js";
export type { CommandOptions, Performed, Saved, SessionEvent } from "./session.js";
export type { Session } from "./session-fold.js";
export type { Readable } from "./store.js";
export type { GetToken } from "./token.js";
export type { TopicState } from "./topic.js";
