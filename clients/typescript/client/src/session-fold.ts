import { changes, type Change, type Command } from "./command.js";
import type { Payload } from "./event.js";
import type { CommandStarted, GraphKept, Participant, PresenceChanged } from "./generated/wire.js";
import type { NodeCreated, PresenceCounted } from "./generated/wire.js";
import { GraphDraft, type Graph, type GraphPiece } from "./graph.js";
import type { Fold } from "./topic.js";

/** As deep as the server's history. */
const UNDO_DEPTH_MAX = 200;

/** A session as it stands. */
export interface Session {
  readonly session_id: string;
  readonly project_id: string;
  readonly name: string;
  readonly closed: boolean;
  /** By name; the first command makes one. What is on its way to the server is in them already. */
  readonly graphs: Readonly<Record<string, Graph>>;
  /** Who is there. Empty while only their number is told. */
  readonly participants: readonly Participant[];
  readonly participant_count: number;
  /** How many commands are on their way. */
  readonly pending: number;
}

/** `session_state`: all of a session, in parts. */
interface State {
  readonly session_id: string;
  readonly project_id: string;
  readonly name: string;
  readonly closed: boolean;
  readonly graphs: readonly GraphPiece[];
  readonly participants: readonly Participant[];
  readonly participant_count: number;
  readonly part: number;
  readonly parts: number;
}

/** A command that is shown before the server has it. */
export interface Proposal {
  readonly graph: string;
  readonly changes: readonly Change[];
  /** The graph's version with it, once it is answered. */
  version?: number;
}

/** Folds a session's events, and shows what is on its way on top of them. */
export class SessionFold implements Fold<Session> {
  #about: State | undefined;
  #graphs = new Map<string, GraphDraft>();
  #arriving = new Map<string, GraphDraft>();
  #participants = new Map<string, Participant>();
  #count = 0;
  #isClosed = false;
  #proposals: readonly Proposal[] = [];
  /** Those that were done when a reset began: shown until all of it is here. */
  #outdated: readonly Proposal[] = [];
  #value: Session | undefined;

  constructor(private readonly readSave: (save: GraphKept) => Promise<GraphPiece>) {}

  get value(): Session | undefined {
    return (this.#value ??= this.#about && this.#view(this.#about));
  }

  reset(snapshot: unknown): void {
    const { session } = (snapshot ?? {}) as { session?: State };
    if (!session) return;
    this.#outdated = this.#proposals.filter(({ version }) => version !== undefined);
    this.#arrive(session);
    this.#changed();
  }

  apply(name: string, payload: Payload): void | Promise<() => void> {
    const [noun, verb] = name.split(":") as [string, string | undefined];
    if (name === "project:loaded") return this.#load(payload as unknown as GraphKept);
    if (name === "session_state") this.#arrive(payload as unknown as State);
    else if (noun === "graph") this.#graph(payload).apply(change(verb, payload));
    else if (noun === "command") this.#commanded(verb, payload as unknown as CommandStarted);
    else if (name === "session:presence") this.#counted(payload as unknown as PresenceCounted);
    else if (name === "session:closed") this.#isClosed = true;
    else if (noun === "session") this.#present(payload as unknown as PresenceChanged);
    this.#changed();
  }

  /** Shows what a command will do. */
  propose(graph: string, command: Command): Proposal {
    const proposal: Proposal = { graph, changes: changes(command) };
    this.#changed([...this.#proposals, proposal]);
    return proposal;
  }

  /** The command was done: its events show it once they are all here. */
  settle(proposal: Proposal, version: number): void {
    proposal.version = version;
    this.#changed();
  }

  /** The command was refused: as if it had not been. */
  withdraw(proposal: Proposal): void {
    this.#changed(this.#proposals.filter((other) => other !== proposal));
  }

  /** What the events show by now is proposed no more. */
  #changed(proposals = this.#proposals): void {
    const at = (graph: string) => this.#graphs.get(graph)?.version ?? 0;
    this.#proposals = proposals.filter(({ graph, version = Infinity }) => version > at(graph));
    this.#value = undefined;
  }

  #view({ session_id, project_id, name }: State): Session {
    const graphs = Object.fromEntries([...this.#graphs].map(([graph, draft]) => [graph, draft.view]));
    for (const graph of new Set(this.#proposals.map((proposal) => proposal.graph))) {
      const own = this.#proposals.filter((proposal) => proposal.graph === graph);
      const draft = this.#graphs.get(graph) ?? new GraphDraft(graph);
      graphs[graph] = draft.with(own.flatMap((proposal) => proposal.changes)).view;
    }
    return {
      session_id,
      project_id,
      name,
      closed: this.#isClosed,
      graphs,
      participants: [...this.#participants.values()],
      participant_count: this.#count,
      pending: this.#proposals.length,
    };
  }

  /** A state takes the place of the one before when its last part is here. */
  #arrive(state: State): void {
    if (state.part === 1) this.#arriving = new Map();
    for (const piece of state.graphs) {
      const draft = this.#arriving.get(piece.name) ?? new GraphDraft(piece.name);
      this.#arriving.set(piece.name, draft);
      draft.add(piece);
    }
    if (state.part < state.parts) return;
    this.#about = state;
    this.#graphs = this.#arriving;
    this.#isClosed = state.closed;
    this.#participants = byUser(state.participants);
    this.#count = state.participant_count;
    // What was done is in the state, or of a history that is no more, whose versions say nothing here.
    this.#proposals = this.#proposals.filter((proposal) => !this.#outdated.includes(proposal));
    this.#outdated = [];
  }

  /** The content of a save is no part of the event that tells of its loading. */
  async #load(save: GraphKept): Promise<() => void> {
    const content = await this.readSave(save);
    return () => {
      const draft = new GraphDraft(save.graph);
      draft.add({ ...content, version: save.graph_version, undoable: 0, redoable: 0 });
      this.#graphs.set(save.graph, draft);
      this.#changed();
    };
  }

  #graph(payload: Payload): GraphDraft {
    const name = payload["graph"] as string;
    const draft = this.#graphs.get(name) ?? new GraphDraft(name);
    this.#graphs.set(name, draft);
    return draft;
  }

  #commanded(verb: string | undefined, command: CommandStarted): void {
    const steps = { executed: [1, -Infinity], undo: [-1, 1], redo: [1, -1] }[verb ?? ""];
    if (!steps) return;
    const [done = 0, undone = 0] = steps;
    const draft = this.#graph(command as unknown as Payload);
    const undoable = Math.min(UNDO_DEPTH_MAX, draft.undoable + done);
    draft.count(command.version, undoable, Math.max(0, draft.redoable + undone));
  }

  #present({ user_id, connections, participants, since }: PresenceChanged): void {
    const known = this.#participants.get(user_id);
    const participant = { user_id, connections, since: since ?? known?.since ?? null };
    if (connections > 0) this.#participants.set(user_id, participant);
    else this.#participants.delete(user_id);
    this.#count = participants;
  }

  #counted({ participants, users = [] }: PresenceCounted): void {
    this.#participants = byUser(users);
    this.#count = participants;
  }
}

function change(verb: string | undefined, payload: Payload): Change {
  if (verb !== "node-created") return { ...payload, type: verb } as unknown as Change;
  const { node_id, node_type, name, parent_id, properties } = payload as unknown as NodeCreated;
  const node = { node_id, node_type, name, parent_id: parent_id ?? null, properties };
  return { type: "node-created", node };
}

function byUser(users: readonly Participant[]): Map<string, Participant> {
  return new Map(users.map((user) => [user.user_id, user]));
}
