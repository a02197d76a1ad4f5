"""The command that fills an account with generated todos."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from todo_gql.cli.configuration import load_secret, load_settings
from todo_gql.cli.runtime import database, fail, prepare, run_connected
from todo_gql.database.models import User
from todo_gql.features.accounts.inputs import RegisterInput
from todo_gql.features.accounts.lookup import account_named
from todo_gql.features.accounts.registration import RegistrationError, create_account
from todo_gql.seeding.insert import seed_account
from todo_gql.settings import Settings


def seed(
    account: Annotated[
        str,
        typer.Option(help="User name or e-mail address, in any letter case; created if missing."),
    ] = "demo",
    todos: Annotated[int, typer.Option(min=1, help="How many todos to add.")] = 200,
    random_seed: Annotated[
        int | None, typer.Option(help="The same number creates the same todos again.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Run even where ENVIRONMENT is production.")
    ] = False,
) -> None:
    """Add realistic todos with tags and history to an account."""
    settings = load_secret(load_settings())
    if settings.environment == "production" and not yes:
        fail("ENVIRONMENT is production, and seed adds invented todos. Add --yes to do so anyway.")
    with database(settings) as url:
        prepare(settings, url)
        owner = run_connected(settings, url, partial(find_or_create, account, settings))
        begin = time.monotonic()
        random = Random(random_seed)  # noqa: S311 - it keeps nothing secret
        with progress(todos) as advance:
            adding = partial(seed_account, owner, todos, random, advance)
            run_connected(settings, url, adding)
    seconds = time.monotonic() - begin
    typer.echo(f"Added {todos:,} todos to {owner.username} in {seconds:.1f} s.")


async def find_or_create(name: str, settings: Settings) -> User:
    """The account of that name; if there is none, one is created, and its password is printed."""
    if existing := await account_named(name):
        return existing
    password = f"{secrets.token_urlsafe(12)}-Aa1"
    fields = RegisterInput(username=name, email=f"{name}@example.com", password=password)
    try:
        created = await create_account(fields, settings)
    except RegistrationError as refused:
        fail(f"There is no account {name}, and it can't be created:\n{refused}")
    typer.echo(f"Created the user {name} with the password {password}")
    return created


@contextmanager
def progress(todos: int) -> Iterator[Callable[[int], object]]:
    """Yield a function that shows the progress: a bar in a terminal, some lines elsewhere."""
    console = Console()
    if not console.is_terminal:
        yield ProgressLines(todos)
        return
    columns = (TextColumn("Todos"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        yield partial(bar.advance, bar.add_task("", total=todos))


class ProgressLines:
    """Prints the number of todos that were added, a line for each tenth."""

    def __init__(self, todos: int) -> None:
        self.todos = todos
        self.done = 0

    def __call__(self, more: int) -> None:
        """Count todos that were added, and print a line for each tenth."""
        tenths = self.done * 10 // self.todos
        self.done += more
        if self.done * 10 // self.todos > tenths:
            typer.echo(f"{self.done:,} of {self.todos:,} todos")
