"""Topics: publish to rooms and users, read and follow any log."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import TypeAlias

from roomcast.calls import Calls, Method, new_key
from roomcast.payload import new_event
from roomcast.v1 import (
    Event,
    GetTopicRequest,
    GetTopicResponse,
    ListEventsRequest,
    ListEventsResponse,
    ListTopicsRequest,
    ListTopicsResponse,
    NewEvent,
    Payload,
    PublishBatchRequest,
    PublishBatchResponse,
    Published,
    PublishRequest,
    PublishResponse,
    TopicSnapshot,
    TopicSummary,
    WatchTopicRequest,
    WatchTopicResponse,
)
from roomcast.watch import Watch

_SERVICE = "/roomcast.v1.BroadcastService"
_PUBLISH = Method(f"{_SERVICE}/Publish", PublishRequest, PublishResponse)
_BATCH = Method(f"{_SERVICE}/PublishBatch", PublishBatchRequest, PublishBatchResponse)
_EVENTS = Method(f"{_SERVICE}/ListEvents", ListEventsRequest, ListEventsResponse)
_LIST = Method(f"{_SERVICE}/ListTopics", ListTopicsRequest, ListTopicsResponse)
_TOPIC = Method(f"{_SERVICE}/GetTopic", GetTopicRequest, GetTopicResponse)
_WATCH = Method(f"{_SERVICE}/WatchTopic", WatchTopicRequest, WatchTopicResponse)

Data: TypeAlias = "Mapping[str, object] | Payload"
"""What an event says: one JSON object, or a `Payload` of another content type."""


class AsyncTopics:
    """Publishes events and reads logs. A topic is `kind:name`, such as `room:agents`."""

    def __init__(self, calls: Calls, tenant: str = "") -> None:
        """Made by the client."""
        self._calls = calls
        self._tenant = tenant

    async def publish(
        self,
        topic: str,
        type: str,
        data: Data,
        *,
        expected_offset: int | None = None,
        idempotency_key: str = "",
        timeout: float | None = None,
    ) -> Published:
        """Appends one event to a `room:` or `user:` topic; answers when it is durable.

        Args:
            topic: Full name.
            type: `[A-Za-z0-9_.:-]{1,128}`, and none of Socket.IO's or Roomcast's own.
            data: One JSON object, at most 1 MiB.
            expected_offset: Refuse with `Conflict` unless the topic's head is here.
            idempotency_key: At most 128 bytes: the same key and content give the same event for 24 h.
                Without one the call makes its own, so that trying again never doubles the event.
            timeout: Seconds until the call gives up, tries included. None means the client's.

        Raises:
            NotPermitted: `topic_reserved`, or no right to publish here.
            Conflict: `offset_conflict`, `idempotency_mismatch`.
            Unavailable: No core answered. The event may be there: call again with the same key.
        """
        request = PublishRequest(
            topic=topic,
            event=new_event(type, data),
            expected_offset=expected_offset,
            idempotency_key=idempotency_key or new_key(),
            tenant=self._tenant,
        )
        return (await self._calls.ask(_PUBLISH, request, timeout=timeout)).published

    async def publish_batch(
        self,
        topic: str,
        events: Iterable[tuple[str, Data]],
        *,
        expected_offset: int | None = None,
        idempotency_key: str = "",
        timeout: float | None = None,
    ) -> Sequence[Published]:
        """Appends 1 to 1000 events side by side, together at most 1 MiB: all of them or none.

        Args:
            topic: Full name.
            events: `(type, data)` of each.
            expected_offset: As in `publish`.
            idempotency_key: As in `publish`, for the batch.
            timeout: As in `publish`.
        """
        new: Sequence[NewEvent] = [new_event(type, data) for type, data in events]
        request = PublishBatchRequest(
            topic=topic,
            events=new,
            expected_offset=expected_offset,
            idempotency_key=idempotency_key or new_key(),
            tenant=self._tenant,
        )
        return (await self._calls.ask(_BATCH, request, timeout=timeout)).published

    async def get(self, topic: str) -> GetTopicResponse:
        """Its head and its retention.

        Raises:
            NotFound: `topic_not_found`.
        """
        return await self._calls.ask(_TOPIC, GetTopicRequest(topic=topic, tenant=self._tenant))

    def list(self, *, kind: str = "", prefix: str = "") -> AsyncGenerator[TopicSummary, None]:
        """Topics that anything was written to, by kind and name. For services and operators.

        Args:
            kind: Only `job`, `session`, `project`, `room`, `user` or `audit`. Empty means all.
            prefix: Only names, without the kind, that begin with this.

        Raises:
            NotPermitted: The caller is neither.
        """
        request = ListTopicsRequest(kind=kind, prefix=prefix, tenant=self._tenant)
        return self._calls.pages(_LIST, request, lambda page: (page.topics, page.next_page_token))

    async def events(
        self, topic: str, *, since: str = "", types: Sequence[str] = ()
    ) -> AsyncGenerator[Event, None]:
        """What is in the log, up to its head.

        Args:
            topic: Full name.
            since: After this cursor. Empty means from the oldest event that is kept, as does a cursor
                that cannot be followed any more.
            types: Only events of these types. Empty means all.
        """
        request = ListEventsRequest(topic=topic, since=since, types=types, tenant=self._tenant)
        while True:
            page = await self._calls.ask(_EVENTS, request)
            for event in page.events:
                yield event
            if page.cursor in (page.head, request.since):
                return
            request.since = page.cursor

    async def watch(
        self, topic: str, *, since: str = "", types: Sequence[str] = ()
    ) -> AsyncGenerator[TopicSnapshot | Event, None]:
        """Where the topic stands, then every event once and in order. Ends with a job's topic only.

        A lost connection is taken up again after the last event. Where events are missed for good a
        snapshot comes again and replaces what was known.

        Args:
            topic: Full name.
            since: Go on after this cursor instead of a snapshot.
            types: Only events of these types. Empty means all.

        Raises:
            NotFound: `topic_not_found`.
        """
        watch: Watch[WatchTopicRequest, WatchTopicResponse, TopicSnapshot] = Watch(
            _WATCH,
            lambda cursor: WatchTopicRequest(
                topic=topic, since=cursor, types=types, tenant=self._tenant
            ),
            lambda frame: frame.snapshot,
            lambda snapshot: snapshot.cursor,
        )
        async with aclosing(watch.follow(self._calls, since)) as followed:
            async for item in followed:
                yield item
