"""A browser, as far as the server sees: an unmodified python-socketio client that remembers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import socketio
from eventually import soon


class Subscriber:
    """Hears everything, in order."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient()
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()
        self.client.on("*", self._hear)

    @classmethod
    @asynccontextmanager
    async def of_job(cls, url: str, job_id: str) -> AsyncIterator["Subscriber"]:
        """One that has joined a job."""
        subscriber = cls()
        auth = {"dashboard": False}
        await subscriber.client.connect(url, auth=auth)
        try:
            answer = await subscriber.client.call("join_job", {"job_id": job_id})
            assert answer["ok"], answer
            yield subscriber
        finally:
            await subscriber.client.disconnect()

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

    async def _hear(self, name: str, message: dict[str, Any]) -> None:
        self.heard.append((name, message))
        self._news.set()
