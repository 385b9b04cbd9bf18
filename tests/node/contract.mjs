// What goes over a test's sockets, held against docs/reference/asyncapi.yaml: `hold` stands between its
// application and whoever commands it, and tells of whatever is not as it is described there.
//
// What the edge tells must be described to the last field. What clients emit must be as it is described
// where the edge says that it did it: tests emit worse.
import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { judgeOf, prepared } from "./schema.mjs";

const DOCUMENT = new URL("../../docs/reference/asyncapi.yaml", import.meta.url);

export function hold(tell) {
  const document = prepared(load(readFileSync(DOCUMENT, "utf8")));
  const channels = channelsOf(document);
  const judge = judgeOf(document);
  // By socket.
  const channelsIn = new Map();
  // What waits for an acknowledgement, by socket and number.
  const asked = new Map();

  function judged(id, name, schema, value, strict) {
    const found = judge(schema, value, { strict });
    if (found) tell({ id, violation: `${name}: ${found} in ${JSON.stringify(value)}` });
  }

  function event({ id, event, args }) {
    const channel = channelsIn.get(id);
    if (!channel) return;
    const [payload, offset = "", ...more] = args;
    const message = channel.told.get(event) ?? chosen(channel.others, payload?.topic ?? "");
    if (!message || more.length > 0 || typeof offset !== "string") {
      tell({ id, violation: `${event} is not described: ${JSON.stringify(args)}` });
      return;
    }
    channel.seen.add(message.key);
    judged(id, event, message.payload, payload, true);
  }

  function answer({ id, ack, answer }) {
    const question = asked.get(`${id} ${ack}`);
    const channel = channelsIn.get(id);
    const message = channel?.emitted.get(question?.event);
    if (!message) return;
    judged(id, `${message.name}'s acknowledgement`, message.acknowledgement, answer, true);
    if (!answer?.ok) return;
    channel.seen.add(message.key);
    const takesNothing = message.payload.type === "null";
    if (!takesNothing) judged(id, message.name, message.payload, question.argument ?? null, false);
  }

  return {
    // Takes note of what the application is about to do.
    heed({ op, id, ack, event, args = [], over, url, namespace = "", join }) {
      if (op === "connect") {
        const name = over ? namespace : new URL(url + namespace).pathname;
        channelsIn.set(id, channels.get(name));
      }
      // The answer to a join is ack 0; which `since` it has, the application knows.
      if (join) asked.set(`${id} 0`, join);
      if (op === "emit") asked.set(`${id} ${ack}`, { event, argument: args[0] });
    },
    // What is wrong with it first: a test that has seen what it waits for looks at nothing after that.
    tell(observation) {
      try {
        if (observation.event !== undefined) event(observation);
        else if (observation.ack !== undefined) answer(observation);
      } catch (error) {
        tell({ id: observation.id, violation: `it cannot be judged: ${error.stack}` });
      }
      tell(observation);
    },
    // What of a namespace has not been seen so far.
    unseen(namespace) {
      const { told, others, emitted, seen } = channels.get(namespace);
      const keys = [...told.values(), ...others, ...emitted.values()].map((message) => message.key);
      return keys.filter((key) => !seen.has(key));
    },
  };
}

// The messages of each namespace: by name, and those whose names are chosen by others.
function channelsOf({ channels, operations, components }) {
  const messages = (operation) =>
    operation.messages.map(({ $ref }) => {
      const key = $ref.split("/").at(-1);
      const { name, payload, "x-socketio": { acknowledgement, topics } = {} } = components.messages[key];
      return { key, name, payload, acknowledgement, topics };
    });
  const byName = (list) => new Map(list.map((message) => [message.name, message]));
  const described = Object.entries(channels).map(([key, { address }]) => {
    const all = messages(operations[`${key}.told`]);
    const told = byName(all.filter(({ topics }) => topics === undefined));
    const others = all.filter(({ topics }) => topics !== undefined);
    const emitted = byName(messages(operations[`${key}.emitted`]));
    return [address, { told, others, emitted, seen: new Set() }];
  });
  return new Map(described);
}

// The message that stands for all events of a topic, by its name or else by its kind.
function chosen(others, topic) {
  const kind = topic.slice(0, topic.indexOf(":") + 1);
  const of = (name) => others.find(({ topics }) => topics.includes(name));
  return of(topic) ?? of(kind);
}
