"""The formats that are imported: each is known by what its files contain."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.support.imports import OWN, SHARED, imported
from todo_gql.database.models import TransferFormat
from todo_gql.importing.drafts import MAX_TODOS
from todo_gql.importing.formats import MAX_PROBLEMS, READERS, detect
from todo_gql.importing.records import ProblemCode

FOLDERS = {
    "todoist": TransferFormat.TODOIST,
    "taskwarrior": TransferFormat.TASKWARRIOR,
    "microsoft": TransferFormat.MICROSOFT_TODO,
    "google": TransferFormat.GOOGLE_TASKS,
    "icalendar": TransferFormat.ICALENDAR,
    "ticktick": TransferFormat.TICKTICK,
}
FILES = [
    (path, format)
    for name, format in FOLDERS.items()
    for folder in (OWN, SHARED)
    for path in sorted((folder / name).glob("*.*"))
]


@pytest.mark.parametrize(("path", "format"), FILES, ids=lambda value: getattr(value, "name", ""))
def test_files_are_known_by_their_content(path: Path, format: TransferFormat | None) -> None:
    """A file's format is known whatever its name is, and the file stands at its start again."""
    file = io.BytesIO(path.read_bytes())
    assert detect(file, "download") == format
    assert file.tell() == 0


@pytest.mark.parametrize(
    ("name", "format"),
    [("todo.txt", TransferFormat.TODO_TXT), ("a.pdf", None), ("", None)],
)
def test_plain_text_is_known_by_its_name(name: str, format: TransferFormat | None) -> None:
    """A file whose content says nothing is what its name says, or nothing that is known."""
    assert detect(io.BytesIO(b"Buy milk\n"), name) == format


def test_an_archive_is_known_by_its_entries() -> None:
    """An archive of CSV files is Todoist's backup, a damaged one nothing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Home.csv", "TYPE,CONTENT,PRIORITY\n")
    assert detect(buffer, "a.zip") == TransferFormat.TODOIST
    assert detect(io.BytesIO(buffer.getvalue()[:-9]), "a.zip") is None


def test_every_format_has_a_reader() -> None:
    """A file of each format can be imported."""
    assert set(READERS) == set(TransferFormat)


def test_more_problems_than_anybody_reads_end_an_import() -> None:
    """A file of nothing but problems isn't read to its end."""
    text = "TYPE,CONTENT,PRIORITY\n" + "x,a,1\n" * (MAX_PROBLEMS + 2)
    result = imported(READERS[TransferFormat.TODOIST], text)
    assert len(result.problems) == MAX_PROBLEMS + 1
    assert result.problems[-1].code == ProblemCode.TOO_MANY


def test_todos_beyond_the_limit_are_reported() -> None:
    """A file may have 50,000 todos; where there are more, one problem says so."""
    text = "a\n" * (MAX_TODOS + 2)
    result = imported(READERS[TransferFormat.TODO_TXT], text)
    assert len(result.todos) == MAX_TODOS
    assert [problem.code for problem in result.problems] == [ProblemCode.TOO_MANY]
