"""Drives unmodified python-socketio clients: one JSON command a line in, one JSON observation a line out.

The commands and observations are those of ../node/client.mjs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import socketio

Command = dict[str, Any]

sockets: dict[str, socketio.AsyncClient] = {}
tasks: set[asyncio.Task[None]] = set()


def tell(observation: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(observation) + "\n")
    sys.stdout.flush()


async def connect(command: Command) -> None:
    name = command["id"]
    keep = command.get("keep", False)
    cursors: dict[str, str] = dict(command.get("cursors") or {})
    client = socketio.AsyncClient(
        reconnection=keep, reconnection_delay=0.05, reconnection_delay_max=0.25
    )
    sockets[name] = client

    async def on_connect() -> None:
        tell({"id": name, "state": "connect", "detail": client.transport()})

    async def on_disconnect(reason: str) -> None:
        tell({"id": name, "state": "disconnect", "detail": reason})

    async def on_connect_error(error: Any) -> None:
        text = error.get("message", "") if isinstance(error, dict) else str(error)
        tell({"id": name, "state": "connect_error", "detail": text})

    async def on_any(event: str, *args: Any) -> None:
        payload = args[0] if args else None
        if keep and isinstance(payload, dict) and "topic" in payload and "cursor" in payload:
            cursors[payload["topic"]] = payload["cursor"]
        tell({"id": name, "event": event, "args": args})

    client.on("connect", on_connect)
    client.on("disconnect", on_disconnect)
    client.on("connect_error", on_connect_error)
    client.on("*", on_any)

    def auth() -> dict[str, Any]:
        token = command.get("token")
        return {**({} if token is None else {"token": token}), "cursors": dict(cursors)}

    try:
        await client.connect(
            command["url"], auth=auth, transports=command.get("transports"), wait_timeout=20
        )
    except socketio.exceptions.ConnectionError:
        # The handler above has told why.
        return


async def emit(command: Command) -> None:
    client = sockets[command["id"]]
    args = command.get("args") or []
    data = args[0] if len(args) == 1 else tuple(args) if args else None
    if "ack" not in command:
        await client.emit(command["event"], data)
        return

    def answered(*answer: Any) -> None:
        tell({"id": command["id"], "ack": command["ack"], "answer": answer[0] if answer else None})

    await client.emit(command["event"], data, callback=answered)


async def disconnect(command: Command) -> None:
    await sockets.pop(command["id"]).disconnect()


COMMANDS = {"connect": connect, "emit": emit, "disconnect": disconnect}


async def main() -> None:
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    tell({"id": "", "state": "ready", "detail": ""})
    while line := await reader.readline():
        command = json.loads(line)
        if command["op"] == "connect":
            # A refused connection takes its time, and the next command does not wait for it.
            task = asyncio.create_task(connect(command))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        else:
            await COMMANDS[command["op"]](command)


asyncio.run(main())
