"""Publishing: durable, once, in order; and reading it again."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest
from eventually import eventually
from server import Server
from subscriber import Subscriber

from roomcast import AsyncClient, Conflict, InvalidRequest, NotPermitted, data_of
from roomcast.v1 import EdgeConnection, Event, Payload, TopicSnapshot

Name = Callable[[], str]


async def numbers(client: AsyncClient, topic: str, since: str = "") -> list[int]:
    return [data_of(event)["n"] async for event in client.topics.events(topic, since=since)]


async def test_what_is_published_is_in_the_log(client: AsyncClient, name: Name) -> None:
    topic = f"user:{name()}"
    first = await client.topics.publish(topic, "greeting", {"n": 1, "text": "grüß dich"})
    second = await client.topics.publish(topic, "greeting", {"n": 2})
    assert (first.offset, second.offset) == (1, 2)
    events = [event async for event in client.topics.events(topic)]
    assert [event.event_id for event in events] == [first.event_id, second.event_id]
    assert data_of(events[0]) == {"n": 1, "text": "grüß dich"}
    assert await numbers(client, topic, since=first.cursor) == [2]
    assert (await client.topics.get(topic)).head_offset == 2


async def test_the_same_key_publishes_once(client: AsyncClient, name: Name) -> None:
    topic, key = f"user:{name()}", name()
    publish = client.topics.publish
    first, again = [await publish(topic, "x", {"n": 1}, idempotency_key=key) for _ in range(2)]
    assert again == first
    with pytest.raises(Conflict) as refused:
        await publish(topic, "x", {"n": 2}, idempotency_key=key)
    assert refused.value.code == "idempotency_mismatch"
    assert await numbers(client, topic) == [1]


async def test_a_batch_is_all_or_nothing(client: AsyncClient, name: Name) -> None:
    topic, key = f"user:{name()}", name()
    batch = [("x", {"n": n}) for n in range(250)]
    published = await client.topics.publish_batch(topic, batch, idempotency_key=key)
    assert [one.offset for one in published] == list(range(1, 251))
    assert await client.topics.publish_batch(topic, batch, idempotency_key=key) == published
    assert await numbers(client, topic) == list(range(250))
    with pytest.raises(Conflict) as refused:
        await client.topics.publish_batch(topic, batch, expected_offset=7)
    assert refused.value.code == "offset_conflict"


async def test_bytes_go_as_they_are(client: AsyncClient, name: Name) -> None:
    topic = f"user:{name()}"
    await client.topics.publish(topic, "blob", Payload(content_type="image/x", data=b"\x00\xff"))
    assert [data_of(event) async for event in client.topics.events(topic)] == [b"\x00\xff"]


async def test_nobody_writes_to_a_job(client: AsyncClient) -> None:
    with pytest.raises(NotPermitted) as refused:
        await client.topics.publish("job:x", "x", {})
    assert (refused.value.code, refused.value.retryable) == ("topic_reserved", False)
    assert refused.value.mend == "publish to a room: or user: topic"


async def test_a_room_is_followed_from_where_it_stands(client: AsyncClient, name: Name) -> None:
    topic = f"user:{name()}"
    cursors = [(await client.topics.publish(topic, "x", {"n": n})).cursor for n in range(3)]
    async with aclosing(client.topics.watch(topic)) as followed:
        snapshot = await anext(followed)
        assert isinstance(snapshot, TopicSnapshot)
        await client.topics.publish(topic, "x", {"n": 3})
        event = await anext(followed)
        assert isinstance(event, Event)
        assert data_of(event) == {"n": 3}
    async with aclosing(client.topics.watch(topic, since=cursors[0])) as followed:
        heard = [data_of(await anext(followed)) for _ in range(3)]  # type: ignore[arg-type]
    assert heard == [{"n": 1}, {"n": 2}, {"n": 3}]


async def test_the_dashboard_is_told_in_its_rooms(client: AsyncClient, name: Name) -> None:
    agent, dashboard = name(), client.dashboard
    await dashboard.emit_agent_status(agent, "active", {"load": 0.5})
    await dashboard.emit_task_update("t1", "done")
    await dashboard.emit_system_metrics({"cpu": 0.4})
    await dashboard.emit_workflow_event("w1", "started")
    told = {}
    for room in ("agents", "tasks", "metrics", "workflows"):
        async for event in client.topics.events(f"room:{room}"):
            told[room] = (event.type, data_of(event))
    assert told == {
        "agents": ("agent_status_update", {"load": 0.5, "agent_id": agent, "status": "active"}),
        "tasks": ("task_update", {"task_id": "t1", "status": "done"}),
        "metrics": ("system_metrics_update", {"cpu": 0.4}),
        "workflows": ("workflow_event", {"workflow_id": "w1", "event": "started"}),
    }


async def test_topics_are_listed_by_kind_and_name(client: AsyncClient, name: Name) -> None:
    prefix = name()
    names = [f"{prefix}-{n:03}" for n in range(60)]
    publish = client.topics.publish
    await asyncio.gather(*(publish(f"user:{one}", "x", {}) for one in names))
    listed = [topic async for topic in client.topics.list(kind="user", prefix=prefix)]
    assert [topic.topic for topic in listed] == [f"user:{one}" for one in names], "over two pages"
    assert all(topic.head_offset == 1 for topic in listed)
    assert not [topic async for topic in client.topics.list(kind="room", prefix=prefix)]


async def test_declared_rooms_are_listed_with_their_rights(client: AsyncClient) -> None:
    rooms = {room.room: list(room.readers) async for room in client.rooms.list()}
    assert rooms["admin"] == [], "operators and services alone"
    assert rooms["news"] == ["everyone"]
    with pytest.raises(InvalidRequest, match="presence"):
        await client.rooms.presence("news")


async def test_connections_are_listed_with_what_they_watch(
    client: AsyncClient, server: Server, name: Name
) -> None:
    job_id = (await client.jobs.create(name())).job_id

    async def watching() -> list[EdgeConnection]:
        listed = [one async for one in client.connections.list()]
        return [one for one in listed if list(one.connection.job_ids) == [job_id]]

    async with Subscriber.of_job(server.url, job_id):
        found = await eventually("the edge has told of it", watching)
    assert len(found) == 1
    assert found[0].edge_id
    assert found[0].connection.user_id == "dev"


async def test_many_publish_at_once(client: AsyncClient, name: Name) -> None:
    topic = f"user:{name()}"
    publishing = [client.topics.publish(topic, "x", {"n": n}) for n in range(200)]
    published = await asyncio.gather(*publishing)
    by_offset = sorted(range(200), key=lambda n: published[n].offset)
    assert await numbers(client, topic) == by_offset
