import type { Job } from "@roomcast/client";
import { useJobOutput } from "@roomcast/react";
import { useState, type ReactNode } from "react";
import { size } from "../../data/words.js";
import { Panel } from "../../ui/panel.js";
import { Empty } from "../../ui/state.js";
import { Terminal } from "../../ui/terminal.js";

/** What the attempt writes, one channel at a time. */
export function JobOutput({ job }: { readonly job: Job }): ReactNode {
  const channels = Object.keys(job.output_bytes).sort();
  const [chosen, choose] = useState<string>();
  const channel = chosen ?? (channels.includes("stdout") ? "stdout" : channels[0]);
  if (channel === undefined) {
    return (
      <Panel title="Output">
        <Empty title="Nothing was written yet" />
      </Panel>
    );
  }
  const tabs = (
    <div className="tabs" role="group" aria-label="Channel">
      {channels.map((name) => (
        <button key={name} type="button" aria-pressed={name === channel} onClick={() => choose(name)}>
          {name} <span className="faint">{size(job.output_bytes[name] ?? 0)}</span>
        </button>
      ))}
    </div>
  );
  return (
    <Panel title="Output" aside={tabs}>
      <Channel key={channel} job={job} channel={channel} />
    </Panel>
  );
}

function Channel({ job, channel }: { readonly job: Job; readonly channel: string }): ReactNode {
  const { text, isCut } = useJobOutput(job.job_id, channel);
  return (
    <>
      {isCut && (
        <p className="note">
          Only the end is shown. All of it: <code>roomcast job watch {job.job_id}</code>
        </p>
      )}
      <Terminal text={text} label={`Output ${channel}`} />
    </>
  );
}
