"""A clock of operations that tests set."""

from datetime import datetime, tzinfo
from typing import Self

import pytest

CLOCKS = (
    "todo_gql.operation.context.datetime",
    "todo_gql.features.changes.filter_matching.datetime",
)


class Clock:
    """What time operations and events of subscriptions take it to be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def set(self, moment: str) -> datetime:
        """Let it be this moment, in ISO 8601 with an offset, until it is set again."""
        now = datetime.fromisoformat(moment)

        class Stopped(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return now.astimezone(tz)  # type: ignore[return-value]

        for name in CLOCKS:
            self.monkeypatch.setattr(name, Stopped)
        return now
