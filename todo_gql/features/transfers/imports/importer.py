"""Running an import: its file is fetched, read by another process, and stored part by part."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias
from uuid import UUID

from todo_gql.api.time_zones import LocalClock, time_zone_names
from todo_gql.database.connection import fetch, fetchrow, transaction
from todo_gql.database.retry import retried
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.attachments.inputs import MAX_FILE_BYTES
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.writes import owner_write
from todo_gql.features.transfers.imports.drafts import TodoDraft
from todo_gql.features.transfers.imports.files import FilePreparation, PreparedFiles
from todo_gql.features.transfers.imports.known import (
    Known,
    load_known,
    named_keys,
    store_known,
)
from todo_gql.features.transfers.imports.overlay import Overlay
from todo_gql.features.transfers.imports.parts import Part, PartImport
from todo_gql.features.transfers.imports.reading import FileReading, reading
from todo_gql.features.transfers.imports.report import (
    Report,
    as_counts,
    counts_of,
    store_problems,
)
from todo_gql.features.transfers.runs import JobFailed, Run
from todo_gql.importing.messages import FilePart, Request
from todo_gql.importing.records import ImportedList, ImportedTodo, Item, Problem
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings
from todo_gql.storage.store import FileMissing, FileStore
from todo_gql.storage.stores import file_store

IS_LIST: Final = "SELECT id FROM lists WHERE owner_id = $1 AND id = $2 AND deleted_at IS NULL"
ZONE: Final = "SELECT time_zone FROM users WHERE id = $1"
SET_FORMAT: Final = "UPDATE transfer_jobs SET format = $3 WHERE owner_id = $1 AND id = $2"
MISSING: Final = "The file isn't there: upload it again, to a new import."
LIST_GONE: Final = (
    "The list that was named for todos without one is deleted: create another import."
)
DIFFERENT: Final = "The file isn't the one that was announced: upload it again, to a new import."


Drafting: TypeAlias = "asyncio.Task[list[TodoDraft]]"
"""Working out what is to be stored of todos."""


def file_key(job_id: UUID) -> str:
    """The key of a job's file in the store."""
    return f"transfer_jobs/{job_id}/file"


async def run_import(settings: Settings, run: Run) -> None:
    """Import the file of a job; raises what `Run.advance` raises, and `JobFailed`."""
    with TemporaryDirectory(prefix="todo_gql-import-") as folder:
        path = Path(folder) / "file"
        await _fetch_file(file_store(settings), run, path)
        importer = await Importer.create(settings, run)
        request = Request(
            path=str(path),
            file_name=run.input["file_name"],
            format=run.input["format"],
            zone=importer.clock.zone_name or "UTC",
            skip=0 if run.row["is_trial"] else run.done,
            max_file_bytes=MAX_FILE_BYTES,
        )
        async with reading(request) as file:
            await importer.run_file(file)


async def _fetch_file(store: FileStore, run: Run, path: Path) -> None:
    """Copy the job's file to the disk; raises `JobFailed` unless it is what was announced."""
    digest, size = sha256(), 0
    with path.open("wb") as file:
        try:
            async for chunk in store.read(file_key(run.job_id)):
                await asyncio.to_thread(file.write, chunk)
                digest.update(chunk)
                size += len(chunk)
        except FileMissing:
            raise JobFailed(MISSING) from None
    if (size, digest.digest()) != (run.row["file_size"], run.row["sha256"]):
        raise JobFailed(DIFFERENT)


class Importer:
    """The import of one file. A trial run that another worker goes on with begins anew, since it has stored nothing."""

    def __init__(self, settings: Settings, run: Run, clock: LocalClock) -> None:
        self.run = run
        self.clock = clock
        self.quota = Quota.of(settings)
        self.files = FilePreparation(settings, run.owner_id, is_trial=run.row["is_trial"])
        self.counts: Counter[str] = counts_of(run)
        self.overlay = Overlay() if run.row["is_trial"] else None
        list_id = run.input["list_id"]
        self.default_list_id = UUID(list_id) if list_id else None
        self.source: int = run.row["format"]
        self.is_full = False
        self.list_names: dict[str, str] = {}

    @classmethod
    async def create(cls, settings: Settings, run: Run) -> "Importer":
        """The importer of a job, by the clock of its owner or in the zone that was named.

        Raises `JobFailed` if the list for todos that are in none isn't there any more.
        """
        list_id = run.input["list_id"]
        if list_id and await fetchrow(IS_LIST, run.owner_id, UUID(list_id)) is None:
            raise JobFailed(LIST_GONE)
        row = await fetchrow(ZONE, run.owner_id)
        zone = run.input["time_zone"] or (row and row["time_zone"])
        clock = LocalClock(datetime.now(UTC), zone if zone in time_zone_names() else None)
        return cls(settings, run, clock)

    async def run_file(self, file: FileReading) -> None:
        """Import what is read of the file, behind what the job has dealt with."""
        begun = await file.begin()
        self.source = begun.format
        values = self.run.owner_id, self.run.job_id, begun.format
        await fetch(SET_FORMAT, *values)
        if self.overlay:
            self.counts = Counter()
            await self._restart_trial()
        await self.run.advance(self.run.done, total=begun.total, counts=as_counts(self.counts))
        ahead: tuple[FilePart, Drafting] | None = None
        try:
            async for part in file.parts():
                # While PostgreSQL stores a part, the next one is worked out.
                ready, ahead = ahead, (part, asyncio.create_task(self._drafts(part.items)))
                if ready:
                    await self._import_part(*ready)
            if ahead:
                await self._import_part(*ahead)
        finally:
            if ahead:
                ahead[1].cancel()

    async def _restart_trial(self) -> None:
        """Have a trial run begin with an empty report, whatever one that was interrupted has reported."""
        async with transaction() as connection:
            values = self.run.owner_id, self.run.job_id
            await connection.execute(
                "DELETE FROM import_problems WHERE owner_id = $1 AND job_id = $2", *values
            )
            await self.run.advance(0, counts={}, connection=connection)
        self.run.note(0)

    async def _import_part(self, part: FilePart, drafting: Drafting) -> None:
        prepared = [await drafting]
        files = await self._files(part)
        import_part = self._try_part if self.overlay else self._store_part
        self.counts = await import_part(part.items, prepared, files)
        self.run.note(self.run.done + len(part.items))

    async def _files(self, part: FilePart) -> PreparedFiles:
        """The part's files, whose bytes are in the store unless this is a trial run."""
        if self.is_full:
            return PreparedFiles()
        planned = self.overlay.file_bytes if self.overlay else 0
        attached = self.counts["attachments"]
        return await self.files.prepare(part, self.source, attached=attached, planned_bytes=planned)

    async def _drafts(self, items: Sequence[Item]) -> list[TodoDraft]:
        """What is to be stored of the todos; worked out before the lock, and with pauses."""
        time_slice, drafts = TimeSlice(is_long=True), list[TodoDraft]()
        clock = LocalClock(datetime.now(UTC), self.clock.zone_name)
        for item in items:
            if isinstance(item, ImportedTodo):
                await time_slice.checkpoint()
                drafts.append(TodoDraft(item, self.run.owner_id, clock))
        return drafts

    def _part(
        self,
        items: Sequence[Item],
        drafts: Sequence[TodoDraft],
        known: Known,
        files: PreparedFiles,
    ) -> Part:
        report = Report()
        report.add(item for item in items if isinstance(item, Problem))
        lists = [item for item in items if isinstance(item, ImportedList)]
        self.list_names |= {one.foreign_id: one.name for one in lists}
        names = self.list_names
        return Part(lists, drafts, known, files, report, is_full=self.is_full, list_names=names)

    @retried
    async def _store_part(
        self, items: Sequence[Item], prepared: list[list[TodoDraft]], files: PreparedFiles
    ) -> Counter[str]:
        """Store a part, with its report and how far the job is, in one transaction.

        `prepared` has what is to be stored of its todos; when it is tried again, that is worked out anew.
        """
        run, drafts = self.run, prepared.pop() if prepared else await self._drafts(items)
        async with owner_write(owner_id=run.owner_id, actor_id=run.owner_id) as write:
            query = write.connection.fetch
            known = await load_known(query, run.owner_id, self.source, named_keys(items))
            part = self._part(items, drafts, known, files)
            storing = PartImport(write, part, self.quota, self.default_list_id, None)
            await storing.run()
            await store_known(write.connection, run.owner_id, self.source, part.new)
            await store_problems(write.connection, run, part.report.problems)
            counts = self.counts + part.report.counts
            done = run.done + len(items)
            await run.advance(done, counts=as_counts(counts), connection=write.connection)
        metrics().files.labels("ready").inc(storing.files.ready_count)
        self.is_full = part.is_full
        return counts

    async def _try_part(
        self, items: Sequence[Item], prepared: list[list[TodoDraft]], files: PreparedFiles
    ) -> Counter[str]:
        """Report what storing a part would come to."""
        run, overlay, drafts = self.run, self.overlay, prepared.pop()
        assert overlay is not None
        async with owner_write(owner_id=run.owner_id, actor_id=run.owner_id) as write:
            query = write.connection.fetch
            keys = named_keys(items)
            known = await load_known(query, run.owner_id, self.source, keys)
            known |= {key: overlay.known[key] for key in keys if key in overlay.known}
            part = self._part(items, drafts, known, files)
            await PartImport(write, part, self.quota, self.default_list_id, overlay).run()
            write.discard()
        self.is_full = part.is_full
        counts = self.counts + part.report.counts
        async with transaction() as connection:
            await store_problems(connection, run, part.report.problems)
            done = run.done + len(items)
            await run.advance(done, counts=as_counts(counts), connection=connection)
        return counts
