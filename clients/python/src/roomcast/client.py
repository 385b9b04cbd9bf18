"""A client: one way to the cores, and what can be asked there."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from roomcast.calls import CALL_TIMEOUT, Calls
from roomcast.connections import AsyncConnections
from roomcast.cores import Cores
from roomcast.credentials import Credentials, Tls, Token
from roomcast.dashboard import AsyncDashboard
from roomcast.jobs import AsyncJobs
from roomcast.projects import AsyncProjects
from roomcast.rooms import AsyncRooms
from roomcast.sessions import AsyncSessions
from roomcast.topics import AsyncTopics
from roomcast.worker.worker import AsyncWorker

DEFAULT_ADDRESS = "127.0.0.1:50051"


class AsyncClient:
    """Talks to a core, and to the next one while that is not well.

        async with AsyncClient("core-1:50051,core-2:50051", service_token=token) as client:
            job = await client.jobs.create("report", {"pages": 3})

    It connects when it is first needed. One client is enough for a process; it belongs to the event loop
    that it is first used in.

    Attributes:
        jobs: Creates, looks at, cancels and watches jobs.
        topics: Publishes to rooms and users; reads and watches logs.
        rooms: The declared rooms, and who is in them.
        connections: Who is connected to the edges.
        dashboard: The dashboard's events.
        projects: Projects and their members.
        sessions: Shared graphs: commands, undo, saves.
    """

    def __init__(
        self,
        addresses: str | Sequence[str] = DEFAULT_ADDRESS,
        *,
        token: Token | None = None,
        service_token: Token | None = None,
        tls: Tls | None = None,
        tenant: str = "",
        timeout: float = CALL_TIMEOUT,
    ) -> None:
        """Opens no connection yet.

        Args:
            addresses: `host:port` of each core, in a list or separated by commas.
            token: The user in whose name calls are made, or a function that answers it.
            service_token: Opens the core's door to services and workers, if `tls` shows no
                certificate; or a function that answers it.
            tls: Whom to trust and what to show. Without it nothing is encrypted.
            tenant: The tenant that topics and workers belong to, for services.
            timeout: Seconds until a call gives up, tries included. What watches and waits goes on.

        Raises:
            ValueError: An address is none, or does not go with `tls`.
            OSError: A file of `tls` cannot be read.
        """
        self._cores = Cores(addresses, tls)
        self._calls = Calls(self._cores, Credentials(token, service_token), timeout)
        self._tenant = tenant
        self.jobs = AsyncJobs(self._calls)
        self.topics = AsyncTopics(self._calls, tenant)
        self.rooms = AsyncRooms(self._calls, tenant)
        self.connections = AsyncConnections(self._calls, tenant)
        self.dashboard = AsyncDashboard(self.topics)
        self.projects = AsyncProjects(self._calls)
        self.sessions = AsyncSessions(self._calls)

    def worker(self, *, slots: int = 1, worker_id: str = "") -> AsyncWorker:
        """A worker: give it handlers, then `run` it.

        Args:
            slots: Jobs at once, 1 to 1024.
            worker_id: Unique name, `[A-Za-z0-9_.-]{1,128}`; made up unless given.
        """
        return AsyncWorker(self._calls, slots=slots, worker_id=worker_id, tenant=self._tenant)

    async def close(self) -> None:
        """Ends all connections. Calls under way are cancelled, and later ones raise `RuntimeError`."""
        await self._cores.close()

    async def __aenter__(self) -> AsyncClient:
        """Opens nothing yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        await self.close()
