"""A graph's editor on namespace /graph: it joins a session and hears of every change by its short name."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx

from spectator import Spectator

NODE = {"type": "create_node", "node_id": "a", "node_type": "blueprint", "name": "Root"}

# Each command, and the events that tell of it after `command-executing`.
STEPS: list[tuple[dict[str, Any], list[str]]] = [
    (NODE, ["node-created", "command-executed"]),
    (NODE | {"node_id": "b", "parent_id": "a"}, ["node-created", "node-linked", "command-executed"]),
    (
        {"type": "set_property", "node_id": "b", "key": "size", "value": [1, 2.5, None]},
        ["property-changed", "command-executed"],
    ),
    (
        {"type": "delete_property", "node_id": "b", "key": "size"},
        ["property-deleted", "command-executed"],
    ),
    (
        {"type": "unlink_node", "parent_id": "a", "node_id": "b"},
        ["node-unlinked", "command-executed"],
    ),
    ({"type": "delete_node", "node_id": "b"}, ["node-deleted", "command-executed"]),
    ({"type": "delete_node", "node_id": "nothing"}, ["command-failed"]),
]


class Editor:
    """Whoever changes the graph, over HTTP."""

    def __init__(self, http: httpx.AsyncClient, session_id: str) -> None:
        self._http = http
        self._session_id = session_id

    async def execute(self, command: dict[str, Any]) -> dict[str, Any]:
        body = {"session_id": self._session_id, "command": command}
        return (await self._http.post("/api/v1/commands/execute", json=body)).json()

    async def turn(self, direction: str) -> dict[str, Any]:
        body = {"session_id": self._session_id}
        answer = await self._http.post(f"/api/v1/commands/{direction}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def keep(self, verb: str) -> None:
        answer = await self._http.post(
            f"/api/v1/sessions/{self._session_id}/{verb}", json={"name": "draft"}
        )
        assert answer.status_code == 200, answer.text


async def open_session(http: httpx.AsyncClient) -> str:
    project = (await http.post("/projects", json={"name": "graphs"})).json()
    session = await http.post(f"/projects/{project['id']}/sessions")
    assert session.status_code == 201, session.text
    return session.json()["session_id"]


async def a_client_joins_leaves_and_is_answered(url: str, http: httpx.AsyncClient) -> None:
    session_id = await open_session(http)
    editor, spectator = Editor(http, session_id), await Spectator("/graph").connect(url)
    for wrong in ({}, {"session_id": ["one"]}):
        refused = await spectator.ask("join_session", wrong)
        assert refused["error"]["code"] == "malformed_message", refused
    joined = await spectator.join("join_session", {"session_id": session_id})
    assert joined["topic"] == f"session:{session_id}", joined
    await spectator.hear("session_state", session_id=session_id)
    await spectator.client.emit("ping", namespace="/graph")
    assert (await spectator.hear("pong"))["timestamp"]
    await editor.execute(NODE)
    told = await spectator.hear("node-created", node_id="a")
    expected = {"session_id": session_id, "node_type": "blueprint", "name": "Root", "graph": "main"}
    assert told.items() >= expected.items(), told
    left = await spectator.ask("leave_session", {"session_id": session_id})
    assert left["ok"] is True, left
    await editor.execute(NODE | {"node_id": "unseen"})
    other = await open_session(http)
    await spectator.join("join_session", {"session_id": other})
    await Editor(http, other).execute(NODE | {"node_id": "seen"})
    await spectator.hear("node-created", node_id="seen")
    assert [told["node_id"] for told in spectator.of("node-created")] == ["a", "seen"]
    assert (await http.get("/health")).json()["status"] == "healthy"
    await spectator.leave()


async def every_kind_of_event_has_its_short_name(url: str, http: httpx.AsyncClient) -> None:
    session_id = await open_session(http)
    editor, spectator = Editor(http, session_id), await Spectator("/graph").connect(url)
    await spectator.join("join_session", {"session_id": session_id})
    expected = []
    for command, names in STEPS:
        await editor.execute(command)
        expected += ["command-executing", *names]
    undone = await editor.turn("undo")
    redone = await editor.turn("redo")
    assert undone["command_id"] == redone["command_id"]
    expected += ["node-created", "undo", "node-deleted", "redo"]
    await editor.keep("save")
    await editor.keep("load")
    await spectator.hear("project-loaded", name="draft", version=1)
    expected += ["project-saved", "project-loaded"]
    of_the_graph = [
        name
        for name in spectator.names()
        if not name.startswith("session") and name not in ("connect", "connected")
    ]
    assert of_the_graph == expected, of_the_graph
    set_to = await spectator.hear("property-changed", key="size")
    assert set_to["value"] == [1, 2.5, None], set_to
    executed = await spectator.hear("command-executed")
    assert executed["success"] is True, executed
    failed = await spectator.hear("command-failed")
    assert (failed["success"], failed["error_code"]) == (False, "node_not_found"), failed
    await spectator.leave()


async def a_client_whose_handler_fails_disturbs_nobody(url: str, http: httpx.AsyncClient) -> None:
    session_id = await open_session(http)
    broken, sound = Spectator("/graph"), Spectator("/graph")
    failures = []

    async def fail(payload: dict[str, Any]) -> None:
        failures.append(payload)
        raise RuntimeError("this application has a fault")

    broken.client.on("node-created", fail, namespace="/graph")
    broken.client.logger.disabled = True
    for spectator in (broken, sound):
        await spectator.connect(url)
        await spectator.join("join_session", {"session_id": session_id})
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    for number in range(5):
        await Editor(http, session_id).execute(NODE | {"node_id": f"n{number}"})
    await sound.hear("node-created", node_id="n4")
    assert [told["node_id"] for told in sound.of("node-created")] == [f"n{n}" for n in range(5)]
    await broken.hear("command-executed", version=5)
    assert len(failures) == 5, "it goes on being told"
    for spectator in (broken, sound):
        await spectator.leave()


async def who_comes_and_goes_is_announced(url: str, http: httpx.AsyncClient) -> None:
    session_id = await open_session(http)
    first = await Spectator("/graph").connect(url)
    await first.join("join_session", {"session_id": session_id})
    await first.hear("session-connected", connections=1, participants=1)
    second = await Spectator("/graph").connect(url)
    await second.join("join_session", {"session_id": session_id})
    await first.hear("session-connected", connections=2)
    await second.leave()
    gone = await first.hear("session-disconnected", connections=1)
    assert gone["user_id"] == "dev", gone
    await first.leave()


async def main(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        for check in (
            a_client_joins_leaves_and_is_answered,
            every_kind_of_event_has_its_short_name,
            a_client_whose_handler_fails_disturbs_nobody,
            who_comes_and_goes_is_announced,
        ):
            await check(url, http)
            print(check.__name__)


asyncio.run(main(sys.argv[1]))
