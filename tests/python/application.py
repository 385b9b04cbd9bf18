"""What a test's application remembers, whichever of python-socketio's clients it uses.

The commands and observations are those of ../node/application.mjs.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

Command = dict[str, Any]

_writing = threading.Lock()


def tell(observation: dict[str, Any]) -> None:
    line = json.dumps(observation) + "\n"
    with _writing:
        sys.stdout.write(line)
        sys.stdout.flush()


class Application:
    """One client's memory: its last cursor of each topic, and how it goes on from it."""

    def __init__(self, command: Command) -> None:
        self.name: str = command["id"]
        self.keeps: bool = command.get("keep", False)
        self.held: dict[str, str] = dict(command.get("cursors") or {})
        self._written: dict[str, int] = {}
        self._remembering = threading.Lock()
        self._token: str | None = command.get("token")
        self._more: dict[str, Any] = command.get("auth") or {}
        self._join: dict[str, Any] | None = command.get("join")

    def auth(self) -> dict[str, Any]:
        """Given to the library as a callable: it asks at every connect."""
        given: dict[str, Any] = {} if self._token is None else {"token": self._token}
        given |= self._more
        if self._join is None or self._join["resume"] == "auth":
            given["cursors"] = dict(self.held)
        return given

    def to_join(self) -> tuple[str, dict[str, Any]] | None:
        """What to emit at a connect: nothing where the edge has joined by the cursors in `auth`."""
        if self._join is None:
            return None
        since = self.held.get(self._join["topic"])
        if self._join["resume"] == "auth" and since is not None:
            return None
        return self._join["event"], self._join["argument"] | ({"since": since} if since else {})

    def joined(self, answer: dict[str, Any]) -> None:
        if self._join is not None and answer.get("ok"):
            self.held[self._join["topic"]] = answer["cursor"]
        tell({"id": self.name, "ack": 0, "answer": answer})

    def state(self, state: str, detail: Any) -> None:
        tell({"id": self.name, "state": state, "detail": str(detail)})

    def refused(self, error: Any) -> None:
        text = error.get("message", "") if isinstance(error, dict) else error
        self.state("connect_error", text)

    def event(self, event: str, *args: Any) -> None:
        payload = args[0] if args else None
        if self.keeps and isinstance(payload, dict) and "topic" in payload and "cursor" in payload:
            self._remember(payload)
        tell({"id": self.name, "event": event, "args": args})

    def _remember(self, payload: dict[str, Any]) -> None:
        """Keeps the cursor of the newest output: some clients run each handler in a thread of its own."""
        topic, offset = payload["topic"], payload.get("offset", -1)
        with self._remembering:
            if offset >= self._written.get(topic, -1):
                self._written[topic] = offset
                self.held[topic] = payload["cursor"]
