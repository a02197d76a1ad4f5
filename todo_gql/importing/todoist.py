"""Reading Todoist's CSV files, of all three generations of headers, and the archives of its backups."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Final

from todo_gql.importing.archives import Archive, is_archive, shown
from todo_gql.importing.contents import MAX_FILE_BYTES, read_bytes
from todo_gql.importing.csv_rows import Row, rows
from todo_gql.importing.date_words import WordReader
from todo_gql.importing.drafts import PathIds, foreign_id, titled
from todo_gql.importing.records import (
    ImportedList,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
    UnreadableFile,
)
from todo_gql.importing.todoist_comments import comment_of
from todo_gql.importing.todoist_tasks import TaskReader

HEADER: Final = frozenset(("type", "content", "priority"))
# Backups have the project's number behind its name: "Home [2203306141].csv".
_NAME: Final = re.compile(r"(.*\S)\s?[\[(]([0-9]{5,20})[\])]", re.DOTALL)
_INBOX: Final = "inbox"


def read(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
    """The projects of a backup, each with its sections, tasks and notes, or the project of one CSV file.

    A project is named by its file. Raises `UnreadableFile`.
    """
    content = read_bytes(file)
    words = WordReader(options.now)
    if not is_archive(content):
        yield from _project(content, options.file_name, "", [], words, options)
        return
    archive = Archive(content)
    names = csv_names(archive.names)
    if not names:
        raise UnreadableFile("The archive has no CSV files of Todoist.")
    for name in names:
        try:
            yield from _project(
                archive.read(name, MAX_FILE_BYTES),
                name,
                f"{name[:100]}: ",
                archive.names,
                words,
                options,
            )
        except UnreadableFile as error:
            yield Problem(name[:100], ProblemCode.INVALID, f"{shown(name)} isn't imported: {error}")


def csv_names(names: list[str]) -> list[str]:
    """The names of CSV files among those of an archive, without what macOS adds."""
    return [
        name for name in names if name.lower().endswith(".csv") and not name.startswith("__MACOSX/")
    ]


def _project(
    content: bytes,
    file_name: str,
    prefix: str,
    files: list[str],
    words: WordReader,
    options: ReadOptions,
) -> Iterator[Item]:
    name, project_id = _project_of(file_name)
    is_inbox = name.lower() == _INBOX
    sections, notes, authors = _overview(content)
    if not is_inbox:
        yield ImportedList(
            foreign_id=project_id,
            location=f"{prefix}line 1",
            name=name,
            description="\n\n".join(notes) or None,
            sections=tuple(sections),
        )
    reader = TaskReader(
        project_id=project_id,
        list_id=None if is_inbox else project_id,
        prefix=prefix,
        files=files,
        names_authors=len(authors) > 1,
        words=words,
        options=options,
    )
    for row in rows(content, HEADER):
        if isinstance(row, Problem):
            yield Problem(f"{prefix}{row.location}", row.code, row.message)
        else:
            yield from reader.items(row)
    yield from reader.finish()


def _project_of(file_name: str) -> tuple[str, str]:
    """A project's name and id, by the name of its file."""
    stem = PurePosixPath(file_name.replace("\\", "/")).stem.strip()
    match = _NAME.fullmatch(stem[:500])
    if match:
        return titled(match[1]), foreign_id("project", match[2])
    return titled(stem), foreign_id("project", stem)


def _overview(content: bytes) -> tuple[list[tuple[str, str]], list[str], set[str]]:
    """A project's sections by id and name, the notes before its first task, and who wrote tasks and notes."""
    sections, ids = list[tuple[str, str]](), PathIds()
    notes, authors = list[str](), set[str]()
    has_begun = False
    for row in rows(content, HEADER):
        if not isinstance(row, Row):
            continue
        kind = row["type"].strip().lower()
        if row["author"].strip():
            authors.add(row["author"].strip())
        if kind == "section":
            sections.append((ids.next("section", row["content"]), titled(row["content"])))
        elif kind == "note" and not has_begun:
            notes.append(comment_of(row["content"]).body)
        has_begun = has_begun or kind in ("task", "section")
    return sections, notes, authors
