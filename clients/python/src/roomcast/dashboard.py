"""The dashboard's events, each to its room."""

from __future__ import annotations

from collections.abc import Mapping

from roomcast.topics import AsyncTopics
from roomcast.v1 import Published


class AsyncDashboard:
    """Tells the dashboard of agents, tasks, metrics and workflows.

    Everything answers when it is durable and raises as `AsyncTopics.publish` does. Fields of `data` are
    added to the event beside those that the call names, which win.
    """

    def __init__(self, topics: AsyncTopics) -> None:
        """Made by the client."""
        self._topics = topics

    async def emit_agent_status(
        self,
        agent_id: str,
        status: str,
        data: Mapping[str, object] | None = None,
        *,
        idempotency_key: str = "",
    ) -> Published:
        """`agent_status_update` in `room:agents`: how an agent is."""
        event = {**(data or {}), "agent_id": agent_id, "status": status}
        return await self._emit("agents", "agent_status_update", event, idempotency_key)

    async def emit_task_update(
        self,
        task_id: str,
        status: str,
        data: Mapping[str, object] | None = None,
        *,
        idempotency_key: str = "",
    ) -> Published:
        """`task_update` in `room:tasks`: how far a task is."""
        event = {**(data or {}), "task_id": task_id, "status": status}
        return await self._emit("tasks", "task_update", event, idempotency_key)

    async def emit_system_metrics(
        self, metrics: Mapping[str, object], *, idempotency_key: str = ""
    ) -> Published:
        """`system_metrics_update` in `room:metrics`: what was measured."""
        return await self._emit("metrics", "system_metrics_update", metrics, idempotency_key)

    async def emit_workflow_event(
        self,
        workflow_id: str,
        event: str,
        data: Mapping[str, object] | None = None,
        *,
        idempotency_key: str = "",
    ) -> Published:
        """`workflow_event` in `room:workflows`: what became of a workflow."""
        told = {**(data or {}), "workflow_id": workflow_id, "event": event}
        return await self._emit("workflows", "workflow_event", told, idempotency_key)

    async def _emit(
        self,
        room: str,
        name: str,
        data: Mapping[str, object],
        key: str,
    ) -> Published:
        return await self._topics.publish(f"room:{room}", name, data, idempotency_key=key)
