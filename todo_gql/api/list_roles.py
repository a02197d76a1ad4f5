"""What people may do in a list, as the schema shows it."""

from enum import Enum

import strawberry

from todo_gql.database import models


@strawberry.enum(description="What somebody may do in a list, each all that those before it may.")
class ListRole(Enum):
    """The model's roles, from the least to the most; their values are those of the database."""

    VIEWER = strawberry.enum_value(
        models.ListRole.VIEWER.value, description="Read it, with its members and comments."
    )
    EDITOR = strawberry.enum_value(
        models.ListRole.EDITOR.value, description="Write and assign its todos, and comment on them."
    )
    MANAGER = strawberry.enum_value(
        models.ListRole.MANAGER.value,
        description="Change the list and its sections, and who is in it.",
    )
    OWNER = strawberry.enum_value(
        models.ListRole.OWNER.value, description="Delete it, or transfer it to another member."
    )


ROLES = tuple(ListRole)
"""The roles by their values in the database."""
