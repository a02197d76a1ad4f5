"""A private PostgreSQL for a laptop and for the tests, in a data folder of its own."""

import fcntl
import hashlib
import os
import shlex
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

import psutil

from todo_gql.embedded_postgres.letters import (
    CHANGE_CHARACTER_TYPE,
    character_type,
    has_room,
)
from todo_gql.embedded_postgres.processes import (
    pid_in,
    remove_stale_pid_file,
    running_postgres,
    signal_each,
)
from todo_gql.embedded_postgres.programs import (
    Account,
    EmbeddedPostgresError,
    account_for,
    check_major_version,
    installation,
)

__all__ = ["DataDirInUse", "EmbeddedPostgres", "EmbeddedPostgresError", "running_url"]

SOCKET = ".s.PGSQL.5432"
# The limit of macOS; Linux allows 107.
MAX_SOCKET_PATH_BYTES = 103
MAX_LOG_BYTES = 10_000_000
LOG_TAIL_LINES = 20
MIN_FREE_BYTES = 1_000_000
STOP_SECONDS = 60
ORPHAN_SECONDS = 5
INITDB = (
    "initdb --username=postgres --auth=trust --encoding=UTF8 --locale=C"
    " --locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions"
)
# Recovery may take long; pg_ctl doesn't wait on when PostgreSQL has given up.
PG_CTL_START = "pg_ctl start --wait --timeout=3600"
PSQL = "psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres"
CREATE_DATABASE = (
    "SELECT 'CREATE DATABASE todo_gql'"
    " WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'todo_gql') \\gexec"
)
PARAMETERS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}
THROWAWAY_PARAMETERS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class DataDirInUse(EmbeddedPostgresError):
    """Another process holds the data folder; it may be about to start or to stop PostgreSQL."""


class EmbeddedPostgres:
    """One PostgreSQL cluster in a data folder, for one process at a time.

    As root it runs as another system account, which then owns the cluster; no other folder
    changes owner or mode. With `durable=False` a crash of the machine may lose data.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        """Raises EmbeddedPostgresError where PostgreSQL's programs aren't installed."""
        installation()
        self._data_dir = data_dir.resolve()
        self._cluster = self._data_dir / "postgres"
        self._socket_dir = self._cluster
        self._log = self._data_dir / "postgres.log"
        self._durable = durable
        self._lock: TextIO | None = None

    def __enter__(self) -> str:
        """Start, and return the DSN; raises what `start` raises."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def is_new(self) -> bool:
        """Whether there is no database yet, so that a start makes one."""
        return not self._cluster.exists()

    def start(self) -> str:
        """Start PostgreSQL, after recovery if need be, and return the DSN of its database.

        What a killed predecessor left running is stopped first. Raises DataDirInUse, or another
        EmbeddedPostgresError if the folder is unusable or PostgreSQL doesn't start.
        """
        with as_embedded_error(self._data_dir):
            self._data_dir.mkdir(parents=True, exist_ok=True)
            self._lock = lock_data_dir(self._data_dir)
            try:
                self._start()
            except BaseException:
                self.stop()
                raise
        return dsn(self._socket_dir)

    def stop(self) -> None:
        """Stop PostgreSQL cleanly, wait for its end, release the folder; twice is no error."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        with lock, as_embedded_error(self._data_dir):
            self._end_processes()
            if self._socket_dir != self._cluster:
                with suppress(OSError):
                    self._socket_dir.rmdir()

    def _start(self) -> None:
        self._end_processes()
        self._log.touch(mode=0o600)
        if self._log.stat().st_size > MAX_LOG_BYTES:
            os.truncate(self._log, 0)
        for abandoned in self._data_dir.glob("postgres-new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        if not self._cluster.exists():
            self._initialize()
        check_major_version(self._cluster)
        account = account_for(self._cluster)
        self._socket_dir = private_socket_dir(self._cluster)
        remove_stale_pid_file(self._cluster / "postmaster.pid")
        remove_stale_pid_file(self._socket_dir / f"{SOCKET}.lock")
        self._run(account, self._cluster, *PG_CTL_START.split(), f"--options={self._options()}")
        # C changes nothing.
        ctype = character_type() if has_room(self._cluster) else "C"
        psql = (*PSQL.split(), f"--host={self._socket_dir}", f"--set=character_type={ctype}")
        script = CREATE_DATABASE + CHANGE_CHARACTER_TYPE
        self._run(account, self._cluster, *psql, stdin=script)

    def _initialize(self) -> None:
        """Create the cluster under a temporary name, so that a partial one is never used."""
        fresh = Path(tempfile.mkdtemp(prefix="postgres-new-", dir=self._data_dir))
        try:
            sync = () if self._durable else ("--no-sync",)
            ctype = f"--lc-ctype={character_type()}"
            self._run(account_for(fresh), fresh, *INITDB.split(), ctype, *sync)
            fresh.rename(self._cluster)
            if self._durable:
                sync_folder(self._data_dir)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _options(self) -> str:
        socket_dir = str(self._socket_dir).replace('"', '""')
        parameters = PARAMETERS | ({} if self._durable else THROWAWAY_PARAMETERS)
        parameters |= {"cluster_name": self._name(), "unix_socket_directories": f'"{socket_dir}"'}
        return shlex.join(f"--{name}={value}" for name, value in parameters.items())

    def _run(self, account: Account, pgdata: Path, *command: str, stdin: str = "") -> None:
        program = str(installation() / "bin" / command[0])
        with self._log.open("a", encoding="utf-8") as log:
            begin = log.tell()
            if account.run(program, *command[1:], pgdata=pgdata, output=log, stdin=stdin):
                return
        with self._log.open(encoding="utf-8", errors="replace") as log:
            log.seek(begin)
            output = "".join(log.readlines()[-LOG_TAIL_LINES:])
        if "No space left" in output or shutil.disk_usage(self._data_dir).free < MIN_FREE_BYTES:
            advice = (
                f"The disk that holds {self._data_dir} is full: free some space and start again."
            )
        else:
            advice = f"Correct what it reports and start again; its log is {self._log}."
        raise EmbeddedPostgresError(f"PostgreSQL's {command[0]} failed:\n{output}{advice}")

    def _name(self) -> str:
        """Name the cluster's processes in their titles, by what outlives a moved folder."""
        status = self._cluster.stat()
        return f"todo_gql-{status.st_dev:x}-{status.st_ino:016x}"

    def _processes(self) -> list[psutil.Process]:
        if not self._cluster.exists():
            return []
        name = self._name()
        return [one for one in running_postgres() if name in " ".join(one.info["cmdline"] or ())]

    def _end_processes(self) -> None:
        """End all processes of the cluster: with SIGINT to the postmaster, then with SIGKILL."""
        postmaster = pid_in(self._cluster / "postmaster.pid")
        postmasters = [process for process in self._processes() if process.pid == postmaster]
        signal_each(postmasters, signal.SIGINT)
        if self._ended_within(STOP_SECONDS if postmasters else ORPHAN_SECONDS):
            return
        signal_each(self._processes(), signal.SIGKILL)
        if not self._ended_within(ORPHAN_SECONDS):
            raise EmbeddedPostgresError(
                f"PostgreSQL's processes {[process.pid for process in self._processes()]} on"
                f" {self._cluster} don't stop. End them, or restart the machine."
            )

    def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._processes():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def running_url(data_dir: Path) -> str | None:
    """The DSN of the PostgreSQL that runs on a data folder; None unless one is ready.

    Raises EmbeddedPostgresError when the folder can't be read.
    """
    cluster = data_dir.resolve() / "postgres"
    pid_file = cluster / "postmaster.pid"
    with as_embedded_error(data_dir), suppress(FileNotFoundError):
        ready = pid_file.read_bytes().split()[-1:] == [b"ready"]
        if ready and pid_in(pid_file) in {process.pid for process in running_postgres()}:
            return dsn(private_socket_dir(cluster))
    return None


def dsn(socket_dir: Path) -> str:
    """The DSN of the database behind a socket, regardless of PGPORT in the environment."""
    return f"postgresql://postgres@/todo_gql?host={quote(str(socket_dir))}&port=5432"


@contextmanager
def as_embedded_error(data_dir: Path) -> Iterator[None]:
    """Raise errors of the system in the block as EmbeddedPostgresError, which names the folder."""
    try:
        yield
    except (OSError, psutil.Error) as error:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL can't use {data_dir}: {error}. Check that this user may"
            " write there and that its disk isn't full, or set DATA_DIR to another folder."
        ) from error


def lock_data_dir(data_dir: Path) -> TextIO:
    """Lock a data folder for this process, until the returned file is closed.

    Raises DataDirInUse when another process holds the lock, and OSError.
    """
    lock = (data_dir / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        print(os.getpid(), file=lock, flush=True)
    except BlockingIOError:
        with lock:
            lock.seek(0)
            holder = lock.read().strip() or "(not known yet)"
        raise DataDirInUse(
            f"{data_dir} is in use by process {holder}. Stop that process, or set DATA_DIR to"
            " another folder (and PORT to another port) for this one."
        ) from None
    except OSError:
        lock.close()
        raise
    return lock


def private_socket_dir(cluster: Path) -> Path:
    """The folder of the socket: the cluster's, or a temporary one where that can't be in a DSN.

    Raises EmbeddedPostgresError when the temporary folder isn't this user's with mode 0700.
    """
    if fits_socket(cluster):
        return cluster
    owner = cluster.stat()
    digest = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir(), f"todo_gql-{owner.st_uid}-{digest}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid in {os.geteuid(), owner.st_uid}
    if not ours or status.st_mode & 0o077 or not fits_socket(folder):
        raise EmbeddedPostgresError(
            f"{folder} can't hold PostgreSQL's socket: it must be a folder of this user with mode"
            " 0700. Remove it, or set DATA_DIR to a folder with a shorter path."
        )
    if status.st_uid != owner.st_uid:
        os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)
    return folder


def fits_socket(folder: Path) -> bool:
    """Whether a folder can be the host in a DSN: short enough, and without a comma."""
    return len(os.fsencode(folder / SOCKET)) <= MAX_SOCKET_PATH_BYTES and "," not in str(folder)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that its entries survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
