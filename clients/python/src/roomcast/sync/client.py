"""A client whose calls wait."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from roomcast.calls import CALL_TIMEOUT
from roomcast.client import DEFAULT_ADDRESS, AsyncClient
from roomcast.connections import AsyncConnections
from roomcast.credentials import Tls, Token
from roomcast.dashboard import AsyncDashboard
from roomcast.jobs import AsyncJobs
from roomcast.projects import AsyncProjects
from roomcast.rooms import AsyncRooms
from roomcast.sessions import AsyncSessions
from roomcast.sync.blocking import Blocking, Facade, Streaming
from roomcast.sync.portal import Portal
from roomcast.sync.worker import Worker
from roomcast.topics import AsyncTopics


class Jobs(Facade[AsyncJobs]):
    """Creates jobs, looks at them, cancels them."""

    create = Blocking(AsyncJobs.create)
    get = Blocking(AsyncJobs.get)
    list = Streaming(AsyncJobs.list)
    cancel = Blocking(AsyncJobs.cancel)
    retry = Blocking(AsyncJobs.retry)
    send_message = Blocking(AsyncJobs.send_message)
    start_test_run = Blocking(AsyncJobs.start_test_run)
    output = Blocking(AsyncJobs.output)
    watch = Streaming(AsyncJobs.watch)
    wait = Blocking(AsyncJobs.wait)


class Topics(Facade[AsyncTopics]):
    """Publishes events and reads logs. A topic is `kind:name`, such as `room:agents`."""

    publish = Blocking(AsyncTopics.publish)
    publish_batch = Blocking(AsyncTopics.publish_batch)
    get = Blocking(AsyncTopics.get)
    list = Streaming(AsyncTopics.list)
    events = Streaming(AsyncTopics.events)
    watch = Streaming(AsyncTopics.watch)


class Rooms(Facade[AsyncRooms]):
    """Tells which rooms there are and who is in them. What happens in one is its topic, `room:name`."""

    list = Streaming(AsyncRooms.list)
    presence = Blocking(AsyncRooms.presence)


class Connections(Facade[AsyncConnections]):
    """Tells of the browsers that are connected to the edges."""

    list = Streaming(AsyncConnections.list)


class Dashboard(Facade[AsyncDashboard]):
    """Tells the dashboard of agents, tasks, metrics and workflows."""

    emit_agent_status = Blocking(AsyncDashboard.emit_agent_status)
    emit_task_update = Blocking(AsyncDashboard.emit_task_update)
    emit_system_metrics = Blocking(AsyncDashboard.emit_system_metrics)
    emit_workflow_event = Blocking(AsyncDashboard.emit_workflow_event)


class Projects(Facade[AsyncProjects]):
    """Creates projects and says who may what in them."""

    create = Blocking(AsyncProjects.create)
    get = Blocking(AsyncProjects.get)
    list = Streaming(AsyncProjects.list)
    delete = Blocking(AsyncProjects.delete)
    members = Blocking(AsyncProjects.members)
    set_member = Blocking(AsyncProjects.set_member)
    remove_member = Blocking(AsyncProjects.remove_member)


class Sessions(Facade[AsyncSessions]):
    """Opens sessions, gives commands, follows what happens."""

    create = Blocking(AsyncSessions.create)
    get = Blocking(AsyncSessions.get)
    list = Streaming(AsyncSessions.list)
    close = Blocking(AsyncSessions.close)
    execute = Blocking(AsyncSessions.execute)
    undo = Blocking(AsyncSessions.undo)
    redo = Blocking(AsyncSessions.redo)
    graph = Blocking(AsyncSessions.graph)
    save = Blocking(AsyncSessions.save)
    load = Blocking(AsyncSessions.load)
    saves = Blocking(AsyncSessions.saves)
    participants = Blocking(AsyncSessions.participants)
    watch = Streaming(AsyncSessions.watch)


class Client(Facade[AsyncClient]):
    """Talks to a core, and to the next one while that is not well. Any thread may use it.

        with Client("core-1:50051,core-2:50051", service_token=token) as client:
            job = client.jobs.create("report", {"pages": 3})

    It connects when it is first needed; one is enough for a process. A process that forks uses its
    clients afterwards only: else, and with one of the parent's, a call in the child raises `RuntimeError`.

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
        """Opens no connection yet. Arguments and errors are those of `AsyncClient`."""
        inner = AsyncClient(
            addresses,
            token=token,
            service_token=service_token,
            tls=tls,
            tenant=tenant,
            timeout=timeout,
        )
        portal = Portal.enter()
        super().__init__(portal, inner)
        self._is_closed = False
        self.jobs = Jobs(portal, inner.jobs)
        self.topics = Topics(portal, inner.topics)
        self.rooms = Rooms(portal, inner.rooms)
        self.connections = Connections(portal, inner.connections)
        self.dashboard = Dashboard(portal, inner.dashboard)
        self.projects = Projects(portal, inner.projects)
        self.sessions = Sessions(portal, inner.sessions)

    def worker(self, *, slots: int = 1, worker_id: str = "") -> Worker:
        """A worker: give it handlers, then `run` it.

        Args:
            slots: Jobs at once, 1 to 1024; each has a thread of its own.
            worker_id: Unique name, `[A-Za-z0-9_.-]{1,128}`; made up unless given.
        """
        return Worker(self.portal, self.inner.worker(slots=slots, worker_id=worker_id), slots)

    def close(self) -> None:
        """Ends all connections. Calls under way in other threads, and later ones, raise `RuntimeError`."""
        if not self._is_closed:
            self._is_closed = True
            try:
                # At the program's end the loop may have gone first.
                if self.portal.is_open:
                    self.portal.call(self.inner.close())
            finally:
                self.portal.leave()

    def __enter__(self) -> Client:
        """Opens nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()
