"""Embedded databases of before 2026-12, whose character type doesn't know letters, change on a start."""

import asyncio
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.support.waiting import until
from todo_gql.embedded_postgres import cluster, letters
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres, running_url
from todo_gql.embedded_postgres.processes import running_postgres

pytestmark = pytest.mark.own_schema

ROWS = 20_000
FILL = f"""
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gin;
CREATE TABLE texts (owner int, text text);
INSERT INTO texts SELECT n % 7, 'слово номер ' || n FROM generate_series(1, {ROWS}) AS n;
CREATE INDEX texts_by_text ON texts USING gin (owner, lower(text) gin_trgm_ops);
CREATE INDEX texts_by_owner ON texts (owner)
"""
START = """
import sys
from pathlib import Path
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
EmbeddedPostgres(Path(sys.argv[1])).start()
print("started", flush=True)
sys.stdin.read()
"""
STATE = """
SELECT (SELECT datctype FROM pg_database WHERE datname = current_database()) AS ctype,
    cardinality(show_trgm('слово')) AS trigrams, (SELECT count(*) FROM texts) AS rows,
    (SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes
        WHERE tablename = 'texts') AS indexes,
    to_regclass('indexes_to_create') IS NULL AS is_complete
"""
FOUND = "SELECT count(*) FROM texts WHERE owner = 3 AND lower(text) LIKE '%слово номер 1234%'"
NUMBER_FOUND = sum(n % 7 == 3 for n in range(1, ROWS + 1) if str(n).startswith("1234"))
INDEXES = "texts_by_owner texts_by_text"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an embedded database with the character type C, and texts."""
    data_dir = tmp_path_factory.mktemp("old") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters, "CHARACTER_TYPES", ())
        with EmbeddedPostgres(data_dir) as url:
            asyncio.run(run(url, FILL))
            state, _ = asyncio.run(state_of(url))
    assert (state["ctype"], state["trigrams"], state["rows"]) == ("C", 0, ROWS)
    return data_dir


@pytest.fixture
def old(template: Path, tmp_path: Path) -> Path:
    """A copy of the folder."""
    subprocess.run(["/bin/cp", "-a", template, tmp_path], check=True)
    return tmp_path / "data"


async def run(url: str, script: str) -> None:
    """Run a script in a session of its own."""
    connection = await asyncpg.connect(url)
    await connection.execute(script)
    await connection.close()


async def state_of(url: str) -> tuple[asyncpg.Record, tuple[int, str]]:
    """The state of a database, and what an index scan finds."""
    connection = await asyncpg.connect(url)
    state = await connection.fetchrow(STATE)
    await connection.execute("SET enable_seqscan = off; ANALYZE texts")
    found = await connection.fetchval(FOUND)
    plan = "".join(row[0] for row in await connection.fetch(f"EXPLAIN {FOUND}"))
    await connection.close()
    assert state is not None
    return state, (found, plan)


def assert_knows_letters(url: str) -> None:
    """All rows are there, their index was created again, and words are found by it."""
    state, (found, plan) = asyncio.run(state_of(url))
    assert dict(state) == {
        "ctype": letters.character_type(),
        "trigrams": 6,
        "rows": ROWS,
        "indexes": INDEXES,
        "is_complete": True,
    }
    assert found == NUMBER_FOUND
    assert "texts_by_text" in plan


def test_a_start_changes_the_character_type(old: Path) -> None:
    """The database knows letters after a start, and another start changes nothing."""
    for _ in range(2):
        with EmbeddedPostgres(old) as url:
            assert_knows_letters(url)


def test_without_a_locale_or_room_it_goes_on(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database stays as it is while the machine has no such locale, or the disk no room."""
    for module, name, value in (
        (letters, "CHARACTER_TYPES", ()),
        (cluster, "has_room", lambda _: False),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            with EmbeddedPostgres(old) as url:
                state, _ = asyncio.run(state_of(url))
        assert (state["ctype"], state["rows"], state["indexes"]) == ("C", ROWS, INDEXES)


def test_a_session_that_is_connected_meanwhile_is_ended(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that shares the database doesn't go on with the old character type."""
    late = cluster.CREATE_DATABASE + "\nSELECT pg_sleep(1);"
    monkeypatch.setattr(cluster, "CREATE_DATABASE", late)

    async def stay_connected() -> None:
        await until(lambda: running_url(old) is not None)
        connection = await asyncpg.connect(running_url(old))
        await until(connection.is_closed)

    postgres = EmbeddedPostgres(old)
    with ThreadPoolExecutor() as threads:
        connected = threads.submit(asyncio.run, stay_connected())
        try:
            url = postgres.start()
            connected.result()
            assert_knows_letters(url)
        finally:
            postgres.stop()


def test_an_end_before_the_indexes_are_there_is_made_good(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searches find the same without an index between the two transactions; a start creates it."""
    first_half, _, _ = letters.CHANGE_CHARACTER_TYPE.partition("SELECT pg_terminate_backend")
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "CHANGE_CHARACTER_TYPE", first_half + "\\endif\n")
        with EmbeddedPostgres(old) as url:
            state, (found, _) = asyncio.run(state_of(url))
    assert (state["indexes"], state["rows"], state["is_complete"]) == (
        "texts_by_owner",
        ROWS,
        False,
    )
    assert found == NUMBER_FOUND
    with EmbeddedPostgres(old) as url:
        assert_knows_letters(url)


@pytest.mark.parametrize("moment", range(3))
def test_a_kill_in_the_middle_loses_nothing(old: Path, moment: int) -> None:
    """Whenever starter and PostgreSQL are killed, the next start completes the change."""
    starter = subprocess.Popen(
        [sys.executable, "-c", START, str(old)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    log = old / "postgres.log"
    ready = log.read_text().count("ready to accept connections")
    asyncio.run(until(lambda: log.read_text().count("ready to accept connections") > ready))
    time.sleep(0.06 * moment)
    starter.kill()
    pid = int((old / "postgres/postmaster.pid").read_text().split()[0])
    for process in running_postgres():
        with suppress(psutil.NoSuchProcess):
            if pid in (process.pid, process.ppid()):
                process.kill()
    starter.communicate()
    with EmbeddedPostgres(old) as url:
        assert_knows_letters(url)
