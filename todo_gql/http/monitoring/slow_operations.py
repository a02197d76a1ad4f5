"""The log of slow operations, with PostgreSQL's plans for their statements."""

import asyncio
import logging
import re
from contextlib import suppress
from typing import Final

import asyncpg

from todo_gql.database.connection import transaction
from todo_gql.observability.request_record import RequestRecord

logger = logging.getLogger(__name__)

MAX_EXPLAINED: Final = 10
_PLACEHOLDER: Final = re.compile(r"\$(\d+)")
PLANNED: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE")


class SlowOperations:
    """Logs operations that took `milliseconds` or longer."""

    def __init__(self, milliseconds: int) -> None:
        self.seconds = milliseconds / 1000
        self._logging: asyncio.Task[None] | None = None

    def log(self, record: RequestRecord, seconds: float) -> None:
        """Log an operation and its duration, with plans unless another one's are being fetched."""
        fields = {
            "type": record.type,
            "duration_ms": round(seconds * 1000, 2),
            "cost": record.cost,
            "batches": [f"{loader}: {size}" for loader, size in record.batches or ()],
            "statement_count": len(record.statements or ()),
        }
        statements = list(dict.fromkeys(record.statements or ()))
        if self._logging is None or self._logging.done():
            self._logging = asyncio.create_task(_log_with_plans(fields, statements))
        else:
            _log(fields, statements, {})


def _log(fields: dict[str, object], statements: list[str], plans: dict[str, str]) -> None:
    shown = [
        {"statement": text, "plan": plans[text]} if text in plans else {"statement": text}
        for text in statements
    ]
    logger.warning("slow operation", extra={**fields, "statements": shown})


async def _log_with_plans(fields: dict[str, object], statements: list[str]) -> None:
    plans: dict[str, str] = {}
    # Without its plans the operation is logged all the same.
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        await _explain([text for text in statements if text.lstrip().startswith(PLANNED)], plans)
    _log(fields, statements, plans)


async def _explain(statements: list[str], plans: dict[str, str]) -> None:
    """Add the generic plans of statements to `plans`, by their texts; none of them is executed.

    A generic plan (plan_cache_mode) doesn't depend on the values, so null is passed for each.
    """
    async with transaction() as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for text in statements[:MAX_EXPLAINED]:
            numbers = [int(number) for number in _PLACEHOLDER.findall(text)]
            values = f"({', '.join(['NULL'] * max(numbers))})" if numbers else ""
            await connection.execute(f"PREPARE explained AS {text}")
            try:
                async with connection.transaction():
                    rows = await connection.fetch(f"EXPLAIN EXECUTE explained{values}")
            finally:
                await connection.execute("DEALLOCATE explained")
            plans[text] = "\n".join(row[0] for row in rows)
