"""The SQL that a test's own code sends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest
from asyncpg import Connection


@dataclass
class Statements:
    """The statements that were sent to PostgreSQL."""

    texts: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)


_is_recording: ContextVar[bool] = ContextVar("_is_recording", default=False)


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """Record the statements that the block sends, and none of tasks that ran before."""
    statements = Statements()

    def recorded(name: str) -> Callable[..., Any]:
        send = getattr(Connection, name)

        async def sent(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
            if _is_recording.get():
                statements.texts.append(query)
            return await send(self, query, *args, **kwargs)

        return sent

    with monkeypatch.context() as patch:
        for name in ("execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval"):
            patch.setattr(Connection, name, recorded(name))
        patch.setattr(Connection, "prepare", recorded("prepare"))
        token = _is_recording.set(True)
        try:
            yield statements
        finally:
            _is_recording.reset(token)
