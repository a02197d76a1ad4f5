"""Databases whose character type doesn't know letters, and what `migrate` says of them."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from tests.support.processes import CommandLine, clean_environment, command_line
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

LIBC, BUILTIN = "LOCALE_PROVIDER libc", "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
UNFIT = {
    "libc": f"ENCODING 'UTF8' {LIBC} LC_COLLATE 'C' LC_CTYPE 'C'",
    "builtin": f"ENCODING 'UTF8' {BUILTIN} LC_COLLATE 'C' LC_CTYPE 'C'",
    "Latin 1": f"ENCODING 'LATIN1' {LIBC} LC_COLLATE 'C' LC_CTYPE 'C'",
    "ASCII": f"ENCODING 'SQL_ASCII' {LIBC} LC_COLLATE 'C' LC_CTYPE 'C'",
}
FIT = {
    "libc": f"ENCODING 'UTF8' {LIBC} LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'",
    "builtin": f"ENCODING 'UTF8' {BUILTIN} LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'",
}


@pytest.fixture(scope="module")
def typing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Command lines with no settings."""
    with command_line(tmp_path_factory.mktemp("somewhere"), clean_environment()) as place:
        yield place


@asynccontextmanager
async def database(server_url: str, options: str) -> AsyncIterator[str]:
    """A database with these options, dropped in the end, with what its renaming has left."""
    name = f'letters "{uuid4().hex[:8]}'
    quoted = '"' + name.replace('"', '""') + '"'
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"CREATE DATABASE {quoted} TEMPLATE template0 {options}")
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{quote(name)}"))
    finally:
        for one in (quoted, quoted[:-1] + '_old"'):
            await connection.execute(f"DROP DATABASE IF EXISTS {one} WITH (FORCE)")
        await connection.close()


async def tables(url: str) -> int:
    """How many tables a database has."""
    connection = await asyncpg.connect(url)
    number = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return int(number)


@pytest.mark.parametrize("options", UNFIT.values(), ids=UNFIT)
async def test_a_database_that_does_not_know_letters_is_refused(
    server_url: str, typing: CommandLine, options: str
) -> None:
    """Nothing is made in it."""
    async with database(server_url, options) as url:
        answer = typing("migrate", DATABASE_URL=url)
        assert (answer.status, answer.said) == (1, "")
        assert "CREATE DATABASE" in answer.complained
        assert await tables(url) == 0


async def test_what_is_told_mends_it(server_url: str, typing: CommandLine) -> None:
    """The statements make a database of the same name that is migrated."""
    async with database(server_url, UNFIT["libc"]) as url:
        answer = typing("migrate", DATABASE_URL=url)
        statements = re.findall(r"(?m)^  (ALTER[^;]+;|CREATE[^;]+;)", answer.complained)
        assert len(statements) == 2
        connection = await asyncpg.connect(server_url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()
        assert typing("migrate", DATABASE_URL=url).status == 0
        assert await tables(url) > 0


async def test_a_server_refuses_to_migrate_such_a_database(
    server_url: str, typing: CommandLine
) -> None:
    """It tells the same, and doesn't start."""
    async with database(server_url, UNFIT["libc"]) as url:
        answer = typing("serve", "--migrate", "--port", "0", DATABASE_URL=url)
        assert (answer.status, answer.said) == (1, "")
        assert "CREATE DATABASE" in answer.complained


@pytest.mark.parametrize("options", FIT.values(), ids=FIT)
async def test_a_database_that_knows_letters_is_migrated(
    server_url: str, typing: CommandLine, options: str
) -> None:
    """Whoever provides the letters, with nothing said of them."""
    async with database(server_url, options) as url:
        answer = typing("migrate", DATABASE_URL=url)
        assert (answer.status, answer.complained) == (0, "")


async def test_a_database_with_todos_goes_on_with_a_warning(
    server_url: str, typing: CommandLine
) -> None:
    """One that was migrated before goes on, and every command warns, `migrate` with statements."""
    async with database(server_url, FIT["libc"]) as url:
        assert typing("migrate", DATABASE_URL=url).status == 0
        connection = await asyncpg.connect(server_url)
        await connection.execute(
            "UPDATE pg_database SET datctype = 'C', datcollate = 'C' WHERE datname = $1",
            unquote(urlsplit(url).path[1:]),
        )
        await connection.close()
        answer = typing("migrate", DATABASE_URL=url)
        assert (answer.status, answer.said) == (0, "Nothing to apply.\n")
        assert answer.complained.startswith("Warning: The database ")
        assert "CREATE DATABASE" in answer.complained
        answer = typing("jobs", "failed", DATABASE_URL=url)
        assert answer.said == "No job has failed for good.\n"
        assert answer.complained.startswith("Warning: The database ")
        assert answer.complained.endswith(": todo-gql migrate\n")


async def test_the_embedded_database_knows_letters(tmp_path: Path) -> None:
    """A new one folds them, and finds words in them by their trigrams."""
    with EmbeddedPostgres(tmp_path, durable=False) as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE EXTENSION pg_trgm")
        known = await connection.fetchval(
            "SELECT lower('ÄЖ') = 'äж' AND cardinality(show_trgm('слово')) > 5"
        )
        await connection.close()
    assert known
