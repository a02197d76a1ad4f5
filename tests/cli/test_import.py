"""The command that imports a file: its report and its exit status."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account
from tests.support.processes import CommandLine, clean_environment, command_line
from todo_gql.settings import Settings


@pytest.fixture(scope="module")
def typing(
    tmp_path_factory: pytest.TempPathFactory, app: ASGIApp, database_url: str, settings: Settings
) -> Iterator[CommandLine]:
    """Command lines on the database of the application."""
    folder = tmp_path_factory.mktemp("imports")
    assert settings.secret_key
    with command_line(folder, clean_environment()) as typing:
        yield typing.having(
            DATA_DIR=str(folder / "data"),
            DATABASE_URL=database_url,
            SECRET_KEY=settings.secret_key.get_secret_value(),
        )


async def test_a_file_is_imported_once(
    account: Account, typing: CommandLine, tmp_path: Path
) -> None:
    """A trial run says what a real one does, and a second one that all was imported before."""
    file = tmp_path / "todo.txt"
    file.write_text("(A) Buy milk +home @shop\nCall Ada\n", encoding="utf-8")
    command = ("import", str(file), "--user", account.username)
    trial = typing(*command, "--trial")
    assert (trial.status, trial.said.splitlines()[0]) == (0, "Would import from todo txt:")
    assert "2 todos" in trial.said
    assert (await account.data("{ todos { totalCount } }"))["todos"]["totalCount"] == 0
    real = typing(*command)
    assert (real.status, real.said) == (0, trial.said.replace("Would import", "Imported"))
    assert (await account.data("{ todos { totalCount } }"))["todos"]["totalCount"] == 2
    again = typing(*command, "--format", "todo-txt")
    assert (again.status, "3 imported before" in again.said) == (0, True)


async def test_what_cannot_be_imported_is_said(
    account: Account, typing: CommandLine, tmp_path: Path
) -> None:
    """Unknown accounts, formats, lists and files end with status 1 and say what is wrong."""
    file = tmp_path / "file.bin"
    file.write_bytes(b"\x00\x01")
    for arguments, words in (
        (("--user", "nobody-at-all"), "There is no account"),
        (("--user", account.username, "--format", "excel"), "There is no format excel"),
        (("--user", account.username, "--list", "Nowhere"), "There is no list Nowhere"),
        (("--user", account.username), "isn't in any format"),
    ):
        answer = typing("import", str(file), *arguments)
        assert (answer.status, words in answer.complained) == (1, True), answer


async def test_what_is_in_the_description_is_said_once(
    account: Account, typing: CommandLine, tmp_path: Path
) -> None:
    """Each problem of what has no home says once that it is in the description."""
    file = tmp_path / "todo.txt"
    file.write_text(f"Hide me h:1\n{'long ' * 60}\n", encoding="utf-8")
    answer = typing("import", str(file), "--user", account.username)
    problems = [line for line in answer.said.splitlines() if line.startswith("  line")]
    assert [line.count("in the description") for line in problems] == [1, 1]


async def test_one_thing_is_counted_in_the_singular(
    account: Account, typing: CommandLine, tmp_path: Path
) -> None:
    """The report says 1 todo, not 1 todos."""
    file = tmp_path / "todo.txt"
    file.write_text("Call Ada\n", encoding="utf-8")
    answer = typing("import", str(file), "--user", account.username)
    assert [line.split() for line in answer.said.splitlines()[1:]] == [["1", "todo"]]
