"""Writes of a viewer's, who sees in them no more than their API token opens."""

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias
from uuid import UUID

from todo_gql.database.models import ListRole
from todo_gql.features.todos.writes import OwnerWrite, owner_write, owner_writes
from todo_gql.security.authentication import Viewer

Writes: TypeAlias = dict[UUID, OwnerWrite]


def viewer_write(
    viewer: Viewer, owner_id: UUID, ids: Sequence[UUID] = (), *, parents: bool = False
) -> AbstractAsyncContextManager[OwnerWrite]:
    """An `owner_write` whose actor is the viewer.

    If the viewer's API token is bound to lists, the owner, too, has roles in these alone.
    """
    write = owner_write(owner_id=owner_id, actor_id=viewer.id, ids=ids, parents=parents)
    lists = viewer.bound_list_ids
    return write if lists is None else _bound_write(write, lists)


def viewer_writes(
    viewer: Viewer, ids_by_owner: Mapping[UUID, Sequence[UUID]], *, parents: bool = False
) -> AbstractAsyncContextManager[Writes]:
    """As `viewer_write`, for several owners."""
    writes = owner_writes(ids_by_owner, actor_id=viewer.id, parents=parents)
    lists = viewer.bound_list_ids
    return writes if lists is None else _bound_writes(writes, lists)


@asynccontextmanager
async def _bound_write(
    entered: AbstractAsyncContextManager[OwnerWrite], lists: AbstractSet[UUID]
) -> AsyncIterator[OwnerWrite]:
    async with entered as write:
        write.roles = _within(lists, write.roles)
        yield write


@asynccontextmanager
async def _bound_writes(
    entered: AbstractAsyncContextManager[Writes], lists: AbstractSet[UUID]
) -> AsyncIterator[Writes]:
    async with entered as writes:
        for write in writes.values():
            write.roles = _within(lists, write.roles)
        yield writes


def _within(
    lists: AbstractSet[UUID], roles: Mapping[UUID, ListRole] | None
) -> Mapping[UUID, ListRole]:
    """The roles of an actor, the owner's if they are None, in the lists that their token is bound to."""
    if roles is None:
        return dict.fromkeys(lists, ListRole.OWNER)
    return {list_id: role for list_id, role in roles.items() if list_id in lists}
