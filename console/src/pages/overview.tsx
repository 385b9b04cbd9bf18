import type { ReactNode } from "react";
import { useHistory } from "../data/history.js";
import { gauge, latest, rate } from "../data/series.js";
import { count, perSecond, size } from "../data/words.js";
import { Page } from "../ui/page.js";
import { Plot } from "../ui/plot.js";
import { Attention } from "./overview/attention.js";
import { Engine } from "./overview/engine.js";
import { FailedLately } from "./overview/failed-lately.js";
import { UnderWay } from "./overview/under-way.js";

/** What goes against somebody: refused, cut off, or lost for good. */
const ERRORS = [
  "roomcast_edge_refusals_total",
  "roomcast_edge_limits_hit_total",
  "roomcast_edge_kills_total",
  "roomcast_edge_resets_total",
  "roomcast_refusals_total",
];

/** How the installation does at this moment, and how it did in the last minutes. */
export function Overview(): ReactNode {
  const { figures, isFailing } = useHistory();
  const sockets = gauge(figures, "roomcast_edge_sockets");
  const deliveries = rate(figures, "roomcast_edge_deliveries_total");
  const waiting = gauge(figures, "roomcast_edge_lane_waiting_bytes");
  const errors = rate(figures, ...ERRORS);
  const newest = figures.findLast((seen) => seen !== undefined);
  return (
    <Page title="Overview" kicker={latest(sockets) === undefined ? "Looking…" : "The last five minutes"}>
      {isFailing && (
        <p className="note note-warn" role="status">
          The figures cannot be read at this moment; the plots go on when they can.
        </p>
      )}
      <div className="plots">
        <Plot title="Connections" points={sockets} format={count} hint="Socket.IO sockets" />
        <Plot
          title="Deliveries"
          points={deliveries}
          format={(value) => `${perSecond(value)}/s`}
          hint="events to sockets"
        />
        <Plot title="Waiting" points={waiting} format={size} hint="for slow readers" />
        <Plot
          title="Errors"
          points={errors}
          format={(value) => `${perSecond(value)}/s`}
          hint="refused, cut off, reset"
          isAlarm
        />
      </div>
      <div className="columns">
        <div className="stack">
          <UnderWay />
          <FailedLately />
        </div>
        <div className="stack">
          <Engine newest={newest} figures={figures} />
          <Attention newest={newest} />
        </div>
      </div>
    </Page>
  );
}
