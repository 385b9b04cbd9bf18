import type { ReactNode } from "react";
import type { Deed } from "../data/deed.js";
import { sentence } from "./state.js";

/** What came of what was done: the region is always there, so that it is read out when it fills. */
export function Outcome({ deed }: { readonly deed: Deed }): ReactNode {
  return (
    <p className="outcome" role="status" data-failed={deed.error ? true : undefined}>
      {deed.error ? `${sentence(deed.error.message)} (${deed.error.code})` : deed.said}
    </p>
  );
}
