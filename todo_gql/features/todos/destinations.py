"""Where todos are to stand: what clients send, and what it comes to for one todo."""

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from strawberry import ID, Some

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_allowed, not_found
from todo_gql.api.list_roles import ListRole
from todo_gql.api.node import parse_id
from todo_gql.api.placement import Placement, read_placement
from todo_gql.features.todos.inputs import TodoPlacementInput, unset_to_none
from todo_gql.features.todos.owners import (
    OWNERS_OF_LISTS,
    OWNERS_OF_TODOS,
    owner_of_list,
    owner_of_todo,
)
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.surroundings import Surroundings
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.security.authentication import Viewer

Sent: TypeAlias = Some[UUID | None] | None
"""An id or null that was sent, or None if nothing was."""


class Destination(NamedTuple):
    """Where todos are to stand; `path` is where it was sent in the arguments."""

    path: tuple[str, ...]
    list_id: Sent = None
    section_id: Sent = None
    parent_id: Sent = None
    placement: Placement | None = None

    def error(self, *path: str) -> UserError:
        """That a list, section, parent or anchor isn't there."""
        return not_found(*self.path, *path)


class Target(NamedTuple):
    """The list, section and parent of a todo."""

    list_id: UUID | None
    section_id: UUID | None
    parent_id: UUID | None


def read_destination(
    sent: TodoPlacementInput, problems: list[UserError], *path: str
) -> Destination:
    """What a client sent, and problems with what can't be the id of anything."""
    placement = unset_to_none(sent.placement)
    return Destination(
        path,
        _read_id(sent.list_id, problems, *path, "listId"),
        _read_id(sent.section_id, problems, *path, "sectionId"),
        _read_id(sent.parent_id, problems, *path, "parentId"),
        read_placement(placement, problems, *path, "place") if placement else None,
    )


def _read_id(sent: Some[ID | None] | None, problems: list[UserError], *path: str) -> Sent:
    if sent is None or sent.value is None:
        return Some(None) if sent else None
    id = parse_id(sent.value)
    if id is None:
        problems.append(not_found(*path))
    return Some(id)


async def owner_of_destination(viewer: Viewer, to: Destination | None) -> UUID | None:
    """The owner of the list or parent that a destination names, the viewer for the inbox; None if it names none."""
    if to and to.list_id:
        return await owner_of_list(viewer, to.list_id.value)
    if to and to.parent_id and to.parent_id.value:
        return await owner_of_todo(viewer, to.parent_id.value)
    return None


async def surroundings_of(write: OwnerWrite, destinations: Iterable[Destination]) -> Surroundings:
    """What the destinations name, as far as it is there; `OwnerChanged` if that is of another owner by now."""
    destinations = list(destinations)
    placements = [one.placement for one in destinations if one.placement]
    lists = [one.list_id.value for one in destinations if one.list_id]
    parents = [one.parent_id.value for one in destinations if one.parent_id]
    around = await Surroundings.load(
        write,
        lists=lists,
        sections=(one.section_id.value for one in destinations if one.section_id),
        parents=parents,
        anchors=(placement.anchor_id for placement in placements),
    )
    await write.check_owners(OWNERS_OF_LISTS, (id for id in lists if not around.is_there(id)))
    await write.check_owners(OWNERS_OF_TODOS, (id for id in parents if id not in around.parents))
    return around


def target_of(
    destination: Destination, around: Surroundings, todo: TodoState | None
) -> Target | UserError:
    """What a destination comes to for a todo, or for a new one; or why it can't stand there."""
    to, current = destination, todo or NOWHERE
    parent_id = to.parent_id.value if to.parent_id else None
    parent = around.parents.get(parent_id) if parent_id else None
    if parent_id and parent is None:
        return to.error("parentId")
    if to.list_id:
        list_id = to.list_id.value
        if not around.is_there(list_id):
            return to.error("listId")
        if parent and parent.list_id != list_id:
            return to.error("parentId")
    else:
        list_id = parent.list_id if parent else current.list_id
    stays = list_id == current.list_id
    if not to.parent_id and stays:
        parent_id = current.parent_id
    if to.section_id:
        section_id = to.section_id.value
        if section_id and around.sections.get(section_id, NO_SECTION) != list_id:
            return to.error("sectionId")
    else:
        section_id = current.section_id if stays else None
    if not around.may_write(list_id):
        return not_allowed(ListRole.EDITOR, *to.path, "listId" if to.list_id else "parentId")
    return _anchor_error(to, around, list_id) or Target(list_id, section_id, parent_id)


def no_list_error(write: OwnerWrite, *path: str) -> UserError | None:
    """Why a new todo can't stand in the inbox, where it is without a destination, at the path of its input."""
    if write.sees(None):
        return None
    message = "Your API token is bound to lists: name one of them in listId."
    return invalid(ErrorCode.REQUIRED, message, *path, "to")


def _anchor_error(to: Destination, around: Surroundings, list_id: UUID | None) -> UserError | None:
    placement = to.placement
    if placement is None or placement.anchor_id is None:
        return None
    if around.anchors.get(placement.anchor_id, NO_SECTION) == list_id:
        return None
    return to.error("place", placement.edge)


def join(
    destination: Destination,
    around: Surroundings,
    before: Target,
    after: Target,
    subtree: "Subtree",
) -> UserError | None:
    """Count a todo with its subtasks where it is to stand; or why there is no room for it.

    Raises nothing: a parent that is the todo itself, or below it, is an error, too.
    """
    to, parent_id = destination, after.parent_id
    if parent_id and parent_id != before.parent_id:
        if subtree.id in around.parents[parent_id].line:
            message = "A todo can't be a subtask of itself, or of what is below it."
            return invalid(ErrorCode.INVALID, message, *to.path, "parentId")
        if problem := around.add_subtask(parent_id, subtree.height):
            return invalid(*problem, *to.path, "parentId")
    if after.list_id != before.list_id and (
        problem := around.add_open(after.list_id, subtree.open_count)
    ):
        return invalid(*problem, *to.path, "listId" if to.list_id else "parentId")
    return None


class Subtree(NamedTuple):
    """A todo with its subtasks: how deep they are nested, and how many of them all are open."""

    id: UUID
    height: int
    open_count: int


NOWHERE: Final = Target(None, None, None)
NO_SECTION: Final = UUID(int=0)
