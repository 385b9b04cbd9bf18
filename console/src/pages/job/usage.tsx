import type { Job } from "@roomcast/client";
import type { ReactNode } from "react";
import { Facts } from "../../ui/facts.js";
import { Panel } from "../../ui/panel.js";

const MICROS = 1_000_000;

/** What model APIs reported: for a job over all its attempts. */
export function Usage({ usage }: Pick<Job, "usage">): ReactNode {
  if (!usage) return null;
  const tokens = (value: number) => (value > 0 ? value.toLocaleString("en") : undefined);
  return (
    <Panel title="Usage">
      <Facts
        facts={[
          ["Model", usage.model],
          ["Input tokens", tokens(usage.input_tokens)],
          ["of those cached", tokens(usage.cached_input_tokens)],
          ["Output tokens", tokens(usage.output_tokens)],
          ["of those reasoning", tokens(usage.reasoning_tokens)],
          ["All tokens", tokens(usage.total_tokens)],
          ["Cost", usage.cost_micros > 0 ? (usage.cost_micros / MICROS).toFixed(4) : undefined],
        ]}
      />
    </Panel>
  );
}
