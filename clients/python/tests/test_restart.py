"""The core is killed under publisher and worker: nothing is lost, and nothing done twice."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import cast

import pytest
from eventually import soon
from server import Server
from working import working

from roomcast import AsyncClient, AsyncWork, Unavailable, data_of, from_payload
from roomcast.v1 import Event, Job, JobState

Name = Callable[[], str]
KILLS = 3
EVENTS = 400
JOBS = 60
SLOTS = 4


async def kill_and_start(server: Server) -> None:
    server.kill()
    await asyncio.to_thread(server.start)


async def test_every_event_is_published_once(own_server: Server, name: Name) -> None:
    topic, count = f"user:{name()}", 0
    going = asyncio.Event()

    async with AsyncClient(own_server.core) as client:

        async def publish() -> int:
            nonlocal count
            while not going.is_set() or count < EVENTS:
                await client.topics.publish(topic, "x", {"n": count})
                count += 1
            return count

        publishing = asyncio.create_task(publish())
        for _ in range(KILLS):
            before = count
            await kill_and_start(own_server)
            while count < before + 20:
                await asyncio.sleep(0)
        going.set()
        total = await soon(publishing)
        events = [event async for event in client.topics.events(topic)]
    assert [data_of(event)["n"] for event in events] == list(range(total))
    assert [event.offset for event in events] == list(range(1, total + 1))


async def test_a_job_goes_on_through_restarts(own_server: Server, name: Name) -> None:
    kind, step, attempts = name(), asyncio.Semaphore(0), 0
    written = 0
    async with AsyncClient(own_server.core) as client:
        worker = client.worker()

        @worker.job(kind)
        async def write(work: AsyncWork) -> int:
            nonlocal attempts, written
            attempts += 1
            for part in range(KILLS + 1):
                await step.acquire()
                for line in range(100):
                    await work.stdout.write(f"{part} {line}\n")
                    written += 1
                await work.progress(20 * (part + 1), counters={"lines": written})
            return written

        async with working(worker):
            job = await client.jobs.create(kind)
            watching = asyncio.create_task(watch(client, job))
            for part in range(KILLS):
                step.release()
                while written < (part + 1) * 50:
                    await asyncio.sleep(0)
                # In the middle of its reports.
                own_server.kill()
                await asyncio.to_thread(own_server.start)
            step.release()
            ended = await soon(client.jobs.wait(job.job_id))
            seen = await soon(watching)
        events = [event async for event in client.topics.events(f"job:{job.job_id}")]
        output = await client.jobs.output(job.job_id)
    assert (ended.state, ended.attempt, attempts) == (JobState.JOB_STATE_COMPLETED, 1, 1)
    expected = "".join(f"{part} {line}\n" for part in range(KILLS + 1) for line in range(100))
    assert output.decode() == expected
    # What the log has: gapless, one start, one end, and output that joins on.
    assert [event.offset for event in events] == list(range(1, len(events) + 1))
    kinds = [event.type for event in events]
    assert kinds.count("job.started") == kinds.count("job.completed") == 1
    assert kinds[-1] == "job.completed"
    chunks = [event.job.output for event in events if event.type == "job.output"]
    assert b"".join(chunk.data for chunk in chunks).decode() == expected
    # And who watched has seen all of it, once.
    since = [event.cursor for event in events].index(job.cursor)
    assert seen == events[since + 1 :]


async def test_jobs_are_created_and_end_once_while_there_is_no_core(
    own_server: Server, name: Name
) -> None:
    kind, done = name(), Counter[str]()
    started, go = asyncio.Semaphore(0), asyncio.Semaphore(0)
    async with AsyncClient(own_server.core) as client:
        worker = client.worker(slots=SLOTS)

        @worker.job(kind)
        async def work_off(work: AsyncWork) -> int:
            done[work.job.job_id] += 1
            started.release()
            await go.acquire()
            return cast("int", work.input)

        async with working(worker):
            creating = [asyncio.create_task(client.jobs.create(kind, n)) for n in range(JOBS)]
            for _ in range(KILLS):
                for _ in range(SLOTS):
                    await soon(started.acquire())
                own_server.kill()
                for _ in range(SLOTS):
                    go.release()
                await asyncio.to_thread(own_server.start)
            for _ in range(JOBS):
                go.release()
            jobs = await soon(asyncio.gather(*creating))
            ended = await soon(asyncio.gather(*(client.jobs.wait(job.job_id) for job in jobs)))
        known = [job.job_id async for job in client.jobs.list(kind=kind)]
    assert sorted(known) == sorted(job.job_id for job in jobs)
    assert [from_payload(job.result) for job in ended] == list(range(JOBS))
    assert set(done.values()) == {1}
    assert {job.attempt for job in ended} == {1}


async def watch(client: AsyncClient, job: Job) -> list[Event]:
    return [
        item
        async for item in client.jobs.watch(job.job_id, since=job.cursor)
        if isinstance(item, Event)
    ]


async def test_who_gives_up_is_told_that_no_core_answers(own_server: Server) -> None:
    own_server.kill()
    async with AsyncClient(own_server.core) as client:
        with pytest.raises(Unavailable) as refused:
            await client.topics.publish("user:x", "x", {}, timeout=0.5)
    async with AsyncClient(own_server.core, timeout=0.5) as hasty:
        with pytest.raises(Unavailable):
            # Far less than a call takes to give up by itself.
            await asyncio.wait_for(hasty.jobs.get("x"), 10)
    assert (refused.value.code, refused.value.retryable) == ("core_unavailable", True)
    assert refused.value.mend


async def test_another_core_takes_over(server: Server, own_server: Server, name: Name) -> None:
    topic = f"user:{name()}"
    async with AsyncClient([own_server.core, server.core]) as client:
        await client.topics.publish(topic, "x", {"at": "own"})
        own_server.kill()
        await client.topics.publish(topic, "x", {"at": "other"}, timeout=5)
        events = [event async for event in client.topics.events(topic)]
    # Two cores of two stores here: what the second one has was published there.
    assert [data_of(event) for event in events] == [{"at": "other"}]


async def test_a_core_that_is_silent_leaves_time_for_the_next(server: Server, name: Name) -> None:
    # Connections come about, and nobody says anything.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cores = [f"127.0.0.1:{silent.getsockname()[1]}", server.core]
        async with AsyncClient(cores) as client:
            await client.topics.publish(f"user:{name()}", "x", {}, timeout=4)
            # It was left.
            await client.topics.publish(f"user:{name()}", "x", {}, timeout=4)


async def test_a_core_that_is_silent_to_the_end_is_left(server: Server, name: Name) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        async with AsyncClient([address, address, server.core]) as client:
            for _ in range(2):
                # Too short for a second try.
                with pytest.raises(Unavailable):
                    await client.topics.publish(f"user:{name()}", "x", {}, timeout=0.03)
            await client.topics.publish(f"user:{name()}", "x", {}, timeout=4)
