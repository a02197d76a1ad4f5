"""Importing a part of a file in one transaction, by the write path of todos and of lists.

A trial run does the same up to what is written, so that its report is that of a real run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.errors import UserError
from todo_gql.api.text import Problem as TextProblem
from todo_gql.changelog.sizes import ROW_BYTES
from todo_gql.database.models import ChangeKind, EntityAction
from todo_gql.features.comments.bodies import LINE_BYTES, body_bytes, read_body
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.reminder_inputs import ReminderDraft
from todo_gql.features.todos.reminders import add_reminders
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.surroundings import Parent, Surroundings
from todo_gql.features.todos.writes import MAKE_PLANS_ANEW, OwnerWrite
from todo_gql.features.transfers.imports.drafts import TodoDraft, problem_code, shown
from todo_gql.features.transfers.imports.files import PreparedFile, PreparedFiles
from todo_gql.features.transfers.imports.known import (
    Key,
    Known,
    list_key,
    section_key,
    todo_key,
)
from todo_gql.features.transfers.imports.lists import ListImport
from todo_gql.features.transfers.imports.overlay import Overlay
from todo_gql.features.transfers.imports.part_files import PartFiles, change_of
from todo_gql.features.transfers.imports.report import Report
from todo_gql.importing.records import (
    ImportedComment,
    ImportedList,
    Problem,
    ProblemCode,
)

INSERT_COMMENTS: Final = """
INSERT INTO comments (id, owner_id, todo_id, author_id, body, mentions, version, created_at)
SELECT n.id, $1, n.todo_id, $2, n.body, '[]', 1, n.created_at
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[]) AS n (id, todo_id, body, created_at)
"""


@dataclass
class Part:
    """What one transaction imports of a file, and what it comes to."""

    lists: Sequence[ImportedList]
    drafts: Sequence[TodoDraft]
    known: Known
    files: PreparedFiles = field(default_factory=PreparedFiles)
    report: Report = field(default_factory=Report)
    new: Known = field(default_factory=dict)
    is_full: bool = False
    list_names: Mapping[str, str] = field(default_factory=dict)


class PartImport:
    """The todos of one part, under the owner's lock."""

    def __init__(
        self,
        write: OwnerWrite,
        part: Part,
        quota: Quota,
        default_list_id: UUID | None,
        overlay: Overlay | None,
    ) -> None:
        """With an `overlay`, of a trial run, nothing is written."""
        self.write, self.part, self.quota, self.overlay = write, part, quota, overlay
        self.default_list_id = default_list_id
        self.around = Surroundings()
        self._todos: list[TodoState] = []
        self._reminders: list[tuple[TodoState, list[ReminderDraft]]] = []
        self._comments: list[tuple[UUID, TodoState, ImportedComment, str]] = []
        self.files = PartFiles(write, part.files, quota)

    async def run(self) -> None:
        """Import the part; the caller commits it, with the report and `new`."""
        part, write = self.part, self.write
        before = write.storage.todos, write.storage.stored_bytes
        await self._load_surroundings()
        await self.files.load(self.overlay.file_bytes if self.overlay else 0)
        if self.overlay:
            self.overlay.apply(write, self.around)
            before = write.storage.todos, write.storage.stored_bytes
        write.touch([*self.around.open_counts])
        lists = ListImport(write, self.around, part.known, part.report, self.overlay)
        for read in part.lists:
            await lists.add(read)
        part.new |= lists.new
        for draft in part.drafts:
            self._add(draft)
        if self.overlay:
            todos, stored = write.storage.todos - before[0], write.storage.stored_bytes - before[1]
            self.overlay.note(self.around, part.new, todos, stored)
            self.overlay.file_bytes += self.files.added_bytes
        else:
            await self._store()

    async def _load_surroundings(self) -> None:
        ids: dict[int, list[UUID]] = {ChangeKind.LIST: [], ChangeKind.SECTION: []}
        for (kind, _), id in self.part.known.items():
            ids.setdefault(kind, []).append(id)
        # Of todos only those that are parents matter.
        named = {todo_key(d.read.parent_id) for d in self.part.drafts if d.read.parent_id}
        parents = [id for key, id in self.part.known.items() if key in named]
        self.around = await Surroundings.load(
            self.write,
            lists=[*ids[ChangeKind.LIST], self.default_list_id],
            sections=ids[ChangeKind.SECTION],
            parents=parents,
        )

    def _add(self, draft: TodoDraft) -> None:
        """Plan a todo, unless it was imported before, or there is no room for it."""
        read, report = draft.read, self.part.report
        key = todo_key(read.foreign_id)
        if key in self.part.known:
            report.counts["alreadyImported"] += 1
            return
        if self.part.is_full:
            report.counts["skipped"] += 1
            return
        files = self.files.choose(draft)
        todo = self._placed(draft)
        is_open = todo.status in OPEN_STATUSES
        if problem := self.around.add_open(todo.list_id, int(is_open)):
            self._refuse(draft, problem)
            return
        if problem := self._reserve(todo, files):
            # Whatever follows has no room either, and would be reported one by one.
            self._refuse(draft, problem)
            self.part.is_full = True
            return
        self._plan(draft, todo, key, files)

    def _reserve(self, todo: TodoState, files: Sequence[PreparedFile]) -> TextProblem | None:
        """Count a new todo and the change that attaches its files, or return why there is no room."""
        storage, change = self.write.storage, change_of(todo, files)
        problem = storage.reserve(Entry(None, todo), self.quota)
        return storage.reserve(change, self.quota) if change and not problem else problem

    def _plan(
        self, draft: TodoDraft, todo: TodoState, key: Key, files: Sequence[PreparedFile]
    ) -> None:
        report = self.part.report
        self._note_parent(todo)
        self._todos.append(todo)
        self.part.known[key] = self.part.new[key] = todo.id
        report.add(draft.problems)
        report.counts["todos"] += 1
        report.counts["reminders"] += len(draft.reminders)
        if draft.reminders:
            self._reminders.append((todo, draft.reminders))
        comment_ids: dict[str, UUID] = {}
        for comment in draft.read.comments:
            if id := self._add_comment(draft, todo, comment):
                comment_ids[comment.foreign_id] = id
        self.files.plan(todo, files, comment_ids)
        report.counts["attachments"] += len(files)

    def _placed(self, draft: TodoDraft) -> TodoState:
        """The todo in its list and section and below its parent, as far as these are there."""
        read, around = draft.read, self.around
        parent_id = self._id_of(read.parent_id, todo_key)
        parent = around.parents.get(parent_id) if parent_id else None
        if read.parent_id and parent is None:
            message = (
                "Its parent was deleted here, or couldn't be imported: it is no subtask any more."
            )
            draft.lose_late(ProblemCode.INVALID, message, f"Subtask of: {read.parent_id}")
        if parent and parent_id and (problem := around.add_subtask(parent_id, 0)):
            draft.lose_late(ProblemCode.TOO_MANY, problem[1], f"Subtask of: {read.parent_id}")
            parent = None
        if parent:
            list_id = parent.list_id
        else:
            parent_id, list_id = None, self._list_of(draft)
        section_id = self._id_of(read.section_id, section_key)
        if section_id and around.sections.get(section_id) != list_id:
            section_id = None
        created_at = min(draft.state.created_at, self.write.now)
        completed_at = draft.state.completed_at and min(draft.state.completed_at, self.write.now)
        return draft.state._replace(
            list_id=list_id,
            section_id=section_id,
            parent_id=parent_id,
            created_at=created_at if draft.read.created_at else self.write.now,
            updated_at=self.write.now,
            completed_at=completed_at,
        )

    def _list_of(self, draft: TodoDraft) -> UUID | None:
        around, read = self.around, draft.read
        default = self.default_list_id if around.is_there(self.default_list_id) else None
        if read.list_id is None:
            return default
        list_id = self._id_of(read.list_id, list_key)
        if list_id and around.is_there(list_id):
            return list_id
        message = "Its list was deleted here since it was imported, or there is no room for it."
        name = self.part.list_names.get(read.list_id, read.list_id)
        draft.lose_late(ProblemCode.INVALID, message, f"List: {shown(name)}")
        return default

    def _id_of(self, foreign_id: str | None, key_of: Callable[[str], Key]) -> UUID | None:
        return self.part.known.get(key_of(foreign_id)) if foreign_id is not None else None

    def _note_parent(self, todo: TodoState) -> None:
        above = self.around.parents[todo.parent_id].line if todo.parent_id else frozenset[UUID]()
        self.around.parents[todo.id] = Parent(todo.list_id, above | {todo.id}, 0)

    def _add_comment(
        self, draft: TodoDraft, todo: TodoState, comment: ImportedComment
    ) -> UUID | None:
        """Plan a comment; its id, or None where there is no room for it."""
        body, errors = read_body(comment.body)
        problem: TextProblem | None = _first(errors)
        if problem is None:
            added = ROW_BYTES + body_bytes(body) + LINE_BYTES
            problem = self.write.storage.reserve_bytes(added, self.quota)
        if problem:
            code, message = problem_code(problem), f"A comment isn't imported. {problem[1]}"
            self.part.report.add([Problem(draft.read.location, code, message, draft.shown_title)])
            return None
        id = uuid7()
        self._comments.append((id, todo, comment, body))
        self.part.report.counts["comments"] += 1
        return id

    def _refuse(self, draft: TodoDraft, problem: TextProblem) -> None:
        code = problem_code(problem)
        self.part.report.add([Problem(draft.read.location, code, problem[1], draft.shown_title)])

    async def _store(self) -> None:
        write = self.write
        # Lists first, since their lines of the log come before those of todos in them.
        await write.store()
        if self._todos:
            await write.connection.execute(MAKE_PLANS_ANEW)
            created = await write.create(self._todos)
            assert len(created) == len(self._todos)
            await add_reminders(write, self._reminders)
            if self._comments:
                await self._store_comments()
            await self.files.store(created)

    async def _store_comments(self) -> None:
        write, rows = self.write, []
        for id, todo, comment, body in self._comments:
            created_at = min(comment.created_at or write.now, write.now)
            rows.append((id, todo.id, body, created_at))
            write.log(
                *(ChangeKind.COMMENT, id, EntityAction.CREATED, []),
                list_id=todo.list_id,
                todo_id=todo.id,
                added_bytes=ROW_BYTES + body_bytes(body),
            )
        values = zip(*rows, strict=True)
        await write.connection.execute(INSERT_COMMENTS, write.owner_id, write.actor_id, *values)
        await write.store()


def _first(errors: Sequence[UserError]) -> TextProblem | None:
    return (errors[0].code, errors[0].message) if errors else None
