"""Attaching the files of a part's todos, under the owner's lock and in the part's transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from todo_gql.features.attachments.incoming import AttachedFile, IncomingFile, attach_files
from todo_gql.features.comments.files import MAX_FILES as MAX_COMMENT_FILES
from todo_gql.features.todos.file_changes import file_entry
from todo_gql.features.todos.file_usage import USED, room_problem
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.features.transfers.imports.drafts import TodoDraft, problem_code, shown
from todo_gql.features.transfers.imports.files import PreparedFile, PreparedFiles


class PartFiles:
    """The files of one part; `added_bytes` is what those take that are planned."""

    def __init__(self, write: OwnerWrite, prepared: PreparedFiles, quota: Quota) -> None:
        self.write, self.prepared, self.quota = write, prepared, quota
        self.added_bytes = 0
        self._used = 0
        self._attached: list[AttachedFile] = []

    async def load(self, planned_bytes: int) -> None:
        """Read how much the owner's files take, with what a trial run has planned."""
        if self.prepared.by_todo:
            used = await self.write.connection.fetchval(USED, self.write.owner_id) or 0
            self._used = used + planned_bytes

    def choose(self, draft: TodoDraft) -> list[PreparedFile]:
        """The files that a todo gets; the others, and other names, are losses of its draft."""
        chosen: list[PreparedFile] = []
        used = self._used + self.added_bytes
        for one in self.prepared.of(draft.read.foreign_id):
            file, problem, name = one.file, one.problem, shown(one.name)
            if file and (full := room_problem(used, file.content.size, self.quota)):
                file, problem = None, full
            if file:
                used += file.content.size
                chosen.append(one)
            if problem:
                outcome = f"is attached as {file.file_name}" if file else "isn't attached"
                message = f"The file {name} {outcome}. {problem[1]}"
                draft.lose_late(problem_code(problem), message, f"File: {name}")
        return chosen

    def plan(
        self, todo: TodoState, chosen: Sequence[PreparedFile], comment_ids: Mapping[str, UUID]
    ) -> None:
        """Attach the files to a todo when it is stored, and to its comments as far as they go there."""
        of_comments = Counter[UUID]()
        for one in chosen:
            assert one.file
            comment_id = comment_ids.get(one.comment_id) if one.comment_id else None
            if comment_id and of_comments[comment_id] >= MAX_COMMENT_FILES:
                comment_id = None
            if comment_id:
                of_comments[comment_id] += 1
            self._attached.append(AttachedFile(one.file, todo.id, comment_id))
            self.added_bytes += one.file.content.size

    @property
    def ready_count(self) -> int:
        """How many of the planned files are READY at once."""
        return sum(one.file.is_ready for one in self._attached)

    async def store(self, created: Mapping[UUID, TodoState]) -> None:
        """Store the rows, and one change for each todo that has files which are READY."""
        await attach_files(self.write, self._attached, self.prepared.notes)
        names: dict[UUID, list[str]] = {}
        for file, todo_id, _ in self._attached:
            if file.is_ready:
                names.setdefault(todo_id, []).append(file.file_name)
        now = self.write.now
        self.write.record(file_entry(created[id], [], new, now) for id, new in names.items())
        await self.write.store()


def change_of(todo: TodoState, files: Sequence[PreparedFile]) -> Entry | None:
    """The change of a new todo that gets files; None if none is READY."""
    ready: list[IncomingFile] = [one.file for one in files if one.file and one.file.is_ready]
    names = [file.file_name for file in ready]
    return file_entry(todo, [], names, todo.updated_at) if names else None
