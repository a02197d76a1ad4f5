"""The log of slow operations, with the plans that PostgreSQL has for their statements."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

import asyncpg

from todo_gql import db
from todo_gql.telemetry.observation import Observation

logger = logging.getLogger(__name__)

# GENERIC_PLAN, which needs no values, came with this version.
EXPLAINING_VERSION: Final = 16
MOST_EXPLAINED: Final = 10
PLANNED: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE")


class SlowOperations:
    """Logs operations that took `milliseconds` or longer."""

    def __init__(self, milliseconds: int) -> None:
        self.seconds = milliseconds / 1000
        self._telling: asyncio.Task[None] | None = None

    def tell(self, observation: Observation, seconds: float) -> None:
        """Log an operation, with plans unless another one's are just being asked for."""
        statements = list(dict.fromkeys(observation.statements or ()))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(_log_with_plans(observation, seconds, statements))
        else:
            _log(observation, seconds, [{"statement": text} for text in statements])


def _log(observation: Observation, seconds: float, statements: list[dict[str, str]]) -> None:
    logger.warning(
        "slow operation",
        extra={
            "type": observation.type,
            "duration_ms": round(seconds * 1000, 2),
            "cost": observation.cost,
            "batches": [f"{loader}: {size}" for loader, size in observation.batches],
            "statement_count": len(observation.statements or ()),
            "statements": statements,
        },
    )


async def _log_with_plans(observation: Observation, seconds: float, statements: list[str]) -> None:
    plans: dict[str, str] = {}
    # A plan that can't be had is no reason to say nothing.
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        await _explain([text for text in statements if text.lstrip().startswith(PLANNED)], plans)
    _log(
        observation,
        seconds,
        [
            {"statement": text, "plan": plans[text]} if text in plans else {"statement": text}
            for text in statements
        ],
    )


async def _explain(statements: list[str], plans: dict[str, str]) -> None:
    """Put the plans of statements, which aren't executed, behind their texts."""
    async with db.connection() as connection:
        if connection.get_server_version().major < EXPLAINING_VERSION:
            return
        for text in statements[:MOST_EXPLAINED]:
            explaining = await connection.prepare(f"EXPLAIN (GENERIC_PLAN) {text}")
            # The server wants a value for each parameter, and looks at none.
            rows = await explaining.fetch(*[None] * len(explaining.get_parameters()))
            plans[text] = "\n".join(row[0] for row in rows)
