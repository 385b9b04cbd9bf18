import type { ReactNode } from "react";
import type { Figures } from "../../data/figures.js";
import { count } from "../../data/words.js";
import { Facts, type Fact } from "../../ui/facts.js";
import { Panel } from "../../ui/panel.js";
import { Empty } from "../../ui/state.js";

/** Counters of what somebody should know of, and what each label of theirs is called for. */
const CALLS_FOR_A_LOOK = {
  roomcast_edge_kills_total: "Ended",
  roomcast_edge_refusals_total: "Refused at the door",
  roomcast_edge_limits_hit_total: "Limit reached",
  roomcast_refusals_total: "Refused by the core",
  roomcast_edge_resets_total: "Missed events for good",
  roomcast_edge_handshake_failures_total: "Handshake failed",
  roomcast_observer_missed_total: "Observer too slow",
} as const;

/** What went wrong since the server's start, by reason. */
export function Attention({ newest }: { readonly newest: Figures | undefined }): ReactNode {
  const facts = [...(newest?.series ?? [])].flatMap(([series, value]): readonly Fact[] => {
    const name = series.split("{")[0] as keyof typeof CALLS_FOR_A_LOOK;
    const title = CALLS_FOR_A_LOOK[name];
    if (title === undefined || value === 0) return [];
    const [, reason] = /="([^"]*)"/.exec(series) ?? [];
    return [[reason ? `${title}: ${reason.replaceAll("_", " ")}` : title, count(value)]];
  });
  return (
    <Panel title="Since the start" className="panel-quiet">
      {facts.length === 0 ? <Empty title="Nothing was refused, cut off or lost" /> : <Facts facts={facts} />}
    </Panel>
  );
}
