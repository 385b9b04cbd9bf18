// Node's socket.io: rooms, and whatever a client publishes is emitted to one.
//
//   node server.mjs PORT      with REDIS_URL: the Redis streams adapter and connection state recovery
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const RECOVERY = { maxDisconnectionDuration: 120_000, skipMiddlewares: true };
// Entries that the stream keeps: what its documentation proposes.
const STREAM_ENTRIES = 10_000;

const options = { transports: ["websocket"], perMessageDeflate: false, serveClient: false };
if (process.env.REDIS_URL) {
  const redis = createClient({ url: process.env.REDIS_URL });
  await redis.connect();
  options.adapter = createAdapter(redis, { maxLen: STREAM_ENTRIES });
  options.connectionStateRecovery = RECOVERY;
}
const server = createServer();
const io = new Server(server, options);
io.on("connection", (socket) => {
  socket.on("join", (room, answer) => {
    socket.join(room);
    answer();
  });
  socket.on("publish", (room, event) => io.to(room).emit("tick", event));
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
