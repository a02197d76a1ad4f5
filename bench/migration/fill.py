"""Fills a database of the previous release; run by that release's Python, in its folder."""

import asyncio
import sys

import asyncpg

from bench.data import FILL, owner_id
from todo_gql.database import migrations
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.settings import Settings

TODOS = 200
# Rows are inserted several times faster without them, and the indexes are smaller afterwards.
INDEXES = """
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i WHERE i.indrelid IN ('todos'::regclass, 'changes'::regclass, 'todo_tags'::regclass)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
"""


async def fill(url: str, owners: int, many: int) -> None:
    """Create the tables, and the rows of so many owners and of one with so many todos."""
    await connect(url, Settings(_env_file=None))
    await migrations.migrate()
    await disconnect()
    connection = await asyncpg.connect(url)
    await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '256MB'")
    indexes = await connection.fetch(INDEXES)
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    numbers = [TODOS] * owners + [many]
    ids = [owner_id(number) for number in range(len(numbers))]
    for statement in FILL:
        await connection.execute(statement, ids, numbers)
    for index in indexes:
        await connection.execute(index["definition"])
    await connection.execute("ALTER INDEX todos_by_text ALTER COLUMN 2 SET STATISTICS 1000")
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
