"""The commands for accounts."""

import sys
from functools import partial
from typing import Annotated

import typer

from todo_gql.cli.configuration import load_secret, load_settings
from todo_gql.cli.runtime import database, fail, prepare, run_connected
from todo_gql.features.accounts import administration
from todo_gql.features.accounts.administration import AccountChanges, AdministrationError
from todo_gql.features.accounts.inputs import RegisterInput
from todo_gql.features.accounts.registration import RegistrationError, create_account

user = typer.Typer(
    help="Create, promote, demote, disable and enable accounts.", no_args_is_help=True
)

Name = Annotated[
    str, typer.Argument(help="The account's user name or e-mail address, in any letter case.")
]


@user.command()
def create(
    username: Annotated[
        str, typer.Argument(help="3 to 50 of the letters A to Z, digits, and the signs _ . -")
    ],
    email: Annotated[str, typer.Argument(help="An e-mail address.")],
    superuser: Annotated[
        bool, typer.Option("--superuser", help="Make the account a superuser.")
    ] = False,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin", help="Read the password from the first line of standard input."
        ),
    ] = False,
) -> None:
    """Create an account; asks for its password without showing it."""
    settings = load_secret(load_settings())
    fields = RegisterInput(
        username=username, email=email, password=read_password(from_stdin=password_stdin)
    )
    with database(settings) as url:
        prepare(settings, url)
        creating = partial(create_account, fields, settings, is_superuser=superuser)
        try:
            account = run_connected(settings, url, creating)
        except RegistrationError as refused:
            fail(f"The account can't be created:\n{refused}")
    typer.echo(f"Created the {'superuser' if superuser else 'user'} {account.username}.")


def read_password(*, from_stdin: bool) -> str:
    """The password that a person types twice, or that a program sends."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        fail("There is no terminal to ask for the password: send it with --password-stdin.")
    password: str = typer.prompt(
        "Password", hide_input=True, confirmation_prompt="Repeat the password"
    )
    return password


@user.command()
def promote(name: Name) -> None:
    """Make an account a superuser."""
    administer(
        name,
        AccountChanges(is_superuser=True),
        "{} is a superuser now.",
        "{} is a superuser already.",
    )


@user.command()
def demote(name: Name) -> None:
    """Make a superuser an ordinary user, except the last active superuser."""
    administer(
        name,
        AccountChanges(is_superuser=False),
        "{} is no longer a superuser.",
        "{} is not a superuser.",
    )


@user.command()
def disable(name: Name) -> None:
    """Disable an account and end its sessions at once, except the last active superuser."""
    administer(
        name,
        AccountChanges(is_active=False),
        "{} is disabled and signed out everywhere.",
        "{} is disabled already.",
    )


@user.command()
def enable(name: Name) -> None:
    """Enable a disabled account, which then has to sign in again."""
    administer(
        name,
        AccountChanges(is_active=True),
        "{} is enabled now.",
        "{} is enabled already.",
    )


def administer(name: str, changes: AccountChanges, changed: str, unchanged: str) -> None:
    """Apply changes to an account, and print the message for a change or for none."""
    settings = load_settings()
    with database(settings) as url:
        prepare(settings, url)
        try:
            change = partial(administration.administer, name, changes)
            outcome = run_connected(settings, url, change)
        except AdministrationError as refused:
            fail(str(refused))
    typer.echo((changed if outcome.changed else unchanged).format(outcome.row["username"]))
