"""A worker from end to end: what it does is seen by callers and browsers."""

import asyncio
import logging
import math
from collections.abc import Callable
from functools import partial

import pytest
from eventually import soon
from server import Server
from subscriber import Subscriber
from working import working

from roomcast import (
    AsyncClient,
    AsyncProgressTracker,
    AsyncWork,
    JobFailure,
    ReportRefused,
    data_of,
    from_payload,
)
from roomcast.v1 import Event, Job, JobState, RetryPolicy, Usage

Name = Callable[[], str]
ONCE = RetryPolicy(max_attempts=1)


async def test_a_browser_sees_a_job_from_its_creation_to_its_result(
    client: AsyncClient, server: Server, name: Name
) -> None:
    kind, joined = name(), asyncio.Event()
    worker = client.worker()

    @worker.job(kind)
    async def write(work: AsyncWork) -> object:
        await joined.wait()
        async with AsyncProgressTracker(work) as progress:
            await progress.set_stage("Drafting", 40)
            await work.stdout.write("page 1\n")
            await progress.increment(10, "second page")
            await work.usage(Usage(input_tokens=3, output_tokens=4, total_tokens=7))
        return {"pages": work.input["pages"]}

    job = await client.jobs.create(kind, {"pages": 2}, owner="alice", labels={"title": "book"})
    async with Subscriber.of_job(server.url, job.job_id) as subscriber, working(worker):
        joined.set()
        last = await subscriber.until("job_update", status="completed")
    assert (last["progress"], last["result"]) == (100, {"pages": 2})
    assert last["trace_id"] == job.trace_id
    (output,) = subscriber.of("job_output")
    assert (output["data"], output["offset"], output["attempt"]) == ("page 1\n", 0, 1)
    (usage,) = subscriber.of("token_usage")
    assert usage["total_tokens"] == 7
    percents = [message["progress"] for message in subscriber.of("job_update")]
    assert percents == sorted(percents)
    assert await client.jobs.output(job.job_id) == b"page 1\n"


async def test_a_caller_watches_and_waits(client: AsyncClient, name: Name) -> None:
    kind, looked_at = name(), asyncio.Event()
    worker = client.worker()

    @worker.job(kind)
    async def count(work: AsyncWork) -> object:
        await looked_at.wait()
        await work.progress(30, "counting", stage="Rows", counters={"rows": work.input})
        return work.input + 1

    async with working(worker):
        job = await client.jobs.create(kind, 41)
        seen = []
        async for item in client.jobs.watch(job.job_id):
            looked_at.set()
            seen.append(item)
        ended = await soon(client.jobs.wait(job.job_id))
    assert isinstance(seen[0], Job)
    events = [item for item in seen[1:] if isinstance(item, Event)]
    assert events[-1].type == "job.completed"
    assert [event.offset for event in events] == list(
        range(events[0].offset, events[0].offset + len(events))
    )
    assert ended.state == JobState.JOB_STATE_COMPLETED
    assert from_payload(ended.result) == 42
    assert dict(ended.progress.counters) == {"rows": 41}
    resumed = [item async for item in client.jobs.watch(job.job_id, since=events[0].cursor)]
    assert resumed == events[1:]


async def test_who_waits_no_longer_is_told_that_the_job_goes_on(
    client: AsyncClient, name: Name
) -> None:
    job = await client.jobs.create(name())
    with pytest.raises(TimeoutError, match=job.job_id):
        await soon(client.jobs.wait(job.job_id, timeout=0.1))
    assert (await client.jobs.get(job.job_id)).state == JobState.JOB_STATE_QUEUED
    await client.jobs.cancel(job.job_id)
    ended = await soon(client.jobs.wait(job.job_id, timeout=30))
    assert ended.state == JobState.JOB_STATE_CANCELLED


async def test_an_application_event_reaches_who_watches_the_job(
    client: AsyncClient, server: Server, name: Name
) -> None:
    kind, joined = name(), asyncio.Event()
    worker = client.worker()

    @worker.job(kind)
    async def run(work: AsyncWork) -> None:
        await joined.wait()
        for number in range(3):
            await work.publish("test_result", {"case": number, "outcome": "passed"})

    job = await client.jobs.create(kind)
    async with Subscriber.of_job(server.url, job.job_id) as subscriber, working(worker):
        joined.set()
        await subscriber.until("job_update", status="completed")
    assert [message["case"] for message in subscriber.of("test_result")] == [0, 1, 2]
    told = [
        data_of(event)
        async for event in client.topics.events(f"job:{job.job_id}", types=["test_result"])
    ]
    assert [data["case"] for data in told] == [0, 1, 2]


async def test_an_agent_answers_a_message_and_runs_tests(client: AsyncClient, name: Name) -> None:
    agent = client.worker(slots=2)
    project = await client.projects.create("Atlas")
    session = await client.sessions.create(project.project_id)

    @agent.job("vibecode")
    async def answer(work: AsyncWork) -> None:
        await work.usage(Usage(input_tokens=5, output_tokens=2, total_tokens=7))
        text = work.input["prompt"].upper()
        await work.publish("vibecode_response", {"text": text, "session": work.job.session_id})

    @agent.job("test_run")
    async def run(work: AsyncWork) -> None:
        await work.publish("test_completed", {"command": work.input["command"]})

    key = name()
    async with working(agent):
        asked = client.jobs.send_message
        message, again = [
            await asked(session.session_id, "add a test", idempotency_key=key) for _ in range(2)
        ]
        assert message.job_id == again.job_id
        tests = await client.jobs.start_test_run(project.project_id, command="unit")
        for job in (message, tests):
            ended = await soon(client.jobs.wait(job.job_id))
            assert ended.state == JobState.JOB_STATE_COMPLETED
    told = {}
    async for event in client.topics.events(f"project:{project.project_id}"):
        if data_of(event) is not None:
            told[event.type] = data_of(event)
    assert told == {
        "vibecode_response": {"text": "ADD A TEST", "session": session.session_id},
        "test_completed": {"command": "unit"},
    }


@pytest.mark.parametrize(
    ("raised", "code", "is_retried"),
    [
        (JobFailure("bad_page", "page 3 has no text", retryable=False), "bad_page", False),
        (JobFailure("busy", "later", retry_after=0.01), "busy", True),
        (KeyError("page"), "handler_failed", True),
        (JobFailure("No Code!", "spaces"), "invalid_argument", False),
        (JobFailure("busy", "never", retry_after=math.inf), "result_invalid", False),
    ],
)
async def test_what_a_handler_raises_fails_the_job(
    client: AsyncClient, name: Name, raised: Exception, code: str, is_retried: bool
) -> None:
    kind, attempts = name(), 0
    worker = client.worker()

    @worker.job(kind)
    async def fail(work: AsyncWork) -> None:
        nonlocal attempts
        attempts += 1
        raise raised

    logging.getLogger("roomcast").setLevel(logging.CRITICAL)
    policy = RetryPolicy(max_attempts=2)
    policy.initial_backoff.FromMilliseconds(1)
    async with working(worker):
        job = await client.jobs.create(kind, retry=policy)
        ended = await soon(client.jobs.wait(job.job_id))
    assert (ended.state, ended.error.code) == (JobState.JOB_STATE_FAILED, code)
    assert attempts == (2 if is_retried else 1)


async def test_a_result_that_cannot_be_kept_fails_the_job(client: AsyncClient, name: Name) -> None:
    deep: object = None
    for _ in range(100_000):
        deep = [deep]
    results = {
        name(): ("x" * (2 << 20), "payload_too_large"),
        # More than a message may have.
        name(): ("x" * (5 << 20), "payload_too_large"),
        name(): (object(), "result_invalid"),
        name(): (deep, "result_invalid"),
    }
    worker = client.worker(slots=4)
    for kind, (result, _) in results.items():
        worker.job(kind)(partial(_answer, result))
    async with working(worker):
        for kind, (_, code) in results.items():
            job = await client.jobs.create(kind, retry=ONCE)
            ended = await soon(client.jobs.wait(job.job_id))
            assert (ended.state, ended.error.code) == (JobState.JOB_STATE_FAILED, code)


async def test_what_is_no_handler_fails_its_jobs(client: AsyncClient, name: Name) -> None:
    waiting, deaf = name(), name()
    worker = client.worker()
    worker.job(waiting)(lambda work: {})  # type: ignore[arg-type, return-value]
    worker.job(deaf)(_nothing)  # type: ignore[arg-type]
    logging.getLogger("roomcast").setLevel(logging.CRITICAL)
    async with working(worker):
        for kind in (waiting, deaf):
            job = await client.jobs.create(kind, retry=ONCE)
            ended = await soon(client.jobs.wait(job.job_id))
            assert ended.error.code == "handler_failed"
            assert ended.error.message.startswith("TypeError")


async def test_what_is_too_large_to_be_told_is_refused_and_the_worker_goes_on(
    client: AsyncClient, name: Name
) -> None:
    kind = name()
    worker = client.worker()

    @worker.job(kind)
    async def tell(work: AsyncWork) -> str:
        await work.publish("told", {"text": "x" * (5 << 20)})
        with pytest.raises(ReportRefused) as refused:
            await work.flush()
        assert refused.value.code == "payload_too_large"
        await work.publish("told", {"text": "x"})
        await work.flush()
        return "went on"

    async with working(worker):
        job = await client.jobs.create(kind, retry=ONCE)
        ended = await soon(client.jobs.wait(job.job_id))
    assert from_payload(ended.result) == "went on", ended.error


async def test_no_more_jobs_run_at_once_than_there_are_slots(
    client: AsyncClient, name: Name
) -> None:
    kind, running, most, go = name(), 0, 0, asyncio.Event()
    worker = client.worker(slots=3)
    started = asyncio.Semaphore(0)

    @worker.job(kind)
    async def hold(work: AsyncWork) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        started.release()
        await go.wait()
        running -= 1

    jobs = [await client.jobs.create(kind) for _ in range(7)]
    async with working(worker):
        for _ in range(3):
            await soon(started.acquire())
        go.set()
        for job in jobs:
            assert (await soon(client.jobs.wait(job.job_id))).state == JobState.JOB_STATE_COMPLETED
    assert most == 3


async def test_much_output_is_whole_and_waits_for_room(client: AsyncClient, name: Name) -> None:
    kind = name()
    worker = client.worker()
    block = bytes(range(256)) * 1024

    @worker.job(kind)
    async def write(work: AsyncWork) -> None:
        for _ in range(16):
            await asyncio.gather(
                work.stdout.write(block), *(work.stderr.write(f"{n}\n") for n in range(100))
            )

    async with working(worker):
        job = await client.jobs.create(kind)
        await soon(client.jobs.wait(job.job_id))
    assert await client.jobs.output(job.job_id) == block * 16
    lines = (await client.jobs.output(job.job_id, channel="stderr")).decode().split()
    assert sorted(map(int, lines)) == sorted(list(range(100)) * 16)


async def test_what_a_handler_does_belongs_to_the_trace_of_its_job(
    client: AsyncClient, name: Name
) -> None:
    kind, topic = name(), f"user:{name()}"
    worker = client.worker()

    @worker.job(kind)
    async def tell(work: AsyncWork) -> None:
        await client.topics.publish(topic, "told", {})

    async with working(worker):
        job = await client.jobs.create(kind)
        await soon(client.jobs.wait(job.job_id))
    (event,) = [event async for event in client.topics.events(topic)]
    assert event.trace_id == job.trace_id


async def _answer(value: object, work: AsyncWork) -> object:
    return value


async def _nothing() -> None:
    pass
