"""A worker at work beside a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventually import soon

from roomcast import AsyncWorker


@asynccontextmanager
async def working(worker: AsyncWorker) -> AsyncIterator[asyncio.Task[None]]:
    """Runs it; drains it at the end, unless the test has."""
    running = asyncio.create_task(worker.run(signals=False))
    try:
        yield running
        worker.drain()
        await soon(running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
