"""What is refused: before it is sent where Python can tell, else by the core, with the registry's code."""

import asyncio
import math
import pickle
from collections.abc import Callable
from datetime import datetime

import pytest
from eventually import soon
from server import Server
from working import working

from roomcast import (
    AsyncClient,
    AsyncWork,
    Exhausted,
    InvalidRequest,
    JobCancelled,
    JobFailure,
    LeaseLost,
    NotFound,
    ReportRefused,
    Tls,
    to_payload,
)
from roomcast.v1 import JobState
from roomcast.v1.registry import CODES

Name = Callable[[], str]


@pytest.mark.parametrize(
    "address", ["", "localhost", "localhost:", ":1", "ftp://localhost:1", "localhost:http"]
)
def test_an_address_is_host_and_port(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        AsyncClient(address)


def test_an_address_goes_with_its_tls() -> None:
    with pytest.raises(ValueError, match="Tls"):
        AsyncClient("https://localhost:1")
    with pytest.raises(ValueError, match="in the clear"):
        AsyncClient("http://localhost:1", tls=Tls())
    with pytest.raises(ValueError, match="key"):
        AsyncClient("localhost:1", tls=Tls(certificate="cert.pem"))
    with pytest.raises(OSError, match="nowhere"):
        AsyncClient("localhost:1", tls=Tls(ca="nowhere.pem"))


def test_a_client_belongs_to_one_event_loop(server: Server) -> None:
    client = AsyncClient(server.core)
    loops = asyncio.new_event_loop(), asyncio.new_event_loop()
    own, another = loops
    own.run_until_complete(client.topics.publish("user:x", "x", {}))
    with pytest.raises(RuntimeError, match="another event loop"):
        another.run_until_complete(client.jobs.get("x"))
    own.run_until_complete(client.close())
    for loop in loops:
        loop.close()


@pytest.mark.parametrize("value", [math.nan, {"x": math.inf}, [-math.inf]])
def test_json_has_no_nan(value: object) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        to_payload(value)


async def test_the_data_of_an_event_is_an_object(client: AsyncClient) -> None:
    with pytest.raises(TypeError, match="one object"):
        await client.topics.publish("user:x", "x", [1])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="content_type"):
        to_payload(b"bytes")


@pytest.mark.parametrize("megabytes", [2, 5])
async def test_what_is_too_large_is_refused_as_such(client: AsyncClient, megabytes: int) -> None:
    # The second is more than a message may have: it is refused on its way.
    with pytest.raises(Exhausted) as refused:
        await client.jobs.create("x", "x" * (megabytes << 20))
    assert (refused.value.code, refused.value.retryable) == ("payload_too_large", False)


async def test_a_time_needs_its_zone(client: AsyncClient) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await client.jobs.create("x", run_at=datetime(2026, 1, 31))


async def test_a_refusal_names_the_field(client: AsyncClient) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await client.jobs.create("no kind!")
    assert refused.value.code == "invalid_argument"
    assert "kind" in refused.value.fields or "kind" in refused.value.message
    assert not refused.value.retryable
    assert refused.value.mend in str(refused.value)


async def test_a_closed_client_says_so(server: Server) -> None:
    client = AsyncClient(server.core)
    await client.topics.publish("user:x", "x", {})
    await client.close()
    worker = client.worker()
    worker.job("x")(_nothing)
    for late in (client.topics.get("user:x"), anext(client.jobs.list()), worker.run(signals=False)):
        with pytest.raises(RuntimeError, match="closed"):
            await soon(late)


async def test_what_is_not_there_is_not_found(client: AsyncClient) -> None:
    for call, code in (
        (client.jobs.get("nothing"), "job_not_found"),
        (client.jobs.wait("nothing"), "job_not_found"),
        (client.projects.get("nothing"), "project_not_found"),
    ):
        with pytest.raises(NotFound) as refused:
            await call
        assert refused.value.code == code


async def test_a_worker_that_is_refused_says_so(client: AsyncClient, name: Name) -> None:
    with pytest.raises(ValueError, match="handler"):
        await client.worker().run()
    worker = client.worker(slots=4096)
    worker.job(name())(_nothing)
    with pytest.raises(InvalidRequest) as refused:
        await soon(worker.run(signals=False))
    assert refused.value.code == "invalid_argument"


async def test_a_kind_has_one_handler(client: AsyncClient) -> None:
    worker = client.worker()
    worker.job("x")(_nothing)
    with pytest.raises(ValueError, match="already"):
        worker.job("x")(_nothing)


async def test_bad_progress_is_refused_where_it_is_said(client: AsyncClient, name: Name) -> None:
    kind = name()
    worker = client.worker()

    @worker.job(kind)
    async def wrong(work: AsyncWork) -> str:
        for percent in (-1, 100.5, math.nan, math.inf):
            with pytest.raises(ValueError, match="0 to 100"):
                await work.progress(percent)
        with pytest.raises(ValueError, match="exclude"):
            await work.progress(1, increment=1)
        return "checked"

    async with working(worker):
        job = await client.jobs.create(kind)
        ended = await soon(client.jobs.wait(job.job_id))
    assert ended.state == JobState.JOB_STATE_COMPLETED, ended.error


async def test_flush_tells_what_the_core_did_not_take(client: AsyncClient, name: Name) -> None:
    kind = name()
    worker = client.worker()

    @worker.job(kind)
    async def wrong(work: AsyncWork) -> str:
        await work.progress(10, "before")
        await work.publish("job_update", {"mine": False})
        with pytest.raises(ReportRefused) as refused:
            await work.flush()
        assert refused.value.code == "invalid_argument"
        await work.progress(20, "after")
        await work.flush()
        return "went on"

    async with working(worker):
        job = await client.jobs.create(kind)
        ended = await soon(client.jobs.wait(job.job_id))
    assert ended.state == JobState.JOB_STATE_COMPLETED, ended.error
    assert ended.progress.message == "after"


async def test_output_that_is_refused_goes_no_further(client: AsyncClient, name: Name) -> None:
    kind = name()
    worker = client.worker()

    @worker.job(kind)
    async def wrong(work: AsyncWork) -> str:
        output = work.output("no channel!")
        await output.write("lost\n")
        await work.stdout.write("kept\n")
        with pytest.raises(ReportRefused):
            await work.flush()
        with pytest.raises(ReportRefused):
            await output.write("never\n")
        await work.flush()
        return "went on"

    async with working(worker):
        job = await client.jobs.create(kind)
        ended = await soon(client.jobs.wait(job.job_id))
    assert ended.state == JobState.JOB_STATE_COMPLETED, ended.error
    assert await client.jobs.output(job.job_id) == b"kept\n"


def test_every_code_has_a_mend(server: Server) -> None:
    assert CODES["fenced"] == (False, "drop the work; another attempt owns the job")
    assert CODES["overloaded"][0]
    assert all(mend for _, mend in CODES.values())


async def _nothing(work: AsyncWork) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    "error",
    [
        JobFailure("no_cases", "nothing to test", retryable=False, retry_after=2),
        JobCancelled(),
        LeaseLost(),
        ReportRefused("invalid_argument", "no such channel", retryable=True),
        NotFound("job_not_found", "no such job", fields={"job_id": "unknown"}),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_another_process_raises_arrives_whole(error: Exception) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))
