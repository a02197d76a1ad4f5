"""Projects of Todoist: files of each generation, and backups."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.support.imports import OWN, Import, fixtures, imported
from todo_gql.database.models import Priority
from todo_gql.importing.records import ImportedDate, UnreadableFile
from todo_gql.importing.todoist import read

GARDEN = OWN / "todoist" / "third-generation.csv"
HEADER = "TYPE,CONTENT,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE"


def own(name: str) -> Import:
    """What is imported of the newest generation's file, under a name."""
    return imported(read, GARDEN.read_bytes(), name=name)


def dated(words: str, language: str) -> Import:
    """What is imported of a task with a date in words."""
    return imported(read, f'{HEADER}\ntask,Test,4,1,,,"{words}",{language},\n')


@pytest.mark.parametrize("path", fixtures("todoist/*.csv"), ids=lambda path: path.name)
def test_each_task_and_each_note_is_imported(path: Path) -> None:
    """Each row of a task is a todo, indented ones are subtasks, each note below one a comment."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        expected = list(csv.DictReader(file))
    tasks = [row for row in expected if row["TYPE"] == "task"]
    first = next((index for index, row in enumerate(expected) if row["TYPE"] == "task"), 0)
    result = imported(read, path.read_bytes(), name=path.name)
    assert len(result.todos) == len(tasks)
    assert sum(todo.parent_id is not None for todo in result.todos) == sum(
        int(row["INDENT"]) > 1 for row in tasks
    )
    assert sum(len(todo.comments) for todo in result.todos) == sum(
        row["TYPE"] == "note" for row in expected[first:]
    )
    assert [each.name for each in result.lists] == [path.stem]
    assert not result.failures


def test_a_task_s_parent_is_the_one_above_with_a_smaller_indent() -> None:
    """Four levels of indents are four levels of todos."""
    texts = ["A,4,1", "B,4,2", "C,4,3", "D,4,4", "E,4,2", "F,4,1"]
    content = "\n".join([HEADER, *(f"task,{text},,,,en," for text in texts)])
    todos = imported(read, content).todos
    ids = {todo.foreign_id: todo.title for todo in todos}
    assert [ids.get(todo.parent_id or "") for todo in todos] == [None, "A", "B", "C", "A", None]


def test_everything_of_the_newest_generation_is_imported() -> None:
    """Labels, priority, description, duration, deadline and section are a todo's."""
    result = own("Garden [2203306141].csv")
    (garden,) = result.lists
    assert (garden.name, garden.description) == ("Garden", "About this garden")
    basil, compost = result.todo("Repot the basil"), result.todo("Buy compost")
    assert (basil.tags, basil.priority) == (("garden", "weekend"), Priority.URGENT)
    assert (basil.description, basil.estimated_minutes) == ("Terracotta pot from the shed", 30)
    assert basil.due == ImportedDate(day=date(2027, 10, 5))
    assert compost.parent_id == basil.foreign_id
    assert [comment.body for comment in compost.comments] == ["Ida: Get the peat-free one"]
    assert compost.description == "Responsible: Ida (3)"
    assert garden.sections[0][1] == "Weekly"
    assert result.todos[2].section_id == garden.sections[0][0]


def test_dates_in_words_are_dates_and_rules() -> None:
    """A date in words is one of the task's zone, a repetition a rule with its first day."""
    result = own("Garden.csv")
    ferns, tray = result.todos[2:4]
    assert ferns.rule == "FREQ=WEEKLY;BYDAY=MO"
    assert ferns.due == ImportedDate(at=datetime(2026, 11, 30, 7, tzinfo=UTC), zone="Africa/Cairo")
    assert tray.priority == Priority.URGENT
    assert tray.description == "Date: every day starting tomorrow\nDuration: 2 day"
    seeds = result.todo('Order seeds, "heirloom" kind')
    assert seeds.due == ImportedDate(at=datetime(2026, 12, 1, 16, tzinfo=UTC), zone="Africa/Cairo")
    assert seeds.description == "Deadline: Oct 9 2027"


@pytest.mark.parametrize(
    ("words", "language", "day", "rule"),
    [
        ("27 Aug", "de", date(2027, 8, 27), None),
        ("demain", "fr", date(2026, 12, 1), None),
        ("30 Nov", "en", date(2026, 11, 30), None),
        ("29 Nov", "en", date(2027, 11, 29), None),
        ("Mon", "en", date(2026, 12, 7), None),
        ("1月4日", "ja", date(2027, 1, 4), None),
        ("2026-12-05", "en", date(2026, 12, 5), None),
        ("every other friday", "en", date(2026, 12, 4), "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"),
        ("every last day", "en", date(2026, 11, 30), "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ("jeden Werktag", "de", date(2026, 11, 30), "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("cada 2 semanas", "es", date(2026, 11, 30), "FREQ=WEEKLY;INTERVAL=2"),
        ("tous les mardis", "fr", date(2026, 12, 1), "FREQ=WEEKLY;BYDAY=TU"),
    ],
)
def test_words_of_many_languages_are_understood(
    words: str, language: str, day: date | None, rule: str | None
) -> None:
    """A date is understood in the language that its row names."""
    todo = dated(words, language).todos[0]
    assert todo.due == ImportedDate(day=day)
    assert todo.rule == rule


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("every day starting tomorrow", "en"),
        ("every monday except holidays", "en"),
        ("every 2nd day", "en"),
        ("04/05/2027", "en"),
        ("someday", "en"),
        ("jeden Dienstag", "en"),
        ("morgen", "tlh"),
        ("x" * 500, "en"),
    ],
)
def test_words_that_are_not_certain_are_described(words: str, language: str) -> None:
    """A date that isn't understood as a whole goes into the description, and is reported."""
    result = dated(words, language)
    assert (result.todos[0].due, result.todos[0].rule) == (None, None)
    assert result.todos[0].description == f"Date: {words}"
    assert [loss.location for loss in result.losses] == ["line 2"]


def test_every_with_an_exclamation_mark_counts_from_completion() -> None:
    """A repetition from completion is one here, too."""
    todo = dated("every! 3 days", "en").todos[0]
    assert (todo.rule, todo.from_completion) == ("FREQ=DAILY;INTERVAL=3", True)


def test_a_backup_has_projects_and_their_files() -> None:
    """An archive's files are lists, its inbox the inbox, and files of notes are taken along."""
    note = 'note,"A picture [[file {""file_name"":""a.png"",""file_url"":""https://f.example/a""}]]",,,,,,,'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Inbox [1000001].csv", f"{HEADER}\ntask,One,4,1,,,,en,\n")
        archive.writestr("Home 🏡 [1000002].csv", f"{HEADER}\ntask,Two,4,1,,,,en,\n{note}\n")
        archive.writestr("Broken [1000003].csv", "nothing")
        archive.writestr("attachments/a.png", b"picture")
    result = imported(read, buffer.getvalue(), name="backup.zip")
    assert [each.name for each in result.lists] == ["Home 🏡"]
    assert result.todo("One").list_id is None
    two = result.todo("Two")
    assert two.comments[0].body == "A picture\n\n[a.png](<https://f.example/a>)"
    assert [file.path for file in two.files] == ["attachments/a.png"]
    assert [problem.location for problem in result.failures] == ["Broken [1000003].csv"]


def test_importing_twice_gives_the_same_ids() -> None:
    """A task has the same id in a later file where others stand before it."""
    before = imported(read, f"{HEADER}\ntask,A,4,1,,,,en,\ntask,B,4,2,,,,en,\n")
    after = imported(
        read, f"{HEADER}\ntask,C,4,1,,,,en,\ntask,A,1,1,,,today,en,\ntask,B,4,2,,,,en,\n"
    )
    assert {todo.foreign_id for todo in before.todos} < {todo.foreign_id for todo in after.todos}


def test_columns_go_by_their_names() -> None:
    """Columns may come in any order, with semicolons between them."""
    result = imported(read, "content;type;indent;priority\r\nOne;task;1;2\r\n")
    assert result.todo("One").priority == Priority.HIGH


@pytest.mark.parametrize("content", ["nothing", "a,b,c\n1,2,3"])
def test_what_is_not_of_todoist_is_refused(content: str) -> None:
    """A file without the columns of Todoist is refused."""
    with pytest.raises(UnreadableFile, match="names its columns"):
        imported(read, content)
