"""The command that imports a file of another program."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from todo_gql.cli.configuration import load_secret, load_settings
from todo_gql.cli.runtime import database, fail, prepare, run_connected
from todo_gql.database.connection import Row
from todo_gql.database.models import TransferFormat
from todo_gql.features.transfers.imports.local_files import (
    ImportRefused,
    LocalImport,
    Outcome,
    ShowProgress,
    import_file,
)

MAX_SHOWN: Final = 50
IN_DESCRIPTION: Final = "in the description"
INCOMPLETE: Final = 3
"""The exit status if something of the file isn't imported."""

NAMES: Final = {
    "lists": "lists",
    "sections": "sections",
    "todos": "todos",
    "reminders": "reminders",
    "comments": "comments",
    "attachments": "files",
    "alreadyImported": "imported before",
    "skipped": "not imported",
}


def import_(
    file: Annotated[
        Path, typer.Argument(help="The file.", exists=True, dir_okay=False, readable=True)
    ],
    user: Annotated[
        str | None,
        typer.Option(help="User name or e-mail address; not needed if there is one account only."),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(help="What the file is written in, such as todoist; found out if absent."),
    ] = None,
    list: Annotated[
        str | None,
        typer.Option(
            help="A list, by name or id, for todos that are in none; the inbox if absent."
        ),
    ] = None,
    trial: Annotated[
        bool, typer.Option("--trial", help="Only report what would be imported.")
    ] = False,
) -> None:
    """Import todos from a file; what was imported before isn't imported again.

    Ends with status 0 if all of the file is imported, with 3 if some of it isn't, and with 1 if nothing is.
    """
    settings = load_secret(load_settings())
    order = LocalImport(
        file, user, None if format is None else format_named(format), list, is_trial=trial
    )
    with database(settings) as url:
        prepare(settings, url)
        try:
            with progress() as show:
                importing = partial(import_file, order, settings, show)
                outcome = run_connected(settings, url, importing)
        except ImportRefused as refused:
            fail(str(refused))
    if print_report(outcome).get("skipped"):
        raise typer.Exit(INCOMPLETE)


def format_named(name: str) -> TransferFormat:
    """The format of a name such as todo-txt, in any letter case; exits with status 1 for another one."""
    key = name.upper().replace("-", "_").replace(".", "_")
    if key not in TransferFormat.__members__:
        known = ", ".join(
            sorted(one.lower().replace("_", "-") for one in TransferFormat.__members__)
        )
        fail(f"There is no format {name}. There are {known}.")
    return TransferFormat[key]


@contextmanager
def progress() -> Iterator[ShowProgress]:
    """Yield a function that shows the progress as a bar; nothing where there is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _done, _total: None
        return
    columns = (TextColumn("Importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def print_report(outcome: Outcome) -> dict[str, int]:
    """Print what was imported, or would be, and the problems; the counts."""
    job = outcome.job
    counts: dict[str, int] = orjson.loads(job["counts"])
    source = TransferFormat(job["format"]).name.replace("_", " ").lower()
    typer.echo(f"{'Would import' if job['is_trial'] else 'Imported'} from {source}:")
    for name, words in NAMES.items():
        if number := counts.get(name):
            typer.echo(f"{number:>9,} {words.removesuffix('s') if number == 1 else words}")
    if not any(counts.values()):
        typer.echo("  nothing")
    print_problems(outcome.problems)
    return counts


def print_problems(problems: Sequence[Row]) -> None:
    """Print the first problems, each with its place in the file."""
    if problems:
        typer.echo(f"Problems ({len(problems):,}):")
    for one in problems[:MAX_SHOWN]:
        title = f" “{one['title']}”" if one["title"] else ""
        says_so = IN_DESCRIPTION in one["message"]
        stays = f" It is {IN_DESCRIPTION}." if one["is_loss"] and not says_so else ""
        typer.echo(f"  {one['location']}{title}: {one['message']}{stays}")
    if len(problems) > MAX_SHOWN:
        typer.echo(f"  … and {len(problems) - MAX_SHOWN:,} more; `jobs` of the API has all.")
