"""A browser, as far as the server sees: an unmodified python-socketio client that remembers."""

import asyncio
from typing import Any

import socketio
from eventually import soon


class Subscriber:
    """Hears everything, in order."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient()
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()
        self._cursors: dict[str, str] = {}
        self.client.on("*", self._hear)

    async def connect(self, url: str) -> None:
        auth = {"dashboard": False}
        await self.client.connect(url, auth=lambda: {**auth, "cursors": dict(self._cursors)})

    async def join_job(self, job_id: str) -> None:
        answer = await self.client.call("join_job", {"job_id": job_id})
        assert answer["ok"], answer

    async def until(self, name: str, **fields: Any) -> dict[str, Any]:
        """The first message of this name with these fields."""

        async def look() -> dict[str, Any]:
            while True:
                for heard, message in self.heard:
                    if heard == name and fields.items() <= message.items():
                        return message
                self._news.clear()
                await self._news.wait()

        return await soon(look())

    def of(self, name: str) -> list[dict[str, Any]]:
        return [message for heard, message in self.heard if heard == name]

    async def close(self) -> None:
        await self.client.disconnect()

    async def _hear(self, name: str, message: dict[str, Any]) -> None:
        if "cursor" in message:
            self._cursors[message["topic"]] = message["cursor"]
        self.heard.append((name, message))
        self._news.set()
