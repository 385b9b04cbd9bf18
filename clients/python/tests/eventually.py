"""Waiting for what must come about."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")

# Longest wait for what takes a moment: busy machines make moments long.
PATIENCE = 30.0
LOOK_EVERY = 0.02


async def eventually(what: str, look: Callable[[], Awaitable[ResultT | None]]) -> ResultT:
    """Waits until `look` sees something."""
    deadline = time.monotonic() + PATIENCE
    while not (seen := await look()):
        assert time.monotonic() < deadline, f"did not come about: {what}"
        await asyncio.sleep(LOOK_EVERY)
    return seen


async def soon(awaitable: Awaitable[ResultT]) -> ResultT:
    """What must not take long."""
    return await asyncio.wait_for(awaitable, PATIENCE)
