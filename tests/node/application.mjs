// What a test's application does with an unmodified socket.io-client, in Node or in a page. It obeys
// commands and tells what it observes, both plain JSON:
//
//   {op: "connect", id, url, namespace?, token?, auth?, over?, cursors?, transports?, keep?, join?, recover?}
//       auth: more of what the handshake says
//       over: another client, in whose connection this one has its namespace
//       keep: come back by oneself, and resume
//       join: {event, argument, topic, resume}; joined at every connect. `resume` says how: "auth", by
//             the cursors that `auth` gives as a function, or "since", by the cursor in the join itself
//       recover: leave resuming to Socket.IO's own recovery
//   {op: "drop", id, url?, offset?, token?}   breaks the connection; it comes back by itself, at another
//             url, with another offset or another token if one is given
//   {op: "emit", id, event, args, ack?}       ack: a number, comes back as {ack, answer}
//   {op: "graphs", id, ack}                   what it knows of its session's graphs (graphs.mjs), as the
//             answer to this ack
//   {op: "disconnect", id}
//   {op: "raw", id, text}                     writes a frame of the caller's own on the engine
//
// Every observation has `id` and one of: state, event, ack. The answer to a join is ack 0.
export function application(io, tell, fold) {
  const sockets = new Map();
  const tokens = new Map();
  const folded = new Map();

  function connect(command) {
    const { id, url, namespace = "", token, auth: more, over, cursors = {}, transports } = command;
    const { keep = false, join, recover } = command;
    const held = { ...cursors };
    const resumesByAuth = join?.resume !== "since";
    if (token !== undefined) tokens.set(id, token);
    const auth = (give) =>
      give({
        ...(tokens.has(id) ? { token: tokens.get(id) } : {}),
        ...more,
        ...(recover ? { recover } : resumesByAuth ? { cursors: held } : {}),
      });
    const options = {
      auth,
      forceNew: true,
      ...(transports ? { transports } : {}),
      reconnection: keep,
      reconnectionDelay: 50,
      reconnectionDelayMax: 250,
      reconnectionAttempts: Infinity,
    };
    const socket = over ? sockets.get(over).io.socket(namespace, options) : io(url + namespace, options);
    const graphs = fold();
    folded.set(id, graphs);
    socket.on("connect", () => {
      const recovered = socket.recovered ? " recovered" : "";
      tell({ id, state: "connect", detail: socket.io.engine.transport.name + recovered });
      if (join) enter(id, socket, join, held);
    });
    socket.on("disconnect", (reason) => tell({ id, state: "disconnect", detail: reason }));
    socket.on("connect_error", (error) => tell({ id, state: "connect_error", detail: error.message }));
    socket.onAny((event, ...args) => {
      const payload = args[0];
      // What an application does to go on where it was: remember the last cursor of each topic.
      if (keep && payload?.topic && payload?.cursor) held[payload.topic] = payload.cursor;
      graphs.take(event, payload);
      tell({ id, event, args });
    });
    sockets.set(id, socket);
  }

  function enter(id, socket, { event, argument, topic, resume }, held) {
    const since = held[topic];
    // The edge has joined it already, by the cursors in `auth`.
    if (resume === "auth" && since) return;
    socket.emit(event, { ...argument, ...(since ? { since } : {}) }, (answer) => {
      if (answer.ok) held[topic] = answer.cursor;
      tell({ id, ack: 0, answer });
    });
  }

  return {
    connect,
    emit({ id, event, args = [], ack }) {
      const socket = sockets.get(id);
      if (ack === undefined) socket.emit(event, ...args);
      else socket.emit(event, ...args, (answer) => tell({ id, ack, answer }));
    },
    graphs({ id, ack }) {
      tell({ id, ack, answer: folded.get(id).known() });
    },
    drop({ id, url, offset, token }) {
      const socket = sockets.get(id);
      if (token) tokens.set(id, token);
      if (url) socket.io.uri = url;
      if (offset) socket._lastOffset = offset;
      socket.io.engine.close();
    },
    disconnect({ id }) {
      sockets.get(id).disconnect();
      sockets.delete(id);
    },
    raw({ id, text }) {
      sockets.get(id).io.engine.write(text);
    },
  };
}
