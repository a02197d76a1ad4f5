"""A field of todos is added by its entry, its column and the model's field alone."""

import asyncio
import sys
from pathlib import Path

from tests.support.processes import clean_environment
from todo_gql.features.todos.access import TODO_COLUMNS
from todo_gql.features.todos.fields import stored_fields


async def test_a_field_needs_nothing_but_its_entry(server_url: str, project: Path) -> None:
    """Fields that only a process of the test has are written, filtered, sorted and logged there.

    The schema is made when it is imported, and so it takes a process.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "tests.support.added_fields"),
        "tests/features/todos/added_fields.py",
        cwd=project,
        env=clean_environment() | {"TEST_DATABASE_URL": server_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


def test_every_column_of_todos_has_an_entry() -> None:
    """A column without an entry would be stored by nothing, and an entry without one by no statement."""
    columns = {name.removeprefix("t.") for name in TODO_COLUMNS}
    assert {field.name for field in stored_fields() if field.has_column} == columns
