"""A worker as a program of its own: its job holds until something is published to its topic."""

import asyncio
import sys

from roomcast import AsyncClient, AsyncWork, Client, Work


async def run_async(core: str, kind: str) -> None:
    async with AsyncClient(core) as client:
        worker = client.worker()

        @worker.job(kind)
        async def hold(work: AsyncWork) -> str:
            follow = client.topics.watch(f"user:{kind}")
            await anext(follow)
            await work.progress(1)
            await anext(follow)
            return "finished"

        await worker.run()


def run_sync(core: str, kind: str) -> None:
    with Client(core) as client:
        worker = client.worker()

        @worker.job(kind)
        def hold(work: Work) -> str:
            follow = client.topics.watch(f"user:{kind}")
            next(follow)
            work.progress(1)
            next(follow)
            return "finished"

        worker.run()


if __name__ == "__main__":
    _, core, kind, manner = sys.argv
    if manner == "sync":
        run_sync(core, kind)
    else:
        asyncio.run(run_async(core, kind))
    print("drained")
