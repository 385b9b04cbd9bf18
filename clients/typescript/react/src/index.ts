"use client";

/**
 * React hooks for Roomcast. A {@link RoomcastProvider} holds the client; each hook looks at one thing
 * and renders again when that changes. Components that look at the same thing share it; rendering on a
 * server shows what was given as `initial` and connects nowhere.
 *
 * @packageDocumentation
 */

export { useConnection, useLostConnection } from "./connection.js";
export type { ConnectionNews } from "./connection.js";
export { useJob, useJobOutput, useJobProgress } from "./job.js";
export type { JobProgressView, JobView } from "./job.js";
export { useJobs } from "./jobs.js";
export type { JobsFilter, JobsView } from "./jobs.js";
export { useLive } from "./live.js";
export type { Standing } from "./live.js";
export { JobProgress } from "./progress.js";
export type { BarProps, JobProgressProps } from "./progress.js";
export { RoomcastProvider, useRoomcast } from "./provider.js";
export type { RoomcastProviderProps } from "./provider.js";
export { useRoom } from "./room.js";
export type { RoomView } from "./room.js";
export { useSession } from "./session.js";
export type { SessionView } from "./session.js";
