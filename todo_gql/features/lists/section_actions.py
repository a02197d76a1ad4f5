"""Changes of one section under its owner's lock."""

from typing import Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found, version_errors
from todo_gql.api.node import parse_id
from todo_gql.api.placement import LAST, PlacementInput, Sibling, read_placement
from todo_gql.database.connection import Row
from todo_gql.database.models import EntityAction, ListRole
from todo_gql.database.retry import retried
from todo_gql.features.lists.bulk_changes import leave_section
from todo_gql.features.lists.entities import (
    SECTIONS,
    insert,
    load_list,
    load_section,
    position_at,
    siblings_of,
    update,
)
from todo_gql.features.lists.inputs import read_name, required
from todo_gql.features.lists.payloads import SectionPayload
from todo_gql.features.todos.owners import owner_of_list, owner_of_section
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.types import Section
from todo_gql.features.todos.viewer_writes import viewer_write
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.operation.context import Context
from todo_gql.security.sliding_window import COST
from todo_gql.settings import Settings

MAX_SECTIONS: Final = 100
COUNT_SECTIONS = """
SELECT count(*) FROM sections WHERE owner_id = $1 AND list_id = $2 AND deleted_at IS NULL
"""


@retried
async def create_section(
    context: Context, list_id: str, name: str, sent: PlacementInput | None
) -> SectionPayload:
    """Create a section of a list.

    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    id, viewer = parse_id(list_id), context.signed_in()
    owner_id = await owner_of_list(viewer, id)
    problems: list[UserError] = []
    name = read_name(name, problems, "name")
    placement = read_placement(sent, problems, "place") if sent else LAST
    async with viewer_write(viewer, owner_id) as write:
        parent = await load_list(write, id)
        if parent and (refusal := write.refusal(id, "listId", needed=ListRole.MANAGER)):
            return SectionPayload(errors=[refusal])
        if parent is None:
            problems.insert(0, not_found("listId"))
        if problems or parent is None or placement is None:
            return SectionPayload(errors=problems)
        if problem := await _no_room(write, parent["id"], context.settings):
            return SectionPayload(errors=[invalid(*problem, "listId")])
        siblings, section_id = siblings_of(write, SECTIONS, parent["id"]), uuid7()
        moved = Sibling(section_id)
        key = await position_at(write, SECTIONS, siblings, placement, moved, "place")
        if isinstance(key, UserError):
            write.discard()
            return SectionPayload(errors=[key])
        values = {"id": section_id, "list_id": parent["id"], "name": name, "position": key}
        row = await insert(write, SECTIONS, values)
        assert row is not None
        await write.store()
    context.clear_loaders()
    return SectionPayload(section=Section.from_row(row), first_change=write.first_change)


async def _no_room(
    write: OwnerWrite, list_id: UUID, settings: Settings
) -> tuple[ErrorCode, str] | None:
    """The problem if a list can't have one more section."""
    if await write.connection.fetchval(COUNT_SECTIONS, write.owner_id, list_id) >= MAX_SECTIONS:
        message = f"The list has {MAX_SECTIONS} sections, and more are not allowed."
        return ErrorCode.TOO_MANY, message
    return write.storage.full_problem(Quota.of(settings))


@retried
async def update_section(
    context: Context,
    id: str,
    changes: dict[str, Any],
    expected_version: int | None,
) -> SectionPayload:
    """Change the `name` or the `placement` of a section; both as they were sent, if they were.

    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    section_id, viewer = parse_id(id), context.signed_in()
    owner_id = await owner_of_section(viewer, section_id)
    values, placement, problems = _read_update(changes)
    async with viewer_write(viewer, owner_id) as write:
        stored = await load_section(write, section_id)
        if stored and (refused := _refused(write, stored)):
            return refused
        errors = [*_precondition_errors(stored, expected_version), *problems]
        if errors or stored is None:
            return SectionPayload(errors=errors)
        if placement:
            siblings = siblings_of(write, SECTIONS, stored["list_id"])
            moved = Sibling(stored["id"], stored["position"])
            key = await position_at(write, SECTIONS, siblings, placement, moved, "place")
            if isinstance(key, UserError):
                write.discard()
                return SectionPayload(section=Section.from_row(stored), errors=[key])
            values["position"] = key
        # To make room for a placement, it may have got another key meanwhile.
        current = await load_section(write, section_id) if placement else stored
        assert current is not None
        row = await update(write, SECTIONS, current, values)
        full = write.storage.full_problem(Quota.of(context.settings))
        if full and row is not current:
            write.discard()
            return SectionPayload(section=Section.from_row(stored), errors=[invalid(*full, "id")])
        await write.store()
    context.clear_loaders()
    return SectionPayload(section=Section.from_row(row), first_change=write.first_change)


def _refused(write: OwnerWrite, stored: Row) -> SectionPayload | None:
    """The answer to an actor whose role in the section's list is too little."""
    refusal = write.refusal(stored["list_id"], "id", needed=ListRole.MANAGER)
    return SectionPayload(section=Section.from_row(stored), errors=[refusal]) if refusal else None


def _read_update(changes: dict[str, Any]) -> tuple[dict[str, Any], Any, list[UserError]]:
    """The new values by column, where to move it if anywhere, and the problems."""
    problems: list[UserError] = []
    values: dict[str, Any] = {}
    if "name" in changes:
        if changes["name"] is None:
            problems.append(required("name"))
        else:
            values["name"] = read_name(changes["name"], problems, "name")
    sent_placement = changes.get("placement")
    placement = read_placement(sent_placement, problems, "place") if sent_placement else None
    return values, placement, problems


def _precondition_errors(stored: Row | None, expected_version: int | None) -> list[UserError]:
    if stored is None:
        return [not_found("id")]
    return version_errors(
        "section", stored["version"], expected_version, lambda: Section.from_row(stored)
    )


@retried
async def delete_section(context: Context, id: str) -> SectionPayload:
    """Delete a section; its todos stay in the list, in no section.

    The viewer is the actor, and is charged for the todos. `Unauthenticated` if nobody is signed in.
    """
    section_id, viewer = parse_id(id), context.signed_in()
    owner_id = await owner_of_section(viewer, section_id)
    async with viewer_write(viewer, owner_id) as write:
        stored = await load_section(write, section_id)
        if stored is None:
            return SectionPayload(errors=[not_found("id")])
        if refused := _refused(write, stored):
            return refused
        values = {"deleted_at": write.now}
        row = await update(write, SECTIONS, stored, values, EntityAction.DELETED)
        await write.store()
        changed = await leave_section(write, stored["list_id"], stored["id"])
    # Their number is known only now; each costs as much as an item of a bulk action.
    context.limits.charge(viewer.caller, COST, changed)
    context.clear_loaders()
    return SectionPayload(section=Section.from_row(row), first_change=write.first_change)
