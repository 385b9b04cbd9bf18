"""Projects, the containers of sessions and jobs, and their members."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from roomcast.calls import Calls, Method, new_key
from roomcast.v1 import (
    CreateProjectRequest,
    CreateProjectResponse,
    DeleteProjectRequest,
    DeleteProjectResponse,
    GetProjectRequest,
    GetProjectResponse,
    ListMembersRequest,
    ListMembersResponse,
    ListProjectsRequest,
    ListProjectsResponse,
    Member,
    Project,
    RemoveMemberRequest,
    RemoveMemberResponse,
    Role,
    SetMemberRequest,
    SetMemberResponse,
)

_SERVICE = "/roomcast.v1.SessionService"
_CREATE = Method(f"{_SERVICE}/CreateProject", CreateProjectRequest, CreateProjectResponse)
_GET = Method(f"{_SERVICE}/GetProject", GetProjectRequest, GetProjectResponse)
_LIST = Method(f"{_SERVICE}/ListProjects", ListProjectsRequest, ListProjectsResponse)
_DELETE = Method(f"{_SERVICE}/DeleteProject", DeleteProjectRequest, DeleteProjectResponse)
_SET_MEMBER = Method(f"{_SERVICE}/SetMember", SetMemberRequest, SetMemberResponse)
_REMOVE_MEMBER = Method(f"{_SERVICE}/RemoveMember", RemoveMemberRequest, RemoveMemberResponse)
_MEMBERS = Method(f"{_SERVICE}/ListMembers", ListMembersRequest, ListMembersResponse)


class AsyncProjects:
    """Creates projects and says who may what in them."""

    def __init__(self, calls: Calls) -> None:
        """Made by the client."""
        self._calls = calls

    async def create(
        self, name: str, *, owner: str = "", tenant: str = "", idempotency_key: str = ""
    ) -> Project:
        """A new project.

        Args:
            name: For people, at most 256 bytes.
            owner: Whom it is for, said by services and admins. Empty means the caller.
            tenant: The tenant, for services.
            idempotency_key: At most 128 bytes: the same key gives the same project for 24 h.
        """
        request = CreateProjectRequest(
            name=name, owner=owner, tenant=tenant, idempotency_key=idempotency_key or new_key()
        )
        return (await self._calls.ask(_CREATE, request)).project

    async def get(self, project_id: str) -> Project:
        """The project.

        Raises:
            NotFound: `project_not_found`, also for one that the caller is no member of.
        """
        return (await self._calls.ask(_GET, GetProjectRequest(project_id=project_id))).project

    def list(self, *, tenant: str = "") -> AsyncGenerator[Project, None]:
        """Those that the caller is a member of (a service or admin: all), newest first."""
        request = ListProjectsRequest(tenant=tenant)
        return self._calls.pages(_LIST, request, lambda page: (page.projects, page.next_page_token))

    async def delete(self, project_id: str) -> None:
        """Erases a project with its sessions. For its owners.

        Raises:
            NotFound: It is not there; also where a first answer was lost on its way.
        """
        await self._calls.ask(_DELETE, DeleteProjectRequest(project_id=project_id))

    async def members(self, project_id: str) -> Sequence[Member]:
        """All members."""
        answer = await self._calls.ask(_MEMBERS, ListMembersRequest(project_id=project_id))
        return answer.members

    async def set_member(self, project_id: str, user_id: str, role: Role) -> Member:
        """Gives a user a role.

        Raises:
            Conflict: `last_owner`, `members_full`.
        """
        member = Member(user_id=user_id, role=role)
        request = SetMemberRequest(project_id=project_id, member=member)
        return (await self._calls.ask(_SET_MEMBER, request)).member

    async def remove_member(self, project_id: str, user_id: str) -> None:
        """Takes a user out of a project.

        Raises:
            NotFound: `member_not_found`.
            Conflict: `last_owner`.
        """
        request = RemoveMemberRequest(project_id=project_id, user_id=user_id)
        await self._calls.ask(_REMOVE_MEMBER, request)
