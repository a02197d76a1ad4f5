"""The command that applies, checks and writes migrations."""

import asyncio
from typing import Annotated

import typer

from todo_gql.cli.configuration import load_settings
from todo_gql.cli.runtime import database, fail, migrated
from todo_gql.database import migrations
from todo_gql.observability.logs import configure_logging


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Only check whether the models lack a migration.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write a migration for what changed in the models.")
    ] = False,
) -> None:
    """Apply the missing migrations."""
    settings = load_settings()
    if check:
        if missing := asyncio.run(migrations.models_without_migration()):
            fail("The models lack a migration:\n" + "\n".join(f"  {line}" for line in missing))
        typer.echo("Every model has its migrations.")
    elif write:
        paths = asyncio.run(migrations.write_migration())
        typer.echo("\n".join(paths) or "Nothing changed in the models.")
    else:
        configure_logging(settings.log_level)
        with database(settings) as url:
            applied = migrated(settings, url)
        lines = [f"Applied the migration {name}." for name in applied]
        typer.echo("\n".join(lines) or "Nothing to apply.")
