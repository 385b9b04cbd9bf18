import type { ReactNode } from "react";
import type { Draft } from "./draft.js";

/** What a browser in the room will be told. */
export function Preview({ draft }: { readonly draft: Draft }): ReactNode {
  return (
    <div className="preview">
      <p className="preview-title">What browsers get</p>
      <pre className="code" aria-label="Preview" tabIndex={0}>
        {"problem" in draft
          ? ""
          : `socket.on(${JSON.stringify(draft.name)}, (payload) => …)\n\n${JSON.stringify(draft.payload, undefined, 2)}`}
      </pre>
    </div>
  );
}
