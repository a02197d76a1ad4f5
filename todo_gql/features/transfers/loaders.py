"""The batch functions that load the problems of imports."""

from typing import Final
from uuid import UUID

from todo_gql.api.connections import Page, ParentPage, fetch_parent_pages
from todo_gql.api.keyset import Keyset, SortKey, parse_number
from todo_gql.database.connection import fetch
from todo_gql.database.models import ImportProblem
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext
from todo_gql.security.access import columns, owned

PROBLEM_COLUMNS: Final = columns(ImportProblem, "p", without=frozenset({"number"}))
# In pages of many imports, `number` is that of the import.
IN_ORDER: Final = Keyset(
    SortKey("number", "p.number", "problem_number", parse_number, extra="p.number")
)


@loader
async def problem_pages_by_job_id(context: LoaderContext, keys: list[ParentPage]) -> list[Page]:
    """A page of the problems of each of the viewer's imports, in their order."""
    statement = owned("import_problems p", "p", context.viewer.id)
    return await fetch_parent_pages(statement, "p.job_id", keys, PROBLEM_COLUMNS, IN_ORDER)


@loader
async def problem_counts_by_job_id(context: LoaderContext, ids: list[UUID]) -> list[int]:
    """How many problems each of the viewer's imports has."""
    statement = owned("import_problems p", "p", context.viewer.id).where_one_of("p.job_id", ids)
    text = statement.select(["p.job_id", "count(*) AS number"])
    rows = await fetch(f"{text} GROUP BY p.job_id", *statement.values)
    numbers = {row["job_id"]: row["number"] for row in rows}
    return [numbers.get(id, 0) for id in ids]
