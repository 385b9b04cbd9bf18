// Drives unmodified socket.io-clients in Node: one JSON command a line in, one JSON observation a line
// out. application.mjs says which.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import { application } from "./application.mjs";
import { fold } from "./graphs.mjs";

const tell = (observation) => process.stdout.write(`${JSON.stringify(observation)}\n`);
const commands = application(io, tell, fold);

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const command = JSON.parse(line);
  commands[command.op](command);
});
lines.on("close", () => process.exit(0));
tell({ id: "", state: "ready", detail: "" });
