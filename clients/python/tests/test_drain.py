"""Workers that end, by a call or by a signal."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from eventually import PATIENCE, eventually, soon
from server import Server
from working import working

from roomcast import AsyncClient, AsyncWork, from_payload
from roomcast.v1 import JobState

Name = Callable[[], str]
PROGRAM = Path(__file__).with_name("worker_program.py")


async def test_a_drained_worker_finishes_what_it_has_and_takes_no_more(
    client: AsyncClient, name: Name
) -> None:
    kind, started, go = name(), asyncio.Event(), asyncio.Event()
    worker = client.worker()

    @worker.job(kind)
    async def hold(work: AsyncWork) -> None:
        started.set()
        await go.wait()

    async with working(worker) as running:
        first = await client.jobs.create(kind)
        await soon(started.wait())
        second = await client.jobs.create(kind)
        worker.drain()
        go.set()
        await soon(running)
    assert (await client.jobs.get(first.job_id)).state == JobState.JOB_STATE_COMPLETED
    assert (await client.jobs.get(second.job_id)).state == JobState.JOB_STATE_QUEUED
    await client.jobs.cancel(second.job_id)


async def test_a_worker_that_leaves_gives_its_jobs_back(client: AsyncClient, name: Name) -> None:
    kind, started = name(), asyncio.Event()
    leaving, staying = client.worker(), client.worker()

    @leaving.job(kind)
    async def hold(work: AsyncWork) -> None:
        started.set()
        await asyncio.Event().wait()

    @staying.job(kind)
    async def answer(work: AsyncWork) -> int:
        return work.attempt

    job = await client.jobs.create(kind)
    async with working(leaving) as running:
        await soon(started.wait())
        leaving.leave()
        await soon(running)
    async with working(staying):
        ended = await soon(client.jobs.wait(job.job_id))
    assert ended.state == JobState.JOB_STATE_COMPLETED
    assert from_payload(ended.result) == ended.attempt


@pytest.mark.parametrize("manner", ["async", "sync"])
async def test_sigterm_drains_a_program(
    client: AsyncClient, server: Server, name: Name, manner: str
) -> None:
    kind = name()
    arguments = [sys.executable, str(PROGRAM), server.core, kind, manner]
    program = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    job = await client.jobs.create(kind)

    async def has_begun() -> bool:
        return (await client.jobs.get(job.job_id)).progress.percent >= 1

    try:
        await eventually("the job has begun", has_begun)
        program.send_signal(signal.SIGTERM)
        waiting = await client.jobs.create(kind)
        await client.topics.publish(f"user:{kind}", "go", {})
        out, _ = await asyncio.to_thread(program.communicate, timeout=PATIENCE)
    finally:
        program.kill()
        program.wait()
    assert (program.returncode, out) == (0, "drained\n")
    assert from_payload((await client.jobs.get(job.job_id)).result) == "finished"
    await client.jobs.cancel(waiting.job_id)
