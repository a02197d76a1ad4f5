"""The command that writes the schema file, or checks it."""

from pathlib import Path
from typing import Annotated

import typer

from todo_gql.cli.runtime import fail
from todo_gql.schema import schema_text


def export_schema(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("schema.graphql"),
    check: Annotated[
        bool, typer.Option("--check", help="Only check whether the file is up to date.")
    ] = False,
) -> None:
    """Write the GraphQL schema to a file."""
    text = schema_text()
    if not check:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            fail(f"Can't write {path}: {error.strerror}.")
        typer.echo(f"Wrote {path}.")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        fail(f"{path} is out of date: run make schema.")
    else:
        typer.echo(f"{path} is up to date.")
