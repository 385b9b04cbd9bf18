import type { Command } from "@roomcast/client";
import { useSession } from "@roomcast/react";
import { useState, type ReactNode } from "react";
import { Drawing } from "./drawing.js";
import { Toolbar } from "./toolbar.js";

/** A session's graph. In development the session is made when somebody joins it. */
export function App({ id }: { readonly id: string }): ReactNode {
  const { session, phase, error, execute, undo, redo } = useSession(id);
  const [selected, select] = useState<string>();
  const [refusal, setRefusal] = useState("");
  const graph = session?.graphs["main"];

  /** What is refused is taken back by itself; here it is said. */
  const attempt = async (doing: Promise<unknown>) => {
    try {
      await doing;
      setRefusal("");
    } catch (problem) {
      setRefusal((problem as Error).message);
    }
  };
  const change = (command: Command) => void attempt(execute(command));

  if (!session) return <p role={error ? "alert" : "status"}>{error?.message ?? "Loading"}</p>;
  return (
    <>
      <header>
        <h1>{session.name || id}</h1>
        <p role="status">
          {phase === "live" ? `${session.participant_count} here` : phase}
          {session.pending > 0 && ", saving"}
        </p>
      </header>
      <main>
        <Toolbar
          graph={graph}
          selected={selected}
          change={change}
          undo={() => void attempt(undo())}
          redo={() => void attempt(redo())}
        />
        {refusal && <p role="alert">{refusal}</p>}
        <Drawing graph={graph} selected={selected} select={select} change={change} />
      </main>
    </>
  );
}
