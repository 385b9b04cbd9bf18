import { session } from "@roomcast/client";
import type { Command, CommandOptions, Performed, Session } from "@roomcast/client";
import { useMemo } from "react";
import { standing, useLive, type Standing } from "./live.js";
import { useRoomcast } from "./provider.js";

/** A session, and what can be done in it. */
export interface SessionView extends Standing {
  readonly session: Session | undefined;
  /** Changes a graph: shown at once, taken back if it is refused. */
  readonly execute: (command: Command, options?: CommandOptions) => Promise<Performed>;
  readonly undo: (graph?: string) => Promise<Performed>;
  readonly redo: (graph?: string) => Promise<Performed>;
}

/** A session, live: graphs, who is in it, and commands. Without an id it is `idle`. */
export function useSession(id: string | undefined): SessionView {
  const client = useRoomcast();
  const live = useMemo(() => session(client, id ?? ""), [client, id]);
  const state = useLive(live, !!id);
  const deeds = useMemo(
    () => ({
      execute: (command: Command, options?: CommandOptions) => live.execute(command, options),
      undo: (graph?: string) => live.undo(graph),
      redo: (graph?: string) => live.redo(graph),
    }),
    [live],
  );
  return useMemo(() => ({ ...standing(state), session: state.value, ...deeds }), [state, deeds]);
}
