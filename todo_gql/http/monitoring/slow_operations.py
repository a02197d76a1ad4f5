"""The log of slow operations, with the plans that PostgreSQL has for their statements."""

import asyncio
import logging
import re
from contextlib import suppress
from typing import Final

import asyncpg

from todo_gql.database.connection import transaction
from todo_gql.observability.request_record import RequestRecord

logger = logging.getLogger(__name__)

MOST_EXPLAINED: Final = 10
_PLACEHOLDER: Final = re.compile(r"\$(\d+)")
PLANNED: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE")


class SlowOperations:
    """Logs operations that took `milliseconds` or longer."""

    def __init__(self, milliseconds: int) -> None:
        self.seconds = milliseconds / 1000
        self._telling: asyncio.Task[None] | None = None

    def tell(self, observation: RequestRecord, seconds: float) -> None:
        """Log an operation, with plans unless another one's are just being asked for."""
        facts = {
            "type": observation.type,
            "duration_ms": round(seconds * 1000, 2),
            "cost": observation.cost,
            "batches": [f"{loader}: {size}" for loader, size in observation.batches or ()],
            "statement_count": len(observation.statements or ()),
        }
        statements = list(dict.fromkeys(observation.statements or ()))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(_log_with_plans(facts, statements))
        else:
            _log(facts, statements, {})


def _log(facts: dict[str, object], statements: list[str], plans: dict[str, str]) -> None:
    shown = [
        {"statement": text, "plan": plans[text]} if text in plans else {"statement": text}
        for text in statements
    ]
    logger.warning("slow operation", extra={**facts, "statements": shown})


async def _log_with_plans(facts: dict[str, object], statements: list[str]) -> None:
    plans: dict[str, str] = {}
    # A plan that can't be had is no reason to say nothing.
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        await _explain([text for text in statements if text.lstrip().startswith(PLANNED)], plans)
    _log(facts, statements, plans)


async def _explain(statements: list[str], plans: dict[str, str]) -> None:
    """Put the generic plans of statements, which aren't executed, behind their texts.

    With plan_cache_mode PostgreSQL looks at none of the values, so that null will do for each.
    """
    async with transaction() as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for text in statements[:MOST_EXPLAINED]:
            numbers = [int(number) for number in _PLACEHOLDER.findall(text)]
            values = f"({', '.join(['NULL'] * max(numbers))})" if numbers else ""
            await connection.execute(f"PREPARE explained AS {text}")
            try:
                async with connection.transaction():
                    rows = await connection.fetch(f"EXPLAIN EXECUTE explained{values}")
            finally:
                await connection.execute("DEALLOCATE explained")
            plans[text] = "\n".join(row[0] for row in rows)
