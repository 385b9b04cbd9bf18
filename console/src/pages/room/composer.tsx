import { useRoomcast } from "@roomcast/react";
import { useState, type FormEvent, type ReactNode } from "react";
import { useFollowers } from "../../data/connections.js";
import { useDeed } from "../../data/deed.js";
import { Outcome } from "../../ui/outcome.js";
import { Panel } from "../../ui/panel.js";
import { draftOf, type Draft } from "./draft.js";
import { Preview } from "./preview.js";

const EXAMPLE = '{\n  "text": "hello"\n}';

/** Writes an event to a room, shows what browsers will get, and says who they are. */
export function Composer({ room }: { readonly room: string }): ReactNode {
  const client = useRoomcast();
  const deed = useDeed();
  const [type, setType] = useState("announcement");
  const [text, setText] = useState(EXAMPLE);
  const draft = draftOf(room, type, text);
  const topic = `room:${room}`;
  const audience = useFollowers(topic)(topic);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if ("problem" in draft) return;
    // One key for one press: a repetition on the way is published once. Pages without TLS have no `randomUUID`.
    const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    deed.run(async () => {
      const { offset } = await client.room(room).publish(type, draft.data, key);
      return `Published as event ${offset}`;
    });
  };
  return (
    <Panel
      title="Say something"
      aside={<span className="faint">{audience && `connections here that hear it: ${audience}`}</span>}
    >
      <form className="composer" onSubmit={submit}>
        <div className="composer-fields">
          <label htmlFor="type">Type</label>
          <input
            id="type"
            className="input input-code"
            value={type}
            onChange={(event) => setType(event.currentTarget.value)}
            spellCheck={false}
            required
          />
          <label htmlFor="data">Data, a JSON object</label>
          <textarea
            id="data"
            className="input input-code"
            rows={7}
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            aria-describedby="data-problem"
            aria-invalid={"problem" in draft}
          />
          <p id="data-problem" className="bad composer-problem" role="status">
            {problemOf(draft)}
          </p>
        </div>
        <Preview draft={draft} />
        <div className="toolbar">
          <button type="submit" className="button button-main" disabled={deed.isBusy || "problem" in draft}>
            Publish
          </button>
          <Outcome deed={deed} />
        </div>
      </form>
    </Panel>
  );
}

function problemOf(draft: Draft): string {
  return "problem" in draft ? draft.problem : "";
}
