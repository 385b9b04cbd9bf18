"""Rooms that the core's configuration declares, and who is in them."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from roomcast.calls import Calls, Method
from roomcast.v1 import (
    DeclaredRoom,
    GetRoomPresenceRequest,
    GetRoomPresenceResponse,
    ListRoomsRequest,
    ListRoomsResponse,
)

_SERVICE = "/roomcast.v1.BroadcastService"
_LIST = Method(f"{_SERVICE}/ListRooms", ListRoomsRequest, ListRoomsResponse)
_PRESENCE = Method(f"{_SERVICE}/GetRoomPresence", GetRoomPresenceRequest, GetRoomPresenceResponse)


class AsyncRooms:
    """Tells which rooms there are and who is in them. What happens in one is its topic, `room:name`."""

    def __init__(self, calls: Calls, tenant: str = "") -> None:
        """Made by the client."""
        self._calls = calls
        self._tenant = tenant

    def list(self) -> AsyncGenerator[DeclaredRoom, None]:
        """The declared rooms by name, and who may read and write them. For services and operators.

        Raises:
            NotPermitted: The caller is neither.
        """
        request = ListRoomsRequest()
        return self._calls.pages(_LIST, request, lambda page: (page.rooms, page.next_page_token))

    async def presence(self, room: str) -> GetRoomPresenceResponse:
        """Who is in a room that is declared with `presence`; its name is without `room:`."""
        request = GetRoomPresenceRequest(room=room, tenant=self._tenant)
        return await self._calls.ask(_PRESENCE, request)
