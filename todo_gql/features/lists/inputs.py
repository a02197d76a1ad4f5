"""What clients send about lists."""

import re
from datetime import datetime
from typing import Any, Final

import strawberry
from strawberry import Maybe

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.placement import PlacementInput
from todo_gql.features.members.enums import ListNotifyLevel
from todo_gql.features.todos.comparators import optional
from todo_gql.features.todos.fields import MAX_DESCRIPTION
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.todos.validators import text

MAX_NAME: Final = 120
COLOR: Final = re.compile("#[0-9a-fA-F]{6}")

read_name = text(shortest=1, longest=MAX_NAME)
read_description = text(longest=MAX_DESCRIPTION, multiline=True, as_typed=True)


@strawberry.input(description="A list to be made; null is the same as absent.")
class ListCreateInput:
    """The values of a new list."""

    name: str = strawberry.field(description="1 to 120 characters.")
    id: strawberry.ID | None = optional(
        "A UUID made by the client, so that a retry creates nothing twice. It is good once, though its "
        "list be purged."
    )
    description: str | None = optional("Up to 5,000 characters.")
    color: str | None = optional("As #RRGGBB.")
    placement: PlacementInput | None = optional(
        "Where among the lists; behind all others if absent.", "place"
    )


@strawberry.input(description="What to change: absent leaves as it is, null clears.")
class ListUpdateInput:
    """The new values of a list."""

    name: Maybe[str | None] = strawberry.field(description="1 to 120 characters.")
    description: Maybe[str | None] = strawberry.field(description="Up to 5,000 characters.")
    color: Maybe[str | None] = strawberry.field(description="As #RRGGBB.")
    is_archived: Maybe[bool | None] = strawberry.field(description="Whether it is archived.")
    notify: Maybe[ListNotifyLevel | None] = strawberry.field(
        description="Which of its events the viewer is notified of: their own setting, which every member "
        "has. It is no change of the list. Not null."
    )

    @property
    def changes_list(self) -> bool:
        """Whether anything is sent that all members see."""
        return bool(self.name or self.description or self.color or self.is_archived)


def read_color(value: str, problems: list[UserError], *path: str) -> str:
    """A colour in lower case; a problem for anything else."""
    if not COLOR.fullmatch(value):
        problems.append(invalid(ErrorCode.INVALID, "A color such as #1e90ff.", *path))
    return value.lower()


READERS: Final = {"name": read_name, "description": read_description, "color": read_color}
CLEARABLE: Final = frozenset({"description", "color"})


def read_create(sent: ListCreateInput) -> tuple[dict[str, Any], list[UserError]]:
    """The values of a new list by column, and their problems."""
    problems: list[UserError] = []
    values: dict[str, Any] = {}
    for name, read in READERS.items():
        value = unset_to_none(getattr(sent, name))
        values[name] = None if value is None else read(value, problems, "input", name)
    return values, problems


def read_update(
    sent: ListUpdateInput, archived_at: datetime | None, now: datetime
) -> tuple[dict[str, Any], list[UserError]]:
    """The new values of a list by column, and their problems; `archived_at` is its old value."""
    problems: list[UserError] = []
    values: dict[str, Any] = {}
    for name, read in READERS.items():
        if (some := getattr(sent, name)) is None:
            continue
        if some.value is None:
            values[name] = None
            if name not in CLEARABLE:
                problems.append(required(name, "input"))
        else:
            values[name] = read(some.value, problems, "input", name)
    if (archived := sent.is_archived) is not None:
        if archived.value is None:
            problems.append(required("isArchived", "input"))
        values["archived_at"] = (archived_at or now) if archived.value else None
    if sent.notify is not None and sent.notify.value is None:
        problems.append(required("notify", "input"))
    return values, problems


def required(name: str, *path: str) -> UserError:
    """The error for null where something must be, at the path of what holds the name."""
    message = f"{name} can't be null; leave it out to leave it unchanged."
    return invalid(ErrorCode.REQUIRED, message, *path, name)
