"""python-socketio: rooms, and whatever a client publishes is emitted to one.

python server.py PORT
"""

from __future__ import annotations

import sys
from typing import Any

import socketio
import uvicorn

sio = socketio.AsyncServer(
    async_mode="asgi", transports=["websocket"], cors_allowed_origins=[], http_compression=False
)


@sio.on("join")
async def join(sid: str, room: str) -> None:
    await sio.enter_room(sid, room)


@sio.on("publish")
async def publish(_: str, room: str, event: dict[str, Any]) -> None:
    await sio.emit("tick", event, room=room)


uvicorn.run(
    socketio.ASGIApp(sio),
    host="127.0.0.1",
    port=int(sys.argv[1]),
    log_level="warning",
    access_log=False,
    backlog=4096,
    ws_per_message_deflate=False,
    loop="uvloop",
    http="httptools",
)
