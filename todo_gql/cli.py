"""The command line: puts the commands together."""

import typer

from todo_gql.commands.jobs import jobs
from todo_gql.commands.seed import seed
from todo_gql.commands.serve import serve
from todo_gql.commands.upkeep import export_schema, migrate
from todo_gql.commands.user import user
from todo_gql.commands.worker import worker

app = typer.Typer(
    help="A TODO backend that speaks GraphQL. Settings come from the environment and from .env.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(worker)
app.command()(migrate)
app.command()(seed)
app.add_typer(user, name="user")
app.add_typer(jobs, name="jobs")
app.command()(export_schema)


def main() -> None:
    """Run the command line."""
    app()
