import type { ReactNode } from "react";
import type { Figures } from "../../data/figures.js";
import { latest, rate } from "../../data/series.js";
import { count, perSecond, size } from "../../data/words.js";
import { Facts, type Fact } from "../../ui/facts.js";
import { Panel } from "../../ui/panel.js";
import { Loading } from "../../ui/state.js";

interface EngineProps {
  readonly newest: Figures | undefined;
  readonly figures: readonly (Figures | undefined)[];
}

/** What the machine is doing. What a process of its own counts, the other knows nothing of, is left out. */
export function Engine({ newest, figures }: EngineProps): ReactNode {
  if (!newest) {
    return (
      <Panel title="Engine">
        <Loading what="figures" />
      </Panel>
    );
  }
  const known = (name: string, format: (value: number) => string) => {
    const value = newest.sums.get(name);
    return value === undefined ? undefined : format(value);
  };
  const pace = (name: string, format: (value: number) => string) => {
    const value = latest(rate(figures.slice(-2), name));
    return newest.sums.has(name) && value !== undefined ? `${format(value)}/s` : undefined;
  };
  const facts: readonly Fact[] = [
    [
      "Core",
      newest.sums.get("roomcast_edge_upstream_connected") === 0 ? (
        <span className="bad">not connected</span>
      ) : (
        "connected"
      ),
    ],
    ["Commits", pace("roomcast_store_commits_total", perSecond)],
    ["A commit takes", commitTime(figures)],
    ["Topics followed", known("roomcast_edge_feeds", count)],
    ["Workers", known("roomcast_workers", count)],
    ["Sent", pace("roomcast_edge_sent_bytes_total", size)],
    ["Received", pace("roomcast_edge_received_bytes_total", size)],
    ["TCP connections", known("roomcast_edge_tcp_connections", count)],
  ];
  return (
    <Panel title="Engine">
      <Facts facts={facts} />
    </Panel>
  );
}

/** The mean over what is seen: with its fsync, which is the disk. */
function commitTime(figures: EngineProps["figures"]): string | undefined {
  const seen = figures.filter((one) => one !== undefined);
  const [first, last] = [seen[0], seen.at(-1)];
  const grown = (name: string) => (last?.sums.get(name) ?? 0) - (first === last ? 0 : (first?.sums.get(name) ?? 0));
  const commits = grown("roomcast_store_commit_seconds_count");
  return commits > 0 ? `${((grown("roomcast_store_commit_seconds_sum") / commits) * 1000).toFixed(1)} ms` : undefined;
}
