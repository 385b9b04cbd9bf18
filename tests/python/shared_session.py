"""Several browsers in one session, from end to end: commands by HTTP and by Socket.IO, isolation, coming back."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx

from spectator import PATIENCE_SECONDS, Spectator


def node(node_id: str) -> dict[str, Any]:
    return {"type": "create_node", "node_id": node_id, "node_type": "item", "name": node_id}


async def open_session(http: httpx.AsyncClient) -> str:
    project = (await http.post("/api/v1/projects", json={"name": "shared"})).json()
    session = await http.post(f"/api/v1/projects/{project['id']}/sessions")
    return session.json()["session_id"]


async def execute(http: httpx.AsyncClient, session_id: str, command: dict[str, Any]) -> None:
    body = {"session_id": session_id, "command": command}
    answer = await http.post("/api/v1/commands/execute", json=body)
    assert answer.status_code == 200, answer.text


async def participant(url: str, session_id: str) -> Spectator:
    """Comes in by the session that it names at connect."""
    spectator = await Spectator().connect(url, session_id=session_id)
    await spectator.hear("session_state", session_id=session_id)
    return spectator


def created(spectator: Spectator) -> list[str]:
    return [told["node_id"] for told in spectator.of("graph:node-created")]


async def a_command_by_http_reaches_everybody_in_the_session(
    url: str, http: httpx.AsyncClient
) -> None:
    session_id = await open_session(http)
    everybody = [await participant(url, session_id) for _ in range(3)]
    await execute(http, session_id, node("a"))
    told = [await spectator.hear("graph:node-created", node_id="a") for spectator in everybody]
    assert told[0] == told[1] == told[2], told
    assert told[0]["timestamp"].endswith("Z"), told
    for spectator in everybody:
        done = await spectator.hear("command:executed", command_type="create_node")
        assert done["success"] is True, done
        await spectator.leave()


async def a_session_never_hears_of_another(url: str, http: httpx.AsyncClient) -> None:
    one, two = await open_session(http), await open_session(http)
    in_one, in_two = await participant(url, one), await participant(url, two)
    for number in range(10):
        await execute(http, one, node(f"one-{number}"))
        await execute(http, two, node(f"two-{number}"))
    await in_one.hear("graph:node-created", node_id="one-9")
    await in_two.hear("graph:node-created", node_id="two-9")
    assert created(in_one) == [f"one-{number}" for number in range(10)]
    assert created(in_two) == [f"two-{number}" for number in range(10)]
    for spectator in (in_one, in_two):
        await spectator.leave()


async def browsers_give_commands_and_take_them_back(url: str, http: httpx.AsyncClient) -> None:
    session_id = await open_session(http)
    ana, ben = await participant(url, session_id), await participant(url, session_id)
    named = {"session_id": session_id}
    done = await ana.ask("execute_command", named | {"command": node("a")})
    assert (done["ok"], done["version"]) == (True, 1), done
    assert done["changes"][0]["type"] == "graph.node_created", done
    await ben.hear("graph:node-created", node_id="a")
    refused = await ben.ask("execute_command", named | {"command": node("a")})
    assert refused["error"]["code"] == "node_exists", refused
    await ana.hear("command:failed", error_code="node_exists")
    malformed = await ben.ask("execute_command", named | {"command": {"type": "delete_node"}})
    assert malformed["ok"] is False, malformed
    undone = await ben.ask("undo", named)
    assert (undone["ok"], undone["command_id"]) == (True, done["command_id"]), undone
    await ana.hear("graph:node-deleted", node_id="a")
    await ana.hear("command:undo", command_id=done["command_id"])
    redone = await ana.ask("redo", named)
    await ben.hear("command:redo", command_id=redone["command_id"])
    graph = (await http.get(f"/api/v1/sessions/{session_id}/graphs/main")).json()
    assert ([found["node_id"] for found in graph["nodes"]], graph["version"]) == (["a"], 3), graph
    for spectator in (ana, ben):
        await spectator.leave()


async def who_disconnects_is_in_the_session_no_more(url: str, http: httpx.AsyncClient) -> None:
    session_id = await open_session(http)
    path = f"/api/v1/sessions/{session_id}/participants"

    async def connections(expected: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                there = (await http.get(path)).json()["participants"]
                if sum(user["connections"] for user in there) == expected:
                    return
                await asyncio.sleep(0.05)

    spectators = [await participant(url, session_id) for _ in range(2)]
    await connections(2)
    await spectators[0].leave()
    await connections(1)
    await spectators[1].leave()
    await connections(0)


async def who_loses_the_connection_is_in_the_session_again(
    url: str, http: httpx.AsyncClient
) -> None:
    session_id = await open_session(http)
    spectator = await participant(url, session_id)
    await execute(http, session_id, node("before"))
    await spectator.hear("graph:node-created", node_id="before")
    await spectator.break_connection()
    await execute(http, session_id, node("while-away"))
    await spectator.connected(times=2)
    await execute(http, session_id, node("after"))
    await spectator.hear("graph:node-created", node_id="after")
    assert created(spectator) == ["before", "while-away", "after"], created(spectator)
    await spectator.leave()


async def main(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        for check in (
            a_command_by_http_reaches_everybody_in_the_session,
            a_session_never_hears_of_another,
            browsers_give_commands_and_take_them_back,
            who_disconnects_is_in_the_session_no_more,
            who_loses_the_connection_is_in_the_session_again,
        ):
            await check(url, http)
            print(check.__name__)


asyncio.run(main(sys.argv[1]))
