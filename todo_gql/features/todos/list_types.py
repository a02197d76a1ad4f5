"""What people may do in a list, as the schema shows it."""

from enum import Enum

import strawberry


@strawberry.enum(description="What somebody may do in a list, each all that those before it may.")
class ListRole(Enum):
    """From the least to the most."""

    VIEWER = strawberry.enum_value("VIEWER", description="Read it.")
    EDITOR = strawberry.enum_value("EDITOR", description="Write its todos.")
    MANAGER = strawberry.enum_value("MANAGER", description="Change the list and its sections.")
    OWNER = strawberry.enum_value("OWNER", description="Delete it.")
