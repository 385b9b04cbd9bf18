"""What the tests have: a server for all of them, and clients of it."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest
from server import Server

from roomcast import AsyncClient


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """For tests that leave it running."""
    server = Server("--rooms", "news,merged")
    yield server
    server.remove()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """For a test that kills it."""
    server = Server("--rooms", "news")
    yield server
    server.remove()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.core) as client:
        yield client


@pytest.fixture
def name() -> Callable[[], str]:
    """Names that no other test has."""
    return lambda: f"n{uuid4().hex}"
