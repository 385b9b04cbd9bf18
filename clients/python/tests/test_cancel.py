"""Jobs that are asked to end, and leases that are lost."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from eventually import soon
from working import working

from roomcast import AsyncClient, AsyncWork, JobCancelled, LeaseLost, ReportRefused
from roomcast.v1 import CancelMode, Event, JobState, RetryPolicy, Timeouts

Name = Callable[[], str]


async def last_event(client: AsyncClient, job_id: str) -> Event:
    return [event async for event in client.topics.events(f"job:{job_id}")][-1]


async def test_a_handler_is_cancelled_and_the_job_with_it(client: AsyncClient, name: Name) -> None:
    kind, started, cleaned = name(), asyncio.Event(), asyncio.Event()
    worker = client.worker()

    @worker.job(kind)
    async def hang(work: AsyncWork) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            # There is time for this.
            await work.stdout.write("cleaned up\n")
            cleaned.set()

    async with working(worker):
        job = await client.jobs.create(kind)
        await soon(started.wait())
        await client.jobs.cancel(job.job_id, reason="enough")
        ended = await soon(client.jobs.wait(job.job_id))
    assert cleaned.is_set()
    assert ended.state == JobState.JOB_STATE_CANCELLED
    event = await last_event(client, job.job_id)
    assert event.job.cancelled.mode == CancelMode.CANCEL_MODE_ACKNOWLEDGED
    assert event.job.cancelled.reason == "enough"
    assert await client.jobs.output(job.job_id) == b"cleaned up\n"


async def test_a_handler_may_end_by_a_signal(client: AsyncClient, name: Name) -> None:
    kind, started = name(), asyncio.Event()
    worker = client.worker()

    @worker.job(kind, on_cancel="signal")
    async def polite(work: AsyncWork) -> str:
        with pytest.raises(ReportRefused) as early:
            await work.confirm_cancellation()
        assert early.value.code == "not_cancelling"
        started.set()
        await work.cancelled.wait()
        assert work.grace is not None
        assert work.grace <= 10
        with pytest.raises(JobCancelled):
            work.raise_if_stopped()
        if work.input == "finish":
            return "done already"
        raise JobCancelled

    async with working(worker):
        for wish, state in (
            ("finish", JobState.JOB_STATE_COMPLETED),
            ("obey", JobState.JOB_STATE_CANCELLED),
        ):
            started.clear()
            job = await client.jobs.create(kind, wish)
            await soon(started.wait())
            await client.jobs.cancel(job.job_id)
            assert (await soon(client.jobs.wait(job.job_id))).state == state


async def test_a_job_that_ended_without_its_worker_is_lost(client: AsyncClient, name: Name) -> None:
    kind, started = name(), asyncio.Event()
    lost: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    worker = client.worker()

    @worker.job(kind, on_cancel="signal")
    async def stubborn(work: AsyncWork) -> str:
        if work.input == "next":
            return "as usual"
        started.set()
        await work.lost.wait()
        try:
            await work.progress(50)
        except LeaseLost as error:
            lost.set_result(error)
            raise
        return "too late"

    async with working(worker):
        job = await client.jobs.create(kind)
        await soon(started.wait())
        await client.jobs.cancel(job.job_id, grace=0.001)
        assert isinstance(await soon(lost), LeaseLost)
        event = await last_event(client, job.job_id)
        assert event.job.cancelled.mode == CancelMode.CANCEL_MODE_FORCED
        # The worker goes on.
        after = await client.jobs.create(kind, "next")
        assert (await soon(client.jobs.wait(after.job_id))).state == JobState.JOB_STATE_COMPLETED


async def test_an_attempt_that_took_too_long_is_over_for_its_worker(
    client: AsyncClient, name: Name
) -> None:
    kind, lost = name(), asyncio.Event()
    worker = client.worker(slots=2)

    @worker.job(kind, on_cancel="signal")
    async def slow(work: AsyncWork) -> int:
        await work.stdout.write(f"attempt {work.attempt}\n")
        await work.flush()
        if work.attempt == 1:
            await work.lost.wait()
            with pytest.raises(LeaseLost):
                await work.stdout.write("never seen\n")
            lost.set()
        return work.attempt

    policy = RetryPolicy(max_attempts=2, initial_backoff=timedelta(milliseconds=1))
    async with working(worker):
        # The second attempt has to be done within it, on a busy machine.
        limit = Timeouts(attempt=timedelta(seconds=3))
        job = await client.jobs.create(kind, retry=policy, timeouts=limit)
        ended = await soon(client.jobs.wait(job.job_id))
        await soon(lost.wait())
    assert (ended.state, ended.attempt) == (JobState.JOB_STATE_COMPLETED, 2)
    outputs = [await client.jobs.output(job.job_id, attempt=attempt) for attempt in (1, 2)]
    assert outputs == [b"attempt 1\n", b"attempt 2\n"]


async def test_a_job_nobody_has_begun_ends_at_once(client: AsyncClient, name: Name) -> None:
    job = await client.jobs.create(name())
    assert (await client.jobs.cancel(job.job_id)).state == JobState.JOB_STATE_CANCELLED
    again = await client.jobs.retry(job.job_id)
    assert again.retry_of == job.job_id
    await client.jobs.cancel(again.job_id)


async def test_a_handler_that_cleans_up_for_too_long_is_interrupted(
    client: AsyncClient, name: Name
) -> None:
    kind, started, interrupted = name(), asyncio.Event(), asyncio.Event()
    worker = client.worker()

    @worker.job(kind)
    async def slow(work: AsyncWork) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            try:
                await asyncio.Event().wait()
            finally:
                interrupted.set()

    async with working(worker):
        job = await client.jobs.create(kind)
        await soon(started.wait())
        await client.jobs.cancel(job.job_id, grace=0.05)
        await soon(interrupted.wait())
