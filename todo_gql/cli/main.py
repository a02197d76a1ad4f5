"""The command line: puts the commands together."""

import gc
from typing import Annotated

import typer

from todo_gql.cli.check import check
from todo_gql.cli.export import export
from todo_gql.cli.export_schema import export_schema
from todo_gql.cli.import_file import import_
from todo_gql.cli.jobs import jobs
from todo_gql.cli.migrate import migrate
from todo_gql.cli.seed import seed
from todo_gql.cli.serve import serve
from todo_gql.cli.users import user
from todo_gql.cli.vapid_key import vapid_key
from todo_gql.cli.worker import worker
from todo_gql.observability.build_info import build

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def print_version(value: bool) -> None:
    """Print the version and exit."""
    if value:
        typer.echo(f"todo-gql {build().version}\nrevision {build().revision}")
        raise typer.Exit


@app.callback()
def program(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=print_version,
            is_eager=True,
            help="Show the version and the revision of this build.",
        ),
    ] = False,
) -> None:
    """A TODO backend that speaks GraphQL. Settings come from the environment and from .env."""


app.command()(serve)
app.command()(worker)
app.command()(check)
app.command()(migrate)
app.command()(seed)
app.command()(export)
app.command("import")(import_)
app.add_typer(user, name="user")
app.add_typer(jobs, name="jobs")
app.command()(export_schema)
app.command()(vapid_key)


def main() -> None:
    """Run the command line."""
    # What was imported stays until the end. Collections that visited it took a quarter of a migration.
    gc.freeze()
    app()
