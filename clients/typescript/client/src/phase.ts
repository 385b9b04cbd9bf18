/**
 * Where a connection or a topic stands.
 *
 * - `idle`: nobody looks at it, and nothing is connected for it
 * - `connecting`: on its way for the first time; there is nothing to show yet
 * - `live`: shown as it is, within a network's delay
 * - `catching_up`: connected, and what was missed is coming
 * - `stale`: the connection was lost; what is shown was true then, and coming back is under way
 * - `offline`: as `stale`, but the device has no network, or coming back takes long
 * - `closed`: ended for good; `error` says why
 */
export type Phase =
  | "idle"
  | "connecting"
  | "live"
  | "catching_up"
  | "stale"
  | "offline"
  | "closed";
