"""The command that writes everything of an account into a file."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Annotated

import typer

from todo_gql.cli.configuration import load_secret, load_settings
from todo_gql.cli.runtime import database, fail, prepare, run_connected
from todo_gql.features.accounts.lookup import account_named
from todo_gql.features.transfers.exports.running import export_chunks
from todo_gql.settings import Settings
from todo_gql.storage.stores import file_store


def export(
    file: Annotated[
        Path, typer.Argument(help="Where the zip archive is written; must not exist yet.")
    ],
    user: Annotated[
        str, typer.Option(help="User name or e-mail address of the account, in any letter case.")
    ],
    with_files: Annotated[
        bool, typer.Option("--with-files", help="Put the files of todos into it, too.")
    ] = False,
) -> None:
    """Write everything that is an account's own into a zip archive."""
    settings = load_secret(load_settings())
    if file.exists():
        fail(f"{file} exists already. Name another file, or remove it first.")
    if not file.absolute().parent.is_dir():
        fail(f"There is no folder {file.absolute().parent}. Make it first.")
    with database(settings) as url, new_file(file.absolute()) as output:
        prepare(settings, url)
        writing = partial(write_export, settings, user, output, with_files=with_files)
        if not run_connected(settings, url, writing):
            fail(f"There is no account {user}.")
    typer.echo(f"Wrote {file.stat().st_size:,} bytes to {file}.")


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that has its name once the block has ended well, and is gone otherwise; its owner's alone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(handle)
        Path(name).rename(path)
    except BaseException:
        Path(name).unlink()
        raise


async def write_export(
    settings: Settings, user: str, output: IO[bytes], *, with_files: bool
) -> bool:
    """Write the archive of an account; False without one of that name."""
    account = await account_named(user)
    if account is None:
        return False
    store = file_store(settings)
    async for chunk in export_chunks(account.id, store, _ignore, with_files=with_files):
        output.write(chunk)
    return True


async def _ignore(_done: int, _total: int) -> None:
    """Show no progress: all there is takes seconds."""
