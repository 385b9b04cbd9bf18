"""What can go wrong, as types. Every refusal carries its code of the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from roomcast.v1 import Fault
from roomcast.v1.registry import CODES

_DETAILS = "grpc-status-details-bin"

# What a status without a code of ours comes to: it was made on the way, by a proxy or by gRPC itself.
_FOREIGN = {
    grpc.StatusCode.INVALID_ARGUMENT: "invalid_argument",
    grpc.StatusCode.OUT_OF_RANGE: "payload_too_large",
    grpc.StatusCode.NOT_FOUND: "topic_not_found",
    grpc.StatusCode.PERMISSION_DENIED: "permission_denied",
    grpc.StatusCode.UNAUTHENTICATED: "unauthenticated",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "overloaded",
    grpc.StatusCode.DEADLINE_EXCEEDED: "deadline_exceeded",
    grpc.StatusCode.UNAVAILABLE: "core_unavailable",
    grpc.StatusCode.CANCELLED: "core_unavailable",
    grpc.StatusCode.UNKNOWN: "core_unavailable",
    grpc.StatusCode.UNIMPLEMENTED: "not_built",
}


class RoomcastError(Exception):
    """A call that the core refused, or that did not reach it.

    Attributes:
        code: Stable code of docs/ERRORS.md, such as `job_not_found`; or `token_unavailable`, of this package:
            the provider of a token failed.
        message: What went wrong, for a person.
        retryable: Whether the same call may succeed later.
        mend: What to do about it, for a person; empty for a code that this version does not know.
        retry_after: Seconds to wait before trying again, where the core said so.
        fields: Why each of these fields was refused, by its path in the request.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool | None = None,
        mend: str | None = None,
        retry_after: float | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """An error with what the registry knows of its code, unless it is said here."""
        is_retryable, known_mend = CODES.get(code, (False, ""))
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.retryable = is_retryable if retryable is None else retryable
        self.mend = known_mend if mend is None else mend
        self.retry_after = retry_after
        self.fields = dict(fields or {})

    def __str__(self) -> str:
        """The message, its code, and what to do."""
        return f"{self.message} [{self.code}]" + (f": {self.mend}" if self.mend else "")


class InvalidRequest(RoomcastError):
    """A field is missing, malformed or out of its range."""


class NotAuthenticated(RoomcastError):
    """No token was shown, or one that is not valid here."""


class NotPermitted(RoomcastError):
    """The caller's role or scope does not allow this."""


class NotFound(RoomcastError):
    """No such thing, or no right to it."""


class Conflict(RoomcastError):
    """Things are not as the call expects them to be."""


class Exhausted(RoomcastError):
    """A limit is reached."""


class Unavailable(RoomcastError):
    """No core answered in time, or the provider of a token failed."""


class LeaseLost(RoomcastError):
    """The job is no longer this worker's: drop the work."""

    def __init__(self) -> None:
        """The lease is gone for good."""
        super().__init__("fenced", "the lease on the job is lost")

    def __reduce__(self) -> tuple[type[LeaseLost], tuple[()]]:
        """It is made without arguments, also where another process raised it."""
        return LeaseLost, ()


class ReportRefused(RoomcastError):
    """The core did not take a report. The job goes on without it."""

    @classmethod
    def of(cls, fault: Fault) -> ReportRefused:
        """The refusal as the core told it."""
        return cls(fault.code, fault.message, retryable=fault.retryable)


class JobCancelled(Exception):
    """Raised by a handler to say that the work has ended because it was asked to."""


class JobFailure(Exception):
    """Raised by a handler to end the attempt badly.

    Attributes:
        code: What went wrong, `[a-z0-9_.-]{1,64}`: the worker's own word.
        message: The same for a person, at most 4 KiB.
        retryable: Whether another attempt may succeed; False ends the job whatever its policy.
        retry_after: Seconds to wait before that attempt instead of the policy's wait.
    """

    def __init__(
        self, code: str, message: str, *, retryable: bool = True, retry_after: float | None = None
    ) -> None:
        """What the job failed with."""
        # What it is made of again, where another process raised it.
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after

    def __str__(self) -> str:
        """The message."""
        return self.message


_TYPES: dict[grpc.StatusCode, type[RoomcastError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: Exhausted,
    grpc.StatusCode.UNAUTHENTICATED: NotAuthenticated,
    grpc.StatusCode.PERMISSION_DENIED: NotPermitted,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: Conflict,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: Conflict,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable,
    grpc.StatusCode.CANCELLED: Unavailable,
    grpc.StatusCode.UNKNOWN: Unavailable,
}


def error_of(error: grpc.aio.AioRpcError) -> RoomcastError:
    """What a gRPC status means here."""
    status, code = error.code(), ""
    retry_after: float | None = None
    fields: dict[str, str] = {}
    for detail in _details(error):
        if isinstance(detail, error_details_pb2.ErrorInfo):
            code = detail.reason
        elif isinstance(detail, error_details_pb2.RetryInfo):
            retry_after = detail.retry_delay.ToTimedelta().total_seconds()
        else:
            fields |= {one.field: one.description for one in detail.field_violations}
    kind = _TYPES.get(status, RoomcastError)
    return kind(
        code or _FOREIGN.get(status, "internal"),
        error.details() or status.name.lower(),
        retry_after=retry_after,
        fields=fields,
    )


_Detail: TypeAlias = (
    error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo | error_details_pb2.BadRequest
)


def _details(error: grpc.aio.AioRpcError) -> list[_Detail]:
    # An error that was made on this side has no metadata.
    metadata = cast("Mapping[str, object] | None", error.trailing_metadata()) or {}
    encoded = metadata.get(_DETAILS)
    status = status_pb2.Status()
    try:
        status.ParseFromString(encoded if isinstance(encoded, bytes) else b"")
    except DecodeError:
        return []
    found: list[_Detail] = []
    for packed in status.details:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.RetryInfo,
            error_details_pb2.BadRequest,
        ):
            detail = kind()
            if packed.Unpack(detail):
                found.append(detail)
    return found
