"""Content: Python values to the contract's payloads and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from roomcast.v1 import Event, NewEvent, Payload

JSON = "application/json"


def to_payload(value: object, content_type: str = "") -> Payload | None:
    """A value as content.

    Args:
        value: A `Payload` is taken as it is, bytes with a `content_type` as they are; anything else
            becomes JSON. None is no content.
        content_type: Media type of bytes.

    Raises:
        ValueError: NaN and infinity, which JSON does not have.
        TypeError: What JSON cannot say, or bytes without a content type.
    """
    if isinstance(value, Payload):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        if not content_type:
            raise TypeError("bytes need a content_type")
        return Payload(content_type=content_type, data=bytes(value))
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Payload(content_type=JSON, data=text.encode())


def from_payload(payload: Payload) -> Any:
    """The value of JSON, the bytes of anything else, None where there is no content."""
    if not payload.data:
        return None
    if payload.content_type in ("", JSON):
        return json.loads(payload.data)
    return payload.data


def new_event(type: str, data: Mapping[str, object] | Payload) -> NewEvent:
    """An event to be published: `type` is `[A-Za-z0-9_.:-]{1,128}`, `data` one JSON object.

    Raises:
        TypeError: `data` is no object.
    """
    if not isinstance(data, (Mapping, Payload)):
        raise TypeError("the data of an event is one object")
    return NewEvent(type=type, payload=to_payload(data))


def data_of(event: Event) -> Any:
    """What a publisher or a worker said in an event of its own; None in any other event."""
    body = event.WhichOneof("body")
    if body == "payload":
        return from_payload(event.payload)
    if body == "job" and event.job.WhichOneof("kind") == "reported":
        return from_payload(event.job.reported.payload)
    return None
