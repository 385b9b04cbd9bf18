"""The façade that waits: the same surface, and the same behaviour."""

import asyncio
import inspect
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from eventually import soon
from server import Server
from working import working

from roomcast import (
    AsyncClient,
    AsyncProgressTracker,
    AsyncWork,
    AsyncWorker,
    Client,
    JobCancelled,
    JobFailure,
    LeaseLost,
    NotFound,
    ProgressTracker,
    ReportRefused,
    Work,
    Worker,
    commands,
    data_of,
    from_payload,
)
from roomcast.calls import Backoff
from roomcast.sync.blocking import Facade
from roomcast.sync.portal import Portal
from roomcast.v1 import Event, Job, JobState, SessionSnapshot
from roomcast.worker.output import AsyncOutput

Name = Callable[[], str]
PATIENCE = 30.0


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_both_have_the_same_surface(server: Server) -> None:
    with Client(server.core) as client:
        groups = (
            client.jobs,
            client.topics,
            client.rooms,
            client.connections,
            client.dashboard,
            client.projects,
            client.sessions,
        )
        twins: list[tuple[type, type]] = [
            (Client, AsyncClient),
            (Work, AsyncWork),
            (ProgressTracker, AsyncProgressTracker),
            *((type(group), type(group.inner)) for group in groups),
        ]
        facades = [part for part in vars(client).values() if isinstance(part, Facade)]
        assert set(facades) == set(groups), "no group is left out"
        for waits, awaits in twins:
            own = public(waits) - public(Facade) - {"mirror", "close_outputs"}
            assert own == public(awaits), waits
            for name in own:
                given, meant = getattr(waits, name), getattr(awaits, name)
                if callable(meant):
                    signature = inspect.signature(getattr(given, "method", given))
                    assert list(signature.parameters) == list(inspect.signature(meant).parameters)
    assert public(Worker) - public(Facade) == public(AsyncWorker)
    # An output is a file there.
    assert public(AsyncOutput) == {"write"}


def test_a_job_from_end_to_end(server: Server, name: Name) -> None:
    kind, looked_at = name(), threading.Event()
    with Client(server.core) as client:
        worker = client.worker(slots=2)

        @worker.job(kind)
        def write(work: Work) -> object:
            assert looked_at.wait(PATIENCE)
            with ProgressTracker(work) as progress:
                progress.set_stage("Drafting", 40)
                print("page", 1, file=work.stdout)
                print("unfinished", end="", file=work.stderr)
                progress.increment(10, "second page")
                assert progress.current == 50
            client.topics.publish(f"user:{kind}", "told", {})
            return {"pages": work.input["pages"]}

        job = client.jobs.create(kind, {"pages": 2})
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(worker.run, signals=False)
            seen = []
            for item in client.jobs.watch(job.job_id):
                looked_at.set()
                seen.append(item)
            ended = client.jobs.wait(job.job_id)
            worker.drain()
            running.result(PATIENCE)
        assert isinstance(seen[0], Job)
        assert isinstance(seen[-1], Event)
        assert seen[-1].type == "job.completed"
        assert from_payload(ended.result) == {"pages": 2}
        assert client.jobs.output(job.job_id) == b"page 1\n"
        assert client.jobs.output(job.job_id, channel="stderr") == b"unfinished"
        (told,) = client.topics.events(f"user:{kind}")
        assert told.trace_id == job.trace_id
        assert job.job_id in [one.job_id for one in client.jobs.list(kind=kind)]


def test_a_thread_is_told_to_end(server: Server, name: Name) -> None:
    kind, started, lost = name(), threading.Event(), threading.Event()
    with Client(server.core) as client:
        worker = client.worker()

        @worker.job(kind)
        def hang(work: Work) -> None:
            print("unfinished", end="", file=work.stdout)
            started.set()
            if work.input == "stubborn":
                assert work.lost.wait(PATIENCE)
                with pytest.raises(LeaseLost):
                    work.progress(50)
                lost.set()
            assert work.stopped.wait(PATIENCE)
            work.raise_if_stopped()

        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(worker.run, signals=False)
            job = client.jobs.create(kind)
            assert started.wait(PATIENCE)
            client.jobs.cancel(job.job_id)
            assert client.jobs.wait(job.job_id).state == JobState.JOB_STATE_CANCELLED
            started.clear()
            job = client.jobs.create(kind, "stubborn")
            assert started.wait(PATIENCE)
            client.jobs.cancel(job.job_id, grace=0.001)
            assert lost.wait(PATIENCE)
            worker.drain()
            running.result(PATIENCE)


def test_a_handler_that_outlives_its_lease_holds_nobody_up(server: Server, name: Name) -> None:
    kind, started, end = name(), threading.Event(), threading.Event()
    with Client(server.core) as client:
        worker = client.worker(slots=1)

        @worker.job(kind)
        def work_on(work: Work) -> str:
            if work.input == "deaf":
                started.set()
                assert end.wait(PATIENCE)
            return "done"

        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(worker.run, signals=False)
            job = client.jobs.create(kind, "deaf")
            try:
                assert started.wait(PATIENCE)
                client.jobs.cancel(job.job_id, grace=0.001)
                following = client.jobs.create(kind)
                assert client.jobs.wait(following.job_id).state == JobState.JOB_STATE_COMPLETED
            finally:
                end.set()
                worker.drain()
            running.result(PATIENCE)


def test_a_worker_that_leaves_gives_its_jobs_back(server: Server, name: Name) -> None:
    kind, started = name(), threading.Event()
    with Client(server.core) as client:
        worker = client.worker()

        @worker.job(kind)
        def hang(work: Work) -> None:
            started.set()
            assert work.stopped.wait(PATIENCE)
            with pytest.raises(JobCancelled):
                work.raise_if_stopped()
            raise JobCancelled

        job = client.jobs.create(kind)
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(worker.run, signals=False)
            assert started.wait(PATIENCE)
            worker.leave()
            running.result(PATIENCE)
        assert client.jobs.get(job.job_id).state == JobState.JOB_STATE_QUEUED
        client.jobs.cancel(job.job_id)


def test_a_session_is_edited_and_followed(server: Server) -> None:
    with Client(server.core) as client:
        project = client.projects.create("Atlas")
        session = client.sessions.create(project.project_id, name="Draft")
        with_box = client.sessions.execute(
            session.session_id, commands.create_node("box", "Box", node_id="b")
        )
        follow = client.sessions.watch(session.session_id)
        snapshot = next(follow)
        assert isinstance(snapshot, SessionSnapshot)
        assert [node.node_id for node in snapshot.graphs[0].nodes] == ["b"]
        client.sessions.execute(
            session.session_id,
            commands.batch(
                commands.set_property("b", "colour", "red"),
                commands.create_node("box", "Lid", node_id="l", parent_id="b"),
                commands.unlink_node("b", "l"),
                commands.link_node("b", "l"),
                commands.delete_property("b", "colour"),
                commands.unlink_node("b", "l"),
                commands.delete_node("b"),
            ),
            expected_version=with_box.version,
        )
        client.sessions.undo(session.session_id)
        client.sessions.redo(session.session_id)
        saved = client.sessions.save(session.session_id, "first")
        client.sessions.load(session.session_id, "first", version=saved.version)
        client.sessions.close(session.session_id)
        told = [item.type for item in follow if isinstance(item, Event)]
        assert told[-1] == "session.closed"
        assert {"graph.property_changed", "command.undo", "project.loaded"} <= set(told)
        nodes = client.sessions.graph(session.session_id).graph.nodes
        assert [node.node_id for node in nodes] == ["l"]
        client.projects.delete(project.project_id)
        with pytest.raises(NotFound):
            client.projects.get(project.project_id)


def test_a_stream_that_is_left_is_closed(server: Server, name: Name) -> None:
    with Client(server.core) as client:
        topic = f"user:{name()}"
        for number in range(3):
            client.topics.publish(topic, "x", {"n": number})
        for event in client.topics.events(topic):
            assert data_of(event) == {"n": 0}
            break
        follow = client.topics.watch(topic)
        next(follow)
    # The client went first.
    follow.close()


def test_a_closed_client_says_so(server: Server) -> None:
    client, other = Client(server.core), Client(server.core)
    client.close()
    client.close()
    other.close()
    assert not client.portal.is_open
    with pytest.raises(RuntimeError, match="closed"):
        client.jobs.get("x")


@pytest.mark.parametrize("is_last", [True, False])
def test_a_client_that_is_closed_lets_go_whoever_waits(
    own_server: Server, monkeypatch: pytest.MonkeyPatch, is_last: bool
) -> None:
    tries, seen = threading.Semaphore(0), threading.Event()
    wait = Backoff.next

    def count(backoff: Backoff, at_least: float = 0.0) -> float:
        tries.release()
        return wait(backoff, at_least)

    monkeypatch.setattr(Backoff, "next", count)
    beside = None if is_last else Client(own_server.core)
    client = Client(own_server.core)
    with ThreadPoolExecutor(2) as threads:

        def follow() -> None:
            for _ in client.topics.watch("user:x"):
                seen.set()

        following = threads.submit(follow)
        assert seen.wait(PATIENCE)
        own_server.kill()
        publishing = threads.submit(client.topics.publish, "user:x", "x", {})
        # Long enough for each of them to try again.
        for _ in range(10):
            assert tries.acquire(timeout=PATIENCE)
        client.close()
        for waiting in (following, publishing):
            with pytest.raises(RuntimeError, match="closed"):
                waiting.result(PATIENCE)
    if beside is not None:
        beside.close()
    assert "roomcast" not in [thread.name for thread in threading.enumerate()]


def test_a_client_that_is_closed_ends_its_worker_and_tells_the_handlers(
    server: Server, name: Name
) -> None:
    kind, started, told = name(), threading.Event(), threading.Event()
    client = Client(server.core)
    worker = client.worker()

    @worker.job(kind)
    def hang(work: Work) -> None:
        started.set()
        assert work.stopped.wait(PATIENCE)
        with pytest.raises(LeaseLost):
            work.raise_if_stopped()
        told.set()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(worker.run, signals=False)
        client.jobs.create(kind)
        assert started.wait(PATIENCE)
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            running.result(PATIENCE)
    assert told.is_set()


def test_an_async_worker_may_stand_beside_a_client_that_waits(server: Server, name: Name) -> None:
    kind = name()

    async def work_off(beside: Client, count: int) -> list[object]:
        async with AsyncClient(server.core) as client:
            worker = client.worker(slots=4)

            @worker.job(kind)
            async def look(work: AsyncWork) -> str:
                looked_at = await asyncio.to_thread(beside.jobs.get, work.job.job_id)
                return looked_at.job_id

            async with working(worker):
                jobs = [await client.jobs.create(kind) for _ in range(count)]
                ended = [await soon(client.jobs.wait(job.job_id)) for job in jobs]
            return [from_payload(job.result) == job.job_id for job in ended]

    with Client(server.core) as beside:
        # Each in a loop of its own, beside that of the client.
        for _ in range(2):
            assert asyncio.run(work_off(beside, 20)) == [True] * 20


def test_output_that_is_refused_leaves_a_handler_its_own_end(server: Server, name: Name) -> None:
    kind = name()
    with Client(server.core) as client:
        worker = client.worker()

        @worker.job(kind)
        def write(work: Work) -> None:
            output = work.output("no channel!")
            print("refused", file=output)
            with pytest.raises(ReportRefused):
                work.flush()
            print("unfinished", end="", file=work.stdout)
            # Kept until the handler has ended.
            output.write("never taken")
            raise JobFailure("my_own", "as it must", retryable=False)

        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(worker.run, signals=False)
            job = client.jobs.create(kind)
            assert client.jobs.wait(job.job_id).error.code == "my_own"
            worker.drain()
            running.result(PATIENCE)
        assert client.jobs.output(job.job_id) == b"unfinished"


LEFT_OPEN = """
import atexit, sys
from roomcast import Client
atexit.register(lambda: late.close())
late = Client(sys.argv[1])
client = Client(sys.argv[1])
follow = client.topics.watch("user:x")
next(follow)
"""


def test_a_program_ends_though_it_closes_nothing(server: Server) -> None:
    command = [sys.executable, "-c", LEFT_OPEN, server.core]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


FORKS = """
import os, sys
from roomcast import Client
client = Client(sys.argv[1])
published = client.topics.publish("user:x", "x", {})
child = os.fork()
if child == 0:
    own = Client(sys.argv[1])
    for call in (lambda: client.jobs.get("x"), client.close, lambda: own.jobs.get("x")):
        try:
            call()
        except RuntimeError as error:
            print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(client.topics.get("user:x").head == published.cursor)
client.close()
"""


def test_who_forks_too_late_is_told_so(server: Server) -> None:
    command = [sys.executable, "-c", FORKS, server.core]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    of_the_parent, own, goes_on = ended.stdout.splitlines()
    assert "forked" in of_the_parent
    assert "forked" in own
    assert goes_on == "True"


def test_one_loop_serves_all_clients(server: Server) -> None:
    with Client(server.core) as one, Client(server.core) as other:
        assert one.portal is other.portal
        assert isinstance(one.portal, Portal)
    assert "roomcast" not in [thread.name for thread in threading.enumerate()]
