"""Notifying all processes that an inbox has new entries, on the channel of the change logs."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from todo_gql.changelog import feed_registry

# Flips bits of an owner's id, so that the owner's change log and inbox have different topics.
INBOX_BITS: Final = UUID("0b5ad7c2-6f31-49d8-a7e4-91c03be65d17").int


def topic_of(owner_id: UUID) -> UUID:
    """What stands for an owner's inbox on the channel; the owner's own id stands for the log."""
    return UUID(int=owner_id.int ^ INBOX_BITS)


def announce(owner_ids: Iterable[UUID]) -> None:
    """Notify all processes that these inboxes have changed; for after the commit."""
    for owner_id in owner_ids:
        feed_registry.announce(topic_of(owner_id))
