"""The Node interface and the reading of ids."""

from typing import Final
from uuid import UUID

import strawberry
from asyncpg.pgproto import pgproto

ID_LENGTH: Final = 36


@strawberry.interface(description="Anything with an id of its own, to be had by `node(id)`.")
class Node:
    """The interface of objects with a global id (Relay's Node)."""

    id: strawberry.ID = strawberry.field(description="A UUID in canonical text form.")


def parse_id(text: str) -> UUID | None:
    """Parse a UUID in canonical form, in any letter case; None for any other text."""
    if len(text) != ID_LENGTH:
        return None
    try:
        # A subclass of Python's UUID; parsing, printing and comparing are ten times as fast.
        parsed = pgproto.UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None
