"""Who is connected, and where."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from roomcast.calls import Calls, Method
from roomcast.v1 import EdgeConnection, ListConnectionsRequest, ListConnectionsResponse

_LIST = Method(
    "/roomcast.v1.SessionService/ListConnections", ListConnectionsRequest, ListConnectionsResponse
)


class AsyncConnections:
    """Tells of the browsers that are connected to the edges."""

    def __init__(self, calls: Calls, tenant: str = "") -> None:
        """Made by the client."""
        self._calls = calls
        self._tenant = tenant

    def list(self) -> AsyncGenerator[EdgeConnection, None]:
        """The tenant's connections, edge by edge. For services and operators.

        An edge tells of its connections every 5 s; so old may this be.

        Raises:
            NotPermitted: The caller is neither.
        """
        request = ListConnectionsRequest(tenant=self._tenant)
        return self._calls.pages(
            _LIST, request, lambda page: (page.connections, page.next_page_token)
        )
