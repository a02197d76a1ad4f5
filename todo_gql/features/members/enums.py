"""The levels of notification of a list as the schema shows them."""

from enum import Enum

import strawberry

from todo_gql.database import models


@strawberry.enum(description="Which events of a list a member is notified of.")
class ListNotifyLevel(Enum):
    """The model's levels; their values are those of the database."""

    ALL = strawberry.enum_value(
        models.ListNotifyLevel.ALL.value, description="All that the kinds of notifications name."
    )
    MINE = strawberry.enum_value(
        models.ListNotifyLevel.MINE.value,
        description="What is assigned to them, mentions them or answers them.",
    )
    NONE = strawberry.enum_value(models.ListNotifyLevel.NONE.value, description="Nothing.")


LEVELS = tuple(ListNotifyLevel)
"""The levels by their values in the database."""
