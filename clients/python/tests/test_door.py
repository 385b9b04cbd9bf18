"""Tokens and certificates: what opens a core's door, and whose name calls are made in."""

import asyncio
import base64
import hmac
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from eventually import soon
from server import BINARY, Core
from working import working

from roomcast import (
    AsyncClient,
    AsyncWork,
    AsyncWorker,
    NotAuthenticated,
    NotFound,
    Tls,
    Unavailable,
    from_payload,
)
from roomcast.credentials import Credentials
from roomcast.v1 import Job

Name = Callable[[], str]
USERS = "a secret of users that is long enough"
SERVICES = "a secret of services that is long enough"
SERVICE = ("--service", "web", "--scope", "service,worker")
SECRETS = {"ROOMCAST_JWT_SECRET": USERS, "ROOMCAST_SERVICE_SECRET": SERVICES}


def mint(*arguments: str) -> str:
    minted = subprocess.run(
        [str(BINARY), "token", "mint", *arguments],
        env=SECRETS,
        capture_output=True,
        text=True,
        check=True,
    )
    return minted.stdout.strip()


def expired(token: str) -> str:
    """The same token, as it will be when its time is over."""
    head, body, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    times = {claim: claims[claim] - 86_400 * 400 for claim in ("iat", "exp") if claim in claims}
    parts = [head, _part(json.dumps({**claims, **times}).encode())]
    signed = hmac.digest(SERVICES.encode(), ".".join(parts).encode(), "sha256")
    return ".".join([*parts, _part(signed)])


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@pytest.fixture(scope="module")
def core() -> Iterator[Core]:
    core = Core(env=SECRETS)
    yield core
    core.remove()


async def refusal(workers: AsyncClient) -> str:
    """The code that a worker is sent away with."""
    with pytest.raises(NotAuthenticated) as refused:
        await soon(_worker(workers, "x").run(signals=False))
    return refused.value.code


async def done(client: AsyncClient, workers: AsyncClient, kind: str) -> Job:
    """A job that somebody creates and somebody's worker does."""
    async with working(_worker(workers, kind)):
        job = await client.jobs.create(kind, {"n": 1})
        ended = await soon(client.jobs.wait(job.job_id))
    assert from_payload(ended.result) == {"n": 1}
    return ended


def _worker(client: AsyncClient, kind: str) -> AsyncWorker:
    """One whose jobs come to what they were given."""
    worker = client.worker()

    @worker.job(kind)
    async def answer(work: AsyncWork) -> object:
        return work.input

    return worker


async def test_without_a_token_the_door_stays_shut(core: Core) -> None:
    async with AsyncClient(core.core) as client:
        with pytest.raises(NotAuthenticated) as refused:
            await client.jobs.get("x")
        assert refused.value.code == "service_credential_required"
        assert await refusal(client) == "service_credential_required"


async def test_a_service_acts_for_its_users_and_a_worker_for_itself(core: Core, name: Name) -> None:
    asked, service = 0, mint(*SERVICE)
    alice, bob = mint("--sub", "alice"), mint("--sub", "bob")

    async def provide() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return f"{alice}\n"

    async with (
        AsyncClient(core.core, service_token=lambda: service, token=provide) as hers,
        AsyncClient(core.core, service_token=service, token=bob) as his,
    ):
        job = await done(hers, his, name())
        assert job.owner == "alice"
        with pytest.raises(NotFound):
            await his.jobs.get(job.job_id)
    assert asked >= 3


async def test_a_provider_that_fails_once_ends_no_worker(core: Core, name: Name) -> None:
    service, asked = mint(*SERVICE), 0

    def provide() -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise OSError("secret")
        return service

    async with (
        AsyncClient(core.core, service_token=service, token=mint("--sub", "alice")) as client,
        AsyncClient(core.core, service_token=provide) as workers,
    ):
        job = await done(client, workers, name())
        asked = 0
        with pytest.raises(Unavailable, match="OSError") as failed:
            await workers.jobs.get(job.job_id)
        assert "secret" not in str(failed.value)


async def test_a_worker_whose_token_is_over_asks_for_another(core: Core, name: Name) -> None:
    service, asked = mint(*SERVICE), 0
    over = expired(service)

    def provide() -> str:
        nonlocal asked
        asked += 1
        return over if asked == 1 else service

    async with (
        AsyncClient(core.core, service_token=service, token=mint("--sub", "alice")) as client,
        AsyncClient(core.core, service_token=provide) as workers,
        AsyncClient(core.core, service_token=over) as late,
    ):
        await done(client, workers, name())
        assert await refusal(late) == "token_expired"


async def test_a_provider_that_hangs_holds_up_no_call(core: Core) -> None:
    async def hang() -> str:
        await asyncio.Event().wait()
        return ""

    async with AsyncClient(core.core, service_token=hang) as client:
        with pytest.raises(Unavailable, match="TimeoutError"):
            await soon(client.topics.publish("user:x", "x", {}, timeout=0.1))


def test_tokens_are_not_shown() -> None:
    assert "secret" not in repr(Credentials("secret", "secret"))


async def test_a_certificate_opens_the_door(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca, certificate, key = (tmp_path / name for name in ("ca.pem", "core.pem", "core.key"))
    authority.cert_pem.write_to_path(str(ca))
    mine = authority.issue_cert("localhost", "127.0.0.1")
    mine.cert_chain_pems[0].write_to_path(str(certificate))
    mine.private_key_pem.write_to_path(str(key))
    client_certificate = authority.issue_cert("client")
    client_certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "client.pem"))
    client_certificate.private_key_pem.write_to_path(str(tmp_path / "client.key"))
    core = Core(
        env={
            "ROOMCAST_TLS_CERT": str(certificate),
            "ROOMCAST_TLS_KEY": str(key),
            "ROOMCAST_CLIENT_CA": str(ca),
        }
    )
    address = f"https://localhost:{core.grpc.number}"
    tls = Tls(ca=ca, certificate=tmp_path / "client.pem", key=tmp_path / "client.key")
    async with AsyncClient(address, tls=tls) as client:
        job = await client.jobs.create("x")
        assert (await client.jobs.cancel(job.job_id)).job_id == job.job_id
    async with AsyncClient(address, tls=Tls(ca=ca)) as stranger:
        with pytest.raises(NotAuthenticated):
            await stranger.jobs.get(job.job_id)
    core.remove()
