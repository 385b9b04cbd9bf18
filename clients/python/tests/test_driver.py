"""What a worker's stream carries of several jobs at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from eventually import soon
from server import Server

from roomcast import AsyncClient
from roomcast.calls import Calls
from roomcast.cores import Cores
from roomcast.credentials import Credentials
from roomcast.payload import new_event
from roomcast.v1 import Completion, Report, WorkerHello
from roomcast.worker.driver import Driver
from roomcast.worker.held import Held

Name = Callable[[], str]
# As many events as a report takes. A core takes 2,000 of a job at once, and 200 a second.
EVENTS = 256


@asynccontextmanager
async def holding(server: Server, kind: str, jobs: int) -> AsyncIterator[list[Held]]:
    """A worker that holds so many jobs of a kind; each is completed at the end."""
    cores, held = Cores(server.core, None), asyncio.Queue[Held]()
    hello = WorkerHello(worker_id=kind, kinds=[kind], slots=jobs)
    driver = Driver(Calls(cores, Credentials()), hello, lambda _job, one: held.put_nowait(one))
    running = asyncio.create_task(driver.run())
    try:
        taken = [await soon(held.get()) for _ in range(jobs)]
        yield taken
        for one in taken:
            assert await soon(one.durable(Report(completed=Completion()))) is None
            driver.let_go(one)
        driver.drain()
        await soon(running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await cores.close()


async def test_a_job_that_tells_too_much_holds_up_no_other(
    client: AsyncClient, server: Server, name: Name
) -> None:
    kind = name()
    for _ in range(2):
        await client.jobs.create(kind)
    async with holding(server, kind, jobs=2) as (loud, quiet):
        events = [new_event("told", {}) for _ in range(EVENTS)]
        telling = [asyncio.create_task(loud.durable(Report(events=events))) for _ in range(10)]
        await soon(telling[6])
        # While the loud one is asked for patience, three times.
        for _ in range(10):
            assert await soon(quiet.durable(Report())) is None
        assert not telling[-1].done()
        assert await soon(asyncio.gather(*telling)) == [None] * len(telling)
