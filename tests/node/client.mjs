// Drives unmodified socket.io-clients in Node: one JSON command a line in, one JSON observation a line
// out. application.mjs says which; contract.mjs looks at all that goes over the sockets, and
//
//   {op: "unseen", id, ack, namespace}   answers with what of the contract it has not seen
import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import { application } from "./application.mjs";
import { hold } from "./contract.mjs";
import { fold } from "./graphs.mjs";

const tell = (observation) => process.stdout.write(`${JSON.stringify(observation)}\n`);
const held = hold(tell);
const commands = {
  ...application(io, held.tell, fold),
  unseen: ({ id, ack, namespace }) => tell({ id, ack, answer: held.unseen(namespace) }),
};

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const command = JSON.parse(line);
  held.heed(command);
  commands[command.op](command);
});
lines.on("close", () => process.exit(0));
tell({ id: "", state: "ready", detail: "" });
