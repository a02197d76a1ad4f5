"""The embedded PostgreSQL: data kept, one user at a time, recovery, no strange folder touched."""

import asyncio
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

from todo_gql.embedded_postgres import cluster as embedded
from todo_gql.embedded_postgres import processes, programs
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres, EmbeddedPostgresError

pytestmark = pytest.mark.own_schema

CHECKOUT = Path(embedded.__file__).parents[2]
IMPORTS = """
import asyncio, os, pwd, signal, sys
from pathlib import Path
import asyncpg
from todo_gql.embedded_postgres import programs
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres, EmbeddedPostgresError

async def sql(dsn, statement):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
"""
NOBODY = "nobody"
CAP_DAC_READ_SEARCH = 1 << 2

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another account")
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder that is open to everyone."""
    with tempfile.TemporaryDirectory(prefix="todo_gql-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        yield folder
        end_what_is_left(folder)


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Make one data folder for many tests, below a folder that is open to everyone."""
    with tempfile.TemporaryDirectory(prefix="todo_gql-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "data", durable=False):
            pass
        yield folder / "data"


@pytest.fixture
def data_dir(template: Path) -> Iterator[Path]:
    """Give a data folder that was in use before and isn't now."""
    yield template
    end_what_is_left(template)


def end_what_is_left(folder: Path) -> None:
    """Fail a test that leaves PostgreSQL running."""
    left = postgres_in(folder)
    for process in left:
        process.kill()
    assert left == []


def postgres_in(folder: Path) -> list[psutil.Process]:
    """List the PostgreSQL processes of every cluster in a folder."""
    clusters = [version.parent.stat() for version in folder.rglob("postgres/PG_VERSION")]
    names = [f"todo_gql-{cluster.st_dev:x}-{cluster.st_ino:016x}" for cluster in clusters]
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres"
        and any(name in " ".join(process.info["cmdline"] or ()) for name in names)
    ]


def postmaster(data_dir: Path) -> psutil.Process:
    """Find the leading process of a running cluster."""
    return psutil.Process(int((data_dir / "postgres/postmaster.pid").read_text().split()[0]))


def lives(process: psutil.Process) -> bool:
    """Tell whether a process of PostgreSQL runs; one that waits to be reaped doesn't."""
    return process.pid in {one.pid for one in processes.running_postgres()}


def sql(dsn: str, *statements: str) -> str:
    """Run statements in one session and give the first value of the last one, as text."""

    async def run() -> str:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            return [str(await connection.fetchval(statement)) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(run())


def keep_a_word(dsn: str) -> None:
    """Commit a row."""
    sql(dsn, "DROP TABLE IF EXISTS kept", "CREATE TABLE kept AS SELECT 'kept' AS word")


def kept_word(dsn: str) -> str:
    """Read the committed row."""
    return sql(dsn, "SELECT word FROM kept")


def run_script(script: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    """Run Python as a process of its own to its end, and to the end of its output."""
    return subprocess.run(
        [sys.executable, "-c", IMPORTS + script, *map(str, arguments)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def modes_and_owners(folder: Path) -> list[tuple[int, int, int]]:
    """List mode, owner and group of a folder, of PostgreSQL's own, and of all above the two."""
    installation = programs.installation()
    folders = (folder, *folder.parents, installation / "bin", installation, *installation.parents)
    return [(found.st_mode, found.st_uid, found.st_gid) for found in map(Path.stat, folders)]


def test_data_outlives_a_stop(folder: Path) -> None:
    """What was committed is there after a stop, which ends every process, and a start."""
    postgres = EmbeddedPostgres(folder / "data")
    keep_a_word(postgres.start())
    postgres.stop()
    postgres.stop()
    assert postgres_in(folder) == []
    with postgres as dsn:
        assert kept_word(dsn) == "kept"


def test_database_is_alike_on_every_machine(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encoding, order of text, time zone and limits come from us and not from the machine."""
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("PGOPTIONS", "--jit=on")
    expected = {
        "server_encoding": "UTF8",
        "lc_messages": "C",
        "TimeZone": "UTC",
        "jit": "off",
        "max_connections": "100",
        "shared_buffers": "128MB",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
    }
    with EmbeddedPostgres(data_dir) as dsn:
        monkeypatch.delenv("PGOPTIONS")
        shown = ", ".join(f"current_setting('{name}')" for name in expected)
        assert sql(dsn, f"SELECT concat_ws('|', {shown})").split("|") == list(expected.values())
        assert sql(dsn, "SELECT datlocale FROM pg_database WHERE datname = 'todo_gql'") == "C.UTF-8"
        assert sql(dsn, "SELECT upper('ä') || ('a' < 'B')") == "Äfalse"


def test_throwaway_database_does_not_wait_for_the_disk(data_dir: Path) -> None:
    """A database with durable=False doesn't wait for the disk."""
    with EmbeddedPostgres(data_dir, durable=False) as dsn:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        assert [sql(dsn, f"SHOW {name}") for name in names] == ["off", "off", "off"]


def test_missing_database_is_made(data_dir: Path) -> None:
    """A start makes the database again if somebody dropped it."""
    postgres = EmbeddedPostgres(data_dir, durable=False)
    dsn = postgres.start()
    sql(dsn.replace("/todo_gql?", "/postgres?"), "DROP DATABASE todo_gql")
    postgres.stop()
    with postgres as dsn:
        assert sql(dsn, "SELECT current_database()") == "todo_gql"


def test_second_start_on_a_folder_is_refused(data_dir: Path) -> None:
    """A folder in use is refused in words that name it, its holder and what to do."""
    with EmbeddedPostgres(data_dir, durable=False) as dsn:
        with pytest.raises(EmbeddedPostgresError) as refused:
            EmbeddedPostgres(data_dir).start()
        assert str(refused.value) == (
            f"{data_dir} is in use by process {os.getpid()}. Stop that process, or set DATA_DIR to"
            " another folder (and PORT to another port) for this one."
        )
        assert sql(dsn, "SELECT 1") == "1"


@only_linux
def test_postgres_is_detached_from_its_starter(data_dir: Path) -> None:
    """Ctrl-C in the terminal, the caller's pipes and the folder's lock don't reach PostgreSQL."""
    with EmbeddedPostgres(data_dir, durable=False):
        process = postmaster(data_dir)
        assert os.getsid(process.pid) == process.pid
        files = {file.resolve() for file in Path(f"/proc/{process.pid}/fd").iterdir()}
        assert data_dir / "lock" not in files
        for standard in range(3):
            file = Path(f"/proc/{process.pid}/fd/{standard}").resolve()
            assert file in {Path("/dev/null"), data_dir / "postgres.log"}


def test_start_after_a_killed_holder(data_dir: Path) -> None:
    """PostgreSQL left running by a kill -9 is taken over with its data, and then stops for good."""
    killed = run_script(
        """
dsn = EmbeddedPostgres(Path(sys.argv[1])).start()
asyncio.run(sql(dsn, "CREATE TABLE held AS SELECT 'held' AS word"))
print("committed", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
""",
        data_dir,
    )
    assert (killed.returncode, killed.stdout) == (-9, "committed\n"), killed.stderr
    orphan = postmaster(data_dir)
    assert lives(orphan)
    postgres = EmbeddedPostgres(data_dir)
    assert sql(postgres.start(), "SELECT word FROM held") == "held"
    assert not lives(orphan)
    postgres.stop()
    assert postgres_in(data_dir) == []


def test_start_after_a_killed_postmaster(data_dir: Path) -> None:
    """A stop after a kill -9 of PostgreSQL is no error, and a start recovers the data."""
    postgres = EmbeddedPostgres(data_dir)
    keep_a_word(postgres.start())
    postmaster(data_dir).kill()
    postgres.stop()
    log = data_dir / "postgres.log"
    old_size = log.stat().st_size
    with postgres as dsn:
        assert kept_word(dsn) == "kept"
    assert "automatic recovery in progress" in log.read_text()[old_size:]


def test_busy_backend_of_a_killed_postmaster_is_ended(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend that goes on computing after its postmaster was killed doesn't hinder a start."""
    monkeypatch.setattr(embedded, "ORPHAN_SECONDS", 0.1)
    postgres = EmbeddedPostgres(data_dir, durable=False)

    async def kill_under_load(dsn: str) -> psutil.Process:
        busy = await asyncpg.connect(dsn)
        backend = psutil.Process(await busy.fetchval("SELECT pg_backend_pid()"))
        endless = "SET statement_timeout = 0; SELECT count(*) FROM generate_series(1, 1e12)"
        query = asyncio.create_task(busy.execute(endless))
        watcher = await asyncpg.connect(dsn)
        active = "SELECT FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%series%'"
        while await watcher.fetchrow(active, backend.pid) is None:
            continue
        postmaster(data_dir).kill()
        busy.terminate()
        watcher.terminate()
        await asyncio.gather(query, return_exceptions=True)
        return backend

    backend = asyncio.run(kill_under_load(postgres.start()))
    assert lives(backend)
    postgres.stop()
    with postgres as dsn:
        assert not lives(backend)
        assert sql(dsn, "SELECT 1") == "1"


def test_recycled_pid_does_not_hinder_a_start(data_dir: Path) -> None:
    """Lock files that a crash left and that name a stranger's process meanwhile are forgotten."""
    postgres = EmbeddedPostgres(data_dir, durable=False)
    postgres.start()
    owner = (data_dir / "postgres").stat().st_uid
    lock_files = [data_dir / "postgres" / name for name in ("postmaster.pid", ".s.PGSQL.5432.lock")]
    old = postmaster(data_dir)
    old.kill()
    postgres.stop()
    user = owner if os.geteuid() == 0 else None
    with subprocess.Popen(["/bin/sleep", "60"], user=user) as stranger:
        for file in lock_files:
            file.write_text(file.read_text().replace(str(old.pid), str(stranger.pid), 1))
        with postgres as dsn:
            assert sql(dsn, "SELECT 1") == "1"
        assert stranger.poll() is None
        stranger.kill()


def test_interrupted_init_is_begun_anew(folder: Path) -> None:
    """A process killed while it made the cluster leaves nothing that the next start stumbles on."""
    data_dir = folder / "data"
    killed = run_script(
        """
def run_and_die(self, *command, **options):
    succeeded = run(self, *command, **options)
    if "initdb" in command[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return succeeded

run = programs.Account.run
programs.Account.run = run_and_die
EmbeddedPostgres(Path(sys.argv[1]), durable=False).start()
""",
        data_dir,
    )
    assert killed.returncode == -9, killed.stderr
    assert [file.name for file in data_dir.glob("postgres-new-*/PG_VERSION")] == ["PG_VERSION"]
    with EmbeddedPostgres(data_dir, durable=False) as dsn:
        assert sql(dsn, "SELECT 1") == "1"
    assert sorted(file.name for file in data_dir.iterdir()) == ["lock", "postgres", "postgres.log"]


def test_closed_parent_folder_stays_as_it_is(folder: Path, template: Path) -> None:
    """A data folder below folders of mode 0700 works, and no folder but the cluster changes."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    data_dir = Path(shutil.copytree(template, closed / "data"))
    data_dir.chmod(0o700)
    before = modes_and_owners(data_dir)
    with EmbeddedPostgres(data_dir, durable=False) as dsn:
        assert sql(dsn, "CREATE EXTENSION pg_trgm", "SELECT similarity('a', 'a')") == "1.0"
        assert modes_and_owners(data_dir) == before
        assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert rights_of_a_backend(dsn) == CAP_DAC_READ_SEARCH


@only_root
@only_linux
def test_postgres_has_no_right_where_it_needs_none(data_dir: Path) -> None:
    """PostgreSQL runs as another account where the starter is root and nothing is closed to it."""
    with EmbeddedPostgres(data_dir, durable=False) as dsn:
        assert rights_of_a_backend(dsn) == 0
        assert postmaster(data_dir).uids().real != 0
        assert sql(dsn, "SELECT pg_read_file('/proc/self/status') ~ 'Groups:\\s*\\n'") == "True"


def rights_of_a_backend(dsn: str) -> int:
    """Read the capabilities that a process of PostgreSQL has, as bits."""
    line = "SELECT substring(pg_read_file('/proc/self/status') FROM 'CapPrm:\\s*(\\w+)')"
    return int(sql(dsn, line), 16)


@only_root
def test_missing_setpriv_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names setpriv where it isn't installed and the account can't pass a folder."""
    monkeypatch.setenv("PATH", "")
    (folder / "closed").mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match="Install setpriv"):
        EmbeddedPostgres(folder / "closed/data").start()


@only_root
def test_missing_account_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the missing account where root has none to run PostgreSQL as."""
    monkeypatch.setattr(pwd, "getpwall", list)
    with pytest.raises(EmbeddedPostgresError, match="useradd --system postgres"):
        EmbeddedPostgres(folder / "data").start()


@only_root
def test_ordinary_user_needs_nothing_else(folder: Path, data_dir: Path) -> None:
    """A user without any right keeps a database below a private folder, and no other changes."""
    nobody = pwd.getpwnam(NOBODY)
    home = folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    if not programs.Account(nobody.pw_uid, nobody.pw_gid).reaches(home):
        pytest.skip(f"{NOBODY} can't reach {programs.installation()}")
    before = modes_and_owners(home)
    done = run_script(
        """
nobody, (used, home, foreign) = pwd.getpwnam("nobody"), map(Path, sys.argv[1:])
with EmbeddedPostgres(used, durable=False) as dsn:
    asyncio.run(sql(dsn, "SELECT 1"))
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
postgres = EmbeddedPostgres(home / "data", durable=False)
asyncio.run(sql(postgres.start(), "CREATE TABLE kept AS SELECT 'kept' AS word"))
postgres.stop()
with postgres as dsn:
    assert asyncio.run(sql(dsn, "SELECT word FROM kept")) == "kept"
    assert {file.stat().st_uid for file in (home / "data").rglob("*")} == {nobody.pw_uid}
try:
    EmbeddedPostgres(foreign).start()
except EmbeddedPostgresError as error:
    print(error)
""",
        data_dir,
        home,
        folder / "foreign",
    )
    assert "Permission denied" in done.stdout, done.stderr
    assert f"The embedded PostgreSQL can't use {folder / 'foreign'}" in done.stdout
    assert modes_and_owners(home) == before


@pytest.mark.parametrize(
    ("name", "beside"),
    [('it\'s a "data" $HOME `folder`', True), ("a, comma and " + "long" * 20, False)],
)
def test_any_path_will_do(folder: Path, template: Path, name: str, *, beside: bool) -> None:
    """Paths with spaces and quotes, and paths too long for a socket, work all the same."""
    data_dir = Path(shutil.copytree(template, folder / name / "data"))
    postgres = EmbeddedPostgres(data_dir, durable=False)
    keep_a_word(postgres.start())
    postgres.stop()
    with postgres as dsn:
        assert kept_word(dsn) == "kept"
        socket_dir = Path(parse_qs(urlsplit(dsn).query)["host"][0])
        assert (socket_dir == data_dir / "postgres") is beside
        assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
    assert socket_dir.exists() is beside


def test_planted_socket_folder_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that somebody put where the socket's folder belongs isn't followed."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    cluster = folder / ("long" * 30) / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("18\n")
    with pytest.raises(EmbeddedPostgresError):
        EmbeddedPostgres(cluster.parent).start()
    socket_dir = embedded.private_socket_dir(cluster)
    socket_dir.rmdir()
    (folder / "elsewhere").mkdir(mode=0o700)
    socket_dir.symlink_to(folder / "elsewhere")
    with pytest.raises(EmbeddedPostgresError, match=f"{socket_dir} can't hold PostgreSQL's socket"):
        EmbeddedPostgres(cluster.parent).start()


def test_data_of_another_version_is_refused(folder: Path) -> None:
    """Data of another major version stays untouched, and the message names both versions."""
    cluster = folder / "data/postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="data of PostgreSQL 17, which PostgreSQL 18"):
        EmbeddedPostgres(folder / "data").start()
    assert [file.name for file in cluster.iterdir()] == ["PG_VERSION"]


def test_failing_start_says_what_postgres_said(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails shows PostgreSQL's last words and what to try, and frees the folder."""
    postgres = EmbeddedPostgres(data_dir, durable=False)
    settings = data_dir / "postgres/postgresql.auto.conf"
    settings.write_text("nonsense = 1\n")
    with pytest.raises(EmbeddedPostgresError) as failed:
        postgres.start()
    assert 'unrecognized configuration parameter "nonsense"' in str(failed.value)
    assert f"its log is {data_dir / 'postgres.log'}" in str(failed.value)
    monkeypatch.setattr(embedded, "MIN_FREE_BYTES", 1 << 62)
    with pytest.raises(EmbeddedPostgresError, match=f"disk that holds {data_dir} is full"):
        postgres.start()
    settings.write_text("")
    with postgres as dsn:
        assert sql(dsn, "SELECT 1") == "1"


def test_unusable_folder_is_named(folder: Path) -> None:
    """A DATA_DIR that can't be a folder is refused in words that name it."""
    (folder / "data").write_text("a file")
    with pytest.raises(EmbeddedPostgresError, match=f"can't use {folder / 'data'}: .*File exists"):
        EmbeddedPostgres(folder / "data").start()


def test_log_does_not_grow_for_ever(data_dir: Path) -> None:
    """A start begins a log anew that has grown past its limit, and only its owner may read it."""
    log = data_dir / "postgres.log"
    os.truncate(log, embedded.MAX_LOG_BYTES + 1)
    with EmbeddedPostgres(data_dir, durable=False):
        assert log.stat().st_size < 100_000
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
