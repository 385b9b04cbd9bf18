"""An application of one unmodified python-socketio AsyncClient that remembers what it was told."""

from __future__ import annotations

import asyncio
from typing import Any

import socketio

Payload = dict[str, Any]

# Longest wait for what must come.
PATIENCE_SECONDS = 20


class Spectator:
    """What it was told, in order, and its last cursor of each topic."""

    def __init__(self, namespace: str = "/") -> None:
        self.client = socketio.AsyncClient(reconnection_delay=0.05, reconnection_delay_max=0.25)
        self.told: list[tuple[str, Payload]] = []
        self.cursors: dict[str, str] = {}
        self._namespace = namespace
        self._auth: dict[str, Any] = {}
        self._news = asyncio.Condition()
        self.client.on("*", self._hear, namespace=namespace)
        self.client.on("connect", self._connected, namespace=namespace)

    async def connect(self, url: str, **auth: Any) -> Spectator:
        self._auth = auth
        await self.client.connect(
            url,
            auth=lambda: self._auth | {"cursors": dict(self.cursors)},
            socketio_path="/socket.io/",
            namespaces=[self._namespace],
            transports=["websocket"],
        )
        return self

    async def ask(self, event: str, argument: Payload) -> Payload:
        """Emits, and answers what is acknowledged."""
        return await self.client.call(
            event, argument, namespace=self._namespace, timeout=PATIENCE_SECONDS
        )

    async def join(self, event: str, argument: Payload) -> Payload:
        """Asks for what it must get."""
        answer = await self.ask(event, argument)
        assert answer["ok"] is True, answer
        self.cursors.setdefault(answer["topic"], answer["cursor"])
        return answer

    async def hear(self, name: str, /, **fields: Any) -> Payload:
        """The first event of this name with these fields, told or yet to be."""

        def found() -> Payload | None:
            for told, payload in self.told:
                if told == name and all(payload.get(key) == value for key, value in fields.items()):
                    return payload
            return None

        async with self._news:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._news.wait_for(lambda: found() is not None)
            except TimeoutError:
                raise AssertionError(f"no {name} {fields} among {self.names()}") from None
        payload = found()
        assert payload is not None
        return payload

    async def connected(self, times: int) -> None:
        """Waits until it has connected so often."""
        await self.hear("connect", times=times)

    def names(self) -> list[str]:
        return [name for name, _ in self.told]

    def of(self, *names: str) -> list[Payload]:
        """The payloads of the events with these names."""
        return [payload for name, payload in self.told if name in names]

    async def break_connection(self) -> None:
        """As a network does: nobody says goodbye."""
        await self.client.eio.ws.close()

    async def leave(self) -> None:
        await self.client.disconnect()

    async def _connected(self) -> None:
        times = 1 + len(self.of("connect"))
        await self._remember("connect", {"times": times})

    async def _hear(self, event: str, payload: Payload | None = None) -> None:
        payload = payload or {}
        if "topic" in payload and "cursor" in payload:
            self.cursors[payload["topic"]] = payload["cursor"]
        await self._remember(event, payload)

    async def _remember(self, event: str, payload: Payload) -> None:
        async with self._news:
            self.told.append((event, payload))
            self._news.notify_all()
