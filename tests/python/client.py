"""Drives unmodified python-socketio AsyncClients: one JSON command a line in, one JSON observation a line out.

The commands and observations are those of ../node/application.mjs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import socketio

from application import Application, Command, tell

sockets: dict[str, socketio.AsyncClient] = {}
namespaces: dict[str, str] = {}
tasks: set[asyncio.Task[None]] = set()


async def connect(command: Command) -> None:
    application = Application(command)
    client = socketio.AsyncClient(
        reconnection=application.keeps, reconnection_delay=0.05, reconnection_delay_max=0.25
    )
    sockets[application.name] = client

    async def on_connect() -> None:
        application.state("connect", client.transport())
        if join := application.to_join():
            await client.emit(*join, namespace=namespace, callback=application.joined)

    async def on_disconnect(reason: str) -> None:
        application.state("disconnect", reason)

    async def on_connect_error(error: Any) -> None:
        application.refused(error)

    async def on_any(event: str, *args: Any) -> None:
        application.event(event, *args)

    namespace = command.get("namespace") or "/"
    namespaces[application.name] = namespace
    client.on("connect", on_connect, namespace=namespace)
    client.on("disconnect", on_disconnect, namespace=namespace)
    client.on("connect_error", on_connect_error, namespace=namespace)
    client.on("*", on_any, namespace=namespace)
    try:
        await client.connect(
            command["url"],
            auth=application.auth,
            transports=command.get("transports"),
            namespaces=[namespace],
            wait_timeout=20,
        )
    except socketio.exceptions.ConnectionError:
        # The handler above has told why.
        return


async def emit(command: Command) -> None:
    client, namespace = sockets[command["id"]], namespaces[command["id"]]
    args = command.get("args") or []
    data = args[0] if len(args) == 1 else tuple(args) if args else None
    if "ack" not in command:
        await client.emit(command["event"], data, namespace=namespace)
        return

    def answered(*answer: Any) -> None:
        tell({"id": command["id"], "ack": command["ack"], "answer": answer[0] if answer else None})

    await client.emit(command["event"], data, namespace=namespace, callback=answered)


async def disconnect(command: Command) -> None:
    # Also one that is on its way back: `disconnect` would let it come.
    await sockets.pop(command["id"]).shutdown()


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
