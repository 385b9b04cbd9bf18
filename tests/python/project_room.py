"""Two programs watch a project: both are told the same, each comes back by itself, and none is left over."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx

from spectator import PATIENCE_SECONDS, Spectator


async def make_project(http: httpx.AsyncClient, name: str) -> str:
    made = await http.post("/projects", json={"name": name})
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def make_job(http: httpx.AsyncClient, project_id: str) -> dict[str, Any]:
    made = await http.post("/jobs", json={"kind": "report", "project_id": project_id})
    assert made.status_code == 201, made.text
    return made.json()


async def subscriber(url: str, project_id: str) -> Spectator:
    spectator = await Spectator().connect(url)
    await spectator.join("subscribe", {"project_id": project_id})
    return spectator


async def every_subscriber_is_told_the_same(url: str, http: httpx.AsyncClient) -> None:
    project_id, other = await make_project(http, "first"), await make_project(http, "second")
    opened = await http.post(f"/projects/{project_id}/sessions")
    assert opened.json()["session_id"], opened.text
    one, two = await subscriber(url, project_id), await subscriber(url, project_id)
    stranger = await subscriber(url, other)
    job = await make_job(http, project_id)
    await http.post(f"/jobs/{job['job_id']}/cancel")
    for spectator in (one, two):
        told = await spectator.hear("job_status", job_id=job["job_id"], status="cancelled")
        assert told["trace_id"], told
    assert one.of("job_status") == two.of("job_status")
    marker = await make_job(http, other)
    await stranger.hear("job_status", job_id=marker["job_id"])
    assert [told["job_id"] for told in stranger.of("job_status")] == [marker["job_id"]]
    refused = await stranger.ask("subscribe", {"project_id": "nothing"})
    assert refused["ok"] is False and refused["error"]["code"].endswith("_not_found"), refused
    for spectator in (one, two, stranger):
        await spectator.leave()


async def who_loses_the_connection_comes_back_and_misses_nothing(
    url: str, http: httpx.AsyncClient
) -> None:
    project_id = await make_project(http, "third")
    spectator = await subscriber(url, project_id)
    before = await make_job(http, project_id)
    await spectator.hear("job_status", job_id=before["job_id"])
    await spectator.break_connection()
    while_away = await make_job(http, project_id)
    await spectator.connected(times=2)
    await spectator.hear("job_status", job_id=while_away["job_id"])
    after = await make_job(http, project_id)
    await spectator.hear("job_status", job_id=after["job_id"])
    told = [payload["job_id"] for payload in spectator.of("job_status")]
    assert told == [job["job_id"] for job in (before, while_away, after)], told
    await spectator.leave()


async def nobody_is_left_over(url: str, http: httpx.AsyncClient) -> None:
    spectator = await subscriber(url, await make_project(http, "fourth"))
    # Those before it may be on their way out.
    await counted(http, connections=1, rooms=None)
    await spectator.leave()
    await counted(http, connections=0, rooms=0)


async def counted(http: httpx.AsyncClient, connections: int, rooms: int | None) -> None:
    """Waits until the server counts so many of each."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            stats = (await http.get("/websocket/stats")).json()
            health = (await http.get("/health")).json()
            manager = health["checks"]["socketio_manager"]
            there = (stats["total_connections"], manager["active_connections"])
            if there == (connections, connections) and rooms in (None, manager["rooms"]):
                return
            await asyncio.sleep(0.05)


async def main(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        for check in (
            every_subscriber_is_told_the_same,
            who_loses_the_connection_comes_back_and_misses_nothing,
            nobody_is_left_over,
        ):
            await check(url, http)
            print(check.__name__)


asyncio.run(main(sys.argv[1]))
