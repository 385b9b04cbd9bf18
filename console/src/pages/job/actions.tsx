import { isFinal, type Job } from "@roomcast/client";
import { useRoomcast } from "@roomcast/react";
import type { ReactNode } from "react";
import { useCaller } from "../../caller.js";
import { useDeed } from "../../data/deed.js";
import { addressOf, go } from "../../route/route.js";
import { Confirmed } from "../../ui/confirmed.js";
import { Outcome } from "../../ui/outcome.js";

/** What an operator can do with a job. */
export function JobActions({ job }: { readonly job: Job }): ReactNode {
  const client = useRoomcast();
  const { isOperator } = useCaller();
  const deed = useDeed();
  if (!isOperator) return null;
  const live = client.job(job.job_id);
  const cancel = () =>
    deed.run(async () => {
      await live.cancel("cancelled in the console");
      return "It was asked to end";
    });
  const retry = () =>
    deed.run(async () => {
      const next = await live.retry();
      go(addressOf("/jobs", next.job_id));
      return undefined;
    });
  return (
    <>
      {isFinal(job.status) ? (
        <button type="button" className="button button-main" disabled={deed.isBusy} onClick={retry}>
          Retry
        </button>
      ) : (
        <Confirmed
          label="Cancel job"
          question="Really cancel?"
          isBusy={deed.isBusy || job.cancel_requested}
          act={cancel}
        />
      )}
      <Outcome deed={deed} />
    </>
  );
}
