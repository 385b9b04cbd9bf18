"""Drives python-socketio's Client and SimpleClient, which work in threads, by the lines of client.py.

The only command is `connect`. Its `library` says which: "client", or "simple" whose application only
receives: the library tells it nothing of reconnects, so it resumes by `auth` alone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

import socketio

from application import Application, Command, tell

RECONNECTION: dict[str, Any] = {
    "reconnection": True,
    "reconnection_delay": 0.05,
    "reconnection_delay_max": 0.25,
}


def client(command: Command, application: Application) -> None:
    client = socketio.Client(handle_sigint=False, **RECONNECTION)

    def on_connect() -> None:
        application.state("connect", client.transport())
        if join := application.to_join():
            client.emit(*join, callback=application.joined)

    client.on("connect", on_connect)
    client.on("disconnect", lambda reason: application.state("disconnect", reason))
    client.on("connect_error", application.refused)
    client.on("*", application.event)
    client.connect(
        command["url"],
        auth=application.auth,
        transports=command.get("transports"),
        wait_timeout=20,
    )
    client.wait()


def simple(command: Command, application: Application) -> None:
    client = socketio.SimpleClient(handle_sigint=False, **RECONNECTION)
    client.connect(
        command["url"],
        auth=application.auth,
        transports=command.get("transports"),
        wait_timeout=20,
    )
    application.state("connect", client.transport)
    if join := application.to_join():
        application.joined(client.call(*join))
    while True:
        application.event(*client.receive())


LIBRARIES = {"client": client, "simple": simple}


def main() -> None:
    tell({"id": "", "state": "ready", "detail": ""})
    for line in sys.stdin:
        command = json.loads(line)
        drive = LIBRARIES[command["library"]]
        threading.Thread(target=drive, args=(command, Application(command)), daemon=True).start()
    # Daemon threads that wait for a network do not hold the process.
    os._exit(0)


main()
