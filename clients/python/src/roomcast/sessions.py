"""Sessions: graphs that several people edit at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from roomcast.calls import Calls, Method, new_key
from roomcast.v1 import (
    CloseSessionRequest,
    CloseSessionResponse,
    Command,
    CreateSessionRequest,
    CreateSessionResponse,
    Event,
    ExecuteCommandRequest,
    ExecuteCommandResponse,
    GetGraphRequest,
    GetGraphResponse,
    GetSessionRequest,
    GetSessionResponse,
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListSavesRequest,
    ListSavesResponse,
    ListSessionsRequest,
    ListSessionsResponse,
    LoadGraphRequest,
    LoadGraphResponse,
    RedoCommandRequest,
    RedoCommandResponse,
    Save,
    SaveGraphRequest,
    SaveGraphResponse,
    Session,
    SessionSnapshot,
    UndoCommandRequest,
    UndoCommandResponse,
    WatchSessionRequest,
    WatchSessionResponse,
)
from roomcast.watch import Watch

_SERVICE = "/roomcast.v1.SessionService"
_CREATE = Method(f"{_SERVICE}/CreateSession", CreateSessionRequest, CreateSessionResponse)
_GET = Method(f"{_SERVICE}/GetSession", GetSessionRequest, GetSessionResponse)
_LIST = Method(f"{_SERVICE}/ListSessions", ListSessionsRequest, ListSessionsResponse)
_CLOSE = Method(f"{_SERVICE}/CloseSession", CloseSessionRequest, CloseSessionResponse)
_EXECUTE = Method(f"{_SERVICE}/ExecuteCommand", ExecuteCommandRequest, ExecuteCommandResponse)
_UNDO = Method(f"{_SERVICE}/UndoCommand", UndoCommandRequest, UndoCommandResponse)
_REDO = Method(f"{_SERVICE}/RedoCommand", RedoCommandRequest, RedoCommandResponse)
_GRAPH = Method(f"{_SERVICE}/GetGraph", GetGraphRequest, GetGraphResponse)
_SAVE = Method(f"{_SERVICE}/SaveGraph", SaveGraphRequest, SaveGraphResponse)
_LOAD = Method(f"{_SERVICE}/LoadGraph", LoadGraphRequest, LoadGraphResponse)
_SAVES = Method(f"{_SERVICE}/ListSaves", ListSavesRequest, ListSavesResponse)
_THERE = Method(f"{_SERVICE}/ListParticipants", ListParticipantsRequest, ListParticipantsResponse)
_WATCH = Method(f"{_SERVICE}/WatchSession", WatchSessionRequest, WatchSessionResponse)


class AsyncSessions:
    """Opens sessions, gives commands, follows what happens.

    What changes a graph carries an idempotency key, made by the call unless given, and answers when it is
    durable. `graph` is the graph's name in the session; empty means `main`.
    """

    def __init__(self, calls: Calls) -> None:
        """Made by the client."""
        self._calls = calls

    async def create(
        self, project_id: str, *, name: str = "", idempotency_key: str = ""
    ) -> Session:
        """A new session of a project; `name` is for people, at most 256 bytes."""
        request = CreateSessionRequest(
            project_id=project_id, name=name, idempotency_key=idempotency_key or new_key()
        )
        return (await self._calls.ask(_CREATE, request)).session

    async def get(self, session_id: str) -> GetSessionResponse:
        """The session, its graphs by name, and how many are there.

        Raises:
            NotFound: `session_not_found`.
        """
        return await self._calls.ask(_GET, GetSessionRequest(session_id=session_id))

    def list(self, project_id: str) -> AsyncGenerator[Session, None]:
        """A project's sessions, newest first."""
        request = ListSessionsRequest(project_id=project_id)
        return self._calls.pages(_LIST, request, lambda page: (page.sessions, page.next_page_token))

    async def close(self, session_id: str) -> Session:
        """Ends a session. Its log stays readable for its retention."""
        return (await self._calls.ask(_CLOSE, CloseSessionRequest(session_id=session_id))).session

    async def execute(
        self,
        session_id: str,
        command: Command,
        *,
        graph: str = "",
        expected_version: int | None = None,
        idempotency_key: str = "",
    ) -> ExecuteCommandResponse:
        """Gives a command: see `roomcast.commands`.

        Args:
            session_id: Which session.
            command: What to change.
            graph: Which graph.
            expected_version: Refuse unless the graph's version is this.
            idempotency_key: At most 128 bytes: the same key gives the same answer for 24 h.

        Raises:
            Conflict: `version_conflict`, or what the graph refuses, such as `graph_cycle`.
            NotFound: `node_not_found`, `session_not_found`…
        """
        request = ExecuteCommandRequest(
            session_id=session_id,
            graph=graph,
            command=command,
            expected_version=expected_version,
            idempotency_key=idempotency_key or new_key(),
        )
        return await self._calls.ask(_EXECUTE, request)

    async def undo(
        self,
        session_id: str,
        *,
        graph: str = "",
        expected_version: int | None = None,
        idempotency_key: str = "",
    ) -> UndoCommandResponse:
        """Takes back the last command of the graph, whoever gave it.

        Raises:
            Conflict: `nothing_to_undo`, `version_conflict`.
        """
        request = UndoCommandRequest(
            session_id=session_id,
            graph=graph,
            expected_version=expected_version,
            idempotency_key=idempotency_key or new_key(),
        )
        return await self._calls.ask(_UNDO, request)

    async def redo(
        self,
        session_id: str,
        *,
        graph: str = "",
        expected_version: int | None = None,
        idempotency_key: str = "",
    ) -> RedoCommandResponse:
        """Does the command that was undone last again.

        Raises:
            Conflict: `nothing_to_redo`, `version_conflict`.
        """
        request = RedoCommandRequest(
            session_id=session_id,
            graph=graph,
            expected_version=expected_version,
            idempotency_key=idempotency_key or new_key(),
        )
        return await self._calls.ask(_REDO, request)

    async def graph(
        self, session_id: str, *, graph: str = "", save: str = "", version: int = 0
    ) -> GetGraphResponse:
        """A graph as it stands, or as a save kept it; version 0 is the newest."""
        request = GetGraphRequest(session_id=session_id, graph=graph, save=save, version=version)
        return await self._calls.ask(_GRAPH, request)

    async def save(
        self, session_id: str, name: str, *, graph: str = "", idempotency_key: str = ""
    ) -> SaveGraphResponse:
        """Keeps the graph under a name, `[A-Za-z0-9_.-]{1,128}`, as a new version."""
        request = SaveGraphRequest(
            session_id=session_id,
            graph=graph,
            name=name,
            idempotency_key=idempotency_key or new_key(),
        )
        return await self._calls.ask(_SAVE, request)

    async def load(
        self,
        session_id: str,
        name: str,
        *,
        version: int = 0,
        graph: str = "",
        idempotency_key: str = "",
    ) -> LoadGraphResponse:
        """Replaces the graph by a save; nothing before it can be undone. Version 0 is the newest.

        Raises:
            NotFound: `save_not_found`.
        """
        request = LoadGraphRequest(
            session_id=session_id,
            graph=graph,
            name=name,
            version=version,
            idempotency_key=idempotency_key or new_key(),
        )
        return await self._calls.ask(_LOAD, request)

    async def saves(self, session_id: str) -> Sequence[Save]:
        """What was kept, newest first."""
        return (await self._calls.ask(_SAVES, ListSavesRequest(session_id=session_id))).saves

    async def participants(self, session_id: str) -> ListParticipantsResponse:
        """Who is there."""
        return await self._calls.ask(_THERE, ListParticipantsRequest(session_id=session_id))

    async def watch(
        self, session_id: str, *, since: str = "", types: Sequence[str] = ()
    ) -> AsyncGenerator[SessionSnapshot | Event, None]:
        """The session as it stands, then every event once and in order, until it is closed.

        A lost connection is taken up again after the last event. Where events are missed for good a
        snapshot comes again and replaces what was known.

        Args:
            session_id: Which.
            since: Go on after this cursor instead of a snapshot.
            types: Only events of these types, such as `graph.node_created`. Empty means all.

        Raises:
            NotFound: `session_not_found`.
        """
        watch: Watch[WatchSessionRequest, WatchSessionResponse, SessionSnapshot] = Watch(
            _WATCH,
            lambda cursor: WatchSessionRequest(session_id=session_id, since=cursor, types=types),
            lambda frame: frame.snapshot,
            lambda snapshot: snapshot.session.cursor,
        )
        async with aclosing(watch.follow(self._calls, since)) as followed:
            async for item in followed:
                yield item
