"""The Node interface and the reading of ids."""

from uuid import UUID

import strawberry


@strawberry.interface(description="Anything with an id of its own, to be had by `node(id)`.")
class Node:
    """What every object with an id has in common."""

    id: strawberry.ID = strawberry.field(description="A UUID in canonical text form.")


def parse_id(text: str) -> UUID | None:
    """The UUID that `text` is in canonical form, in any letter case; None for anything else."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None
