"""Jobs, for those who want them done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

from roomcast.calls import Calls, Method, new_key
from roomcast.payload import to_payload
from roomcast.v1 import (
    CancelJobRequest,
    CancelJobResponse,
    CreateJobRequest,
    CreateJobResponse,
    Event,
    GetJobRequest,
    GetJobResponse,
    Job,
    JobState,
    ListJobsRequest,
    ListJobsResponse,
    ReadJobOutputRequest,
    ReadJobOutputResponse,
    RetryJobRequest,
    RetryJobResponse,
    RetryPolicy,
    SendMessageRequest,
    SendMessageResponse,
    StartTestRunRequest,
    StartTestRunResponse,
    Timeouts,
    WatchJobRequest,
    WatchJobResponse,
)
from roomcast.watch import Watch

_SERVICE = "/roomcast.v1.JobService"
_CREATE = Method(f"{_SERVICE}/CreateJob", CreateJobRequest, CreateJobResponse)
_GET = Method(f"{_SERVICE}/GetJob", GetJobRequest, GetJobResponse)
_LIST = Method(f"{_SERVICE}/ListJobs", ListJobsRequest, ListJobsResponse)
_CANCEL = Method(f"{_SERVICE}/CancelJob", CancelJobRequest, CancelJobResponse)
_RETRY = Method(f"{_SERVICE}/RetryJob", RetryJobRequest, RetryJobResponse)
_MESSAGE = Method(f"{_SERVICE}/SendMessage", SendMessageRequest, SendMessageResponse)
_TEST_RUN = Method(f"{_SERVICE}/StartTestRun", StartTestRunRequest, StartTestRunResponse)
_OUTPUT = Method(f"{_SERVICE}/ReadJobOutput", ReadJobOutputRequest, ReadJobOutputResponse)
_WATCH = Method(f"{_SERVICE}/WatchJob", WatchJobRequest, WatchJobResponse)

# A page of output: as much as the core answers at once.
_OUTPUT_BYTES = 1 << 20

_ENDED = frozenset(
    (JobState.JOB_STATE_COMPLETED, JobState.JOB_STATE_FAILED, JobState.JOB_STATE_CANCELLED)
)


def has_ended(job: Job) -> bool:
    """Whether it is completed, failed or cancelled."""
    return job.state in _ENDED


class AsyncJobs:
    """Creates jobs, looks at them, cancels them."""

    def __init__(self, calls: Calls) -> None:
        """Made by the client."""
        self._calls = calls

    async def create(
        self,
        kind: str,
        input: object = None,
        *,
        owner: str = "",
        tenant: str = "",
        project_id: str = "",
        session_id: str = "",
        priority: int = 0,
        run_at: datetime | None = None,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        labels: Mapping[str, str] | None = None,
        pinned_worker_id: str = "",
        idempotency_key: str = "",
    ) -> Job:
        """Records a job, which then waits for a worker of its kind.

        Args:
            kind: What kind of work, `[A-Za-z0-9_.-]{1,128}`.
            input: What to work on: anything that JSON can say, or a `Payload`; at most 1 MiB.
            owner: The user it belongs to, said by services and admins. Empty means the caller.
            tenant: The tenant, for services.
            project_id: The project it belongs to.
            session_id: The session it works for; its project is then the job's.
            priority: -100 to 100; higher is sooner.
            run_at: Earliest start; a time with its zone.
            retry: How failures are retried.
            timeouts: How long things may take.
            labels: At most 32, keys and values at most 128 bytes.
            pinned_worker_id: Only this worker may take it.
            idempotency_key: At most 128 bytes: the same key and content give the same job for 24 h.
                Without one the call makes its own.

        Raises:
            InvalidRequest: A value is out of its range.
            Conflict: `idempotency_mismatch`: the key was used with other content.
        """
        request = CreateJobRequest(
            kind=kind,
            input=to_payload(input),
            owner=owner,
            tenant=tenant,
            project_id=project_id,
            session_id=session_id,
            priority=priority,
            retry=retry,
            timeouts=timeouts,
            labels=labels,
            pinned_worker_id=pinned_worker_id,
            idempotency_key=idempotency_key or new_key(),
        )
        if run_at is not None:
            if run_at.tzinfo is None:
                raise ValueError("run_at needs a time zone")
            request.run_at.FromDatetime(run_at)
        return (await self._calls.ask(_CREATE, request)).job

    async def get(self, job_id: str) -> Job:
        """The job as it stands, with its input.

        Raises:
            NotFound: `job_not_found`, also for another user's job.
        """
        return (await self._calls.ask(_GET, GetJobRequest(job_id=job_id))).job

    def list(
        self,
        *,
        owner: str = "",
        kind: str = "",
        project_id: str = "",
        states: Sequence[JobState] = (),
        labels: Mapping[str, str] | None = None,
        tenant: str = "",
    ) -> AsyncGenerator[Job, None]:
        """Jobs that the caller may see, newest first, for which all conditions hold."""
        request = ListJobsRequest(
            owner=owner,
            kind=kind,
            project_id=project_id,
            states=states,
            labels=labels,
            tenant=tenant,
        )
        return self._calls.pages(_LIST, request, lambda page: (page.jobs, page.next_page_token))

    async def cancel(self, job_id: str, *, reason: str = "", grace: float | None = None) -> Job:
        """Asks a job to end. Repeating it changes nothing.

        Args:
            job_id: Which.
            reason: Why, for a person, at most 1 KiB.
            grace: Seconds that the worker has to end by itself, up to 600; 10 unless said.
        """
        request = CancelJobRequest(job_id=job_id, reason=reason)
        if grace is not None:
            request.grace.FromTimedelta(timedelta(seconds=grace))
        return (await self._calls.ask(_CANCEL, request)).job

    async def retry(self, job_id: str, *, idempotency_key: str = "") -> Job:
        """A new job from one that has ended.

        Raises:
            Conflict: `job_not_ended`.
        """
        request = RetryJobRequest(job_id=job_id, idempotency_key=idempotency_key or new_key())
        return (await self._calls.ask(_RETRY, request)).job

    async def send_message(self, session_id: str, prompt: str, *, idempotency_key: str = "") -> Job:
        """Asks the agent of a session's project something. For editors of the project.

        The answer is the event `vibecode_response` of the job and of its project. Without an agent the
        job fails with `no_worker` after 60 s.

        Args:
            session_id: Which session.
            prompt: What is wanted, at most 256 KiB.
            idempotency_key: At most 128 bytes: the same key gives the same job for 24 h.

        Raises:
            NotFound: `session_not_found`.
        """
        request = SendMessageRequest(
            session_id=session_id, prompt=prompt, idempotency_key=idempotency_key or new_key()
        )
        return (await self._calls.ask(_MESSAGE, request)).job

    async def start_test_run(
        self, project_id: str, *, command: str = "", idempotency_key: str = ""
    ) -> Job:
        """Has the agent of a project run tests. For editors of the project.

        What it finds are the events `test_started`, `test_result` and `test_completed` of the job and of
        its project. Without an agent the job fails with `no_worker` after 60 s.

        Args:
            project_id: Which project.
            command: Name of a command that the agent's configuration allows; empty means its default.
            idempotency_key: At most 128 bytes: the same key gives the same job for 24 h.

        Raises:
            NotFound: `project_not_found`.
        """
        request = StartTestRunRequest(
            project_id=project_id, command=command, idempotency_key=idempotency_key or new_key()
        )
        return (await self._calls.ask(_TEST_RUN, request)).job

    async def output(self, job_id: str, *, channel: str = "stdout", attempt: int = 0) -> bytes:
        """What an attempt has written so far; 0 is the last attempt."""
        request = ReadJobOutputRequest(
            job_id=job_id, channel=channel, attempt=attempt, max_bytes=_OUTPUT_BYTES
        )
        read = bytearray()
        while True:
            page = await self._calls.ask(_OUTPUT, request)
            read += page.data
            if not page.data or page.next >= page.size:
                return bytes(read)
            # `from` is a word of Python's own. Pages of one attempt, also if another begins.
            setattr(request, "from", page.next)
            request.attempt = page.attempt

    async def watch(
        self, job_id: str, *, since: str = "", types: Sequence[str] = ()
    ) -> AsyncGenerator[Job | Event, None]:
        """The job as it stands, then every event once and in order, until it has ended.

        A lost connection is taken up again after the last event. Where events are missed for good a
        `Job` comes again and replaces what was known.

        Args:
            job_id: Which.
            since: Go on after this cursor, of an event or a job, instead of a snapshot.
            types: Only events of these types, such as `job.progress`. Empty means all.

        Raises:
            NotFound: `job_not_found`.
        """
        watch: Watch[WatchJobRequest, WatchJobResponse, Job] = Watch(
            _WATCH,
            lambda cursor: WatchJobRequest(job_id=job_id, since=cursor, types=types),
            lambda frame: frame.snapshot,
            lambda job: job.cursor,
        )
        async with aclosing(watch.follow(self._calls, since)) as followed:
            async for item in followed:
                yield item

    async def wait(self, job_id: str, *, timeout: float | None = None) -> Job:
        """Waits until the job has ended, and answers it: completed, failed or cancelled.

        Args:
            job_id: Which.
            timeout: Seconds to wait at most. None means as long as it takes.

        Raises:
            NotFound: `job_not_found`.
            TimeoutError: It has not ended by then. It goes on.
        """
        try:
            return await asyncio.wait_for(self._end(job_id), timeout)
        except asyncio.TimeoutError:
            message = f"job {job_id} has not ended within {timeout} s"
            raise TimeoutError(message) from None

    async def _end(self, job_id: str) -> Job:
        async with aclosing(self.watch(job_id, types=["job.completed"])) as followed:
            async for item in followed:
                if isinstance(item, Job) and has_ended(item):
                    break
        return await self.get(job_id)
