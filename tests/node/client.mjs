// Drives unmodified socket.io-clients: one JSON command a line in, one JSON observation a line out.
//
//   {op: "connect", id, url, token?, cursors?, transports?, keep?}   keep: resume by the last cursors
//   {op: "emit", id, event, args, ack?}       ack: a number, comes back as {ack, answer}
//   {op: "disconnect", id}
//   {op: "raw", id, text}                     writes a frame of the caller's own on the engine
//
// Every observation has `id` and one of: state, event, ack.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const sockets = new Map();
const tell = (observation) => process.stdout.write(`${JSON.stringify(observation)}\n`);

function connect({ id, url, token, cursors = {}, transports, keep = false }) {
  const held = { ...cursors };
  const auth = (give) => give({ ...(token === undefined ? {} : { token }), cursors: held });
  const socket = io(url, {
    auth,
    forceNew: true,
    ...(transports ? { transports } : {}),
    reconnection: keep,
    reconnectionDelay: 50,
    reconnectionDelayMax: 250,
    reconnectionAttempts: Infinity,
  });
  socket.on("connect", () => tell({ id, state: "connect", detail: socket.io.engine.transport.name }));
  socket.on("disconnect", (reason) => tell({ id, state: "disconnect", detail: reason }));
  socket.on("connect_error", (error) => tell({ id, state: "connect_error", detail: error.message }));
  socket.onAny((event, ...args) => {
    const payload = args[0];
    // What an application does to go on where it was: remember the last cursor of each topic.
    if (keep && payload?.topic && payload?.cursor) held[payload.topic] = payload.cursor;
    tell({ id, event, args });
  });
  sockets.set(id, socket);
}

const commands = {
  connect,
  emit({ id, event, args = [], ack }) {
    const socket = sockets.get(id);
    if (ack === undefined) socket.emit(event, ...args);
    else socket.emit(event, ...args, (answer) => tell({ id, ack, answer }));
  },
  disconnect({ id }) {
    sockets.get(id).disconnect();
    sockets.delete(id);
  },
  raw({ id, text }) {
    sockets.get(id).io.engine.write(text);
  },
};

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const command = JSON.parse(line);
  commands[command.op](command);
});
lines.on("close", () => process.exit(0));
tell({ id: "", state: "ready", detail: "" });
