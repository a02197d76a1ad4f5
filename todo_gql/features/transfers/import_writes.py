"""Creating and starting imports."""

from typing import Final
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Row, fetchrow
from todo_gql.database.models import TransferKind
from todo_gql.database.retry import retried
from todo_gql.features.attachments.upload_target import UploadTarget
from todo_gql.features.transfers.import_inputs import ImportInput, read_import, suggested_format
from todo_gql.features.transfers.import_types import ImportJob, ImportPayload
from todo_gql.features.transfers.imports.importer import IS_LIST, file_key
from todo_gql.features.transfers.watchers import announce
from todo_gql.features.transfers.writes import create_job, locked_jobs, start_job, stored_job
from todo_gql.operation.context import Context
from todo_gql.storage.store import FileMissing, Upload
from todo_gql.storage.stores import file_store

CONTENT_TYPE: Final = "application/octet-stream"
NOT_UPLOADED: Final = "Upload the file first, to the URL that `importCreate` answered with."


@retried
async def create_import(context: Context, sent: ImportInput) -> ImportPayload:
    """Create an import that waits for its file. Raises `Unauthenticated`."""
    owner_id, job_id = context.signed_in().id, uuid7()
    values, problems = read_import(sent, "input")
    list_id = values["list_id"]
    if list_id and await fetchrow(IS_LIST, owner_id, list_id) is None:
        problems.append(not_found("input", "listId"))
    if problems:
        return ImportPayload(errors=problems)
    format, digest = values["format"], bytes.fromhex(sent.sha256)
    if format is None:
        format = suggested_format(values["file_name"]).value
    async with locked_jobs(owner_id):
        row = await create_job(
            *(owner_id, job_id, TransferKind.IMPORT),
            input=orjson.dumps(values, default=str).decode(),
            format=format,
            size=sent.size,
            sha256=digest,
        )
    if isinstance(row, tuple):
        return ImportPayload(errors=[invalid(*row, "input")])
    upload = Upload(sent.size, digest, CONTENT_TYPE)
    url = file_store(context.settings).upload_url(file_key(job_id), upload)
    return ImportPayload(job=ImportJob.from_row(row), upload=UploadTarget.of(url))


@retried
async def start_import(context: Context, id: str, *, is_trial: bool) -> ImportPayload:
    """Have a worker import the uploaded file, or try to. Raises `Unauthenticated`."""
    owner_id, job_id = context.signed_in().id, parse_id(id)
    async with locked_jobs(owner_id):
        row = await stored_job(owner_id, job_id)
        started = await _started(context, row, is_trial=is_trial)
    if not isinstance(started, UserError):
        announce(started["id"])
        return ImportPayload(job=ImportJob.from_row(started))
    job = ImportJob.from_row(row) if row and row["kind"] == TransferKind.IMPORT else None
    return ImportPayload(job=job, errors=[started])


async def _started(context: Context, row: Row | None, *, is_trial: bool) -> Row | UserError:
    if row is None or row["kind"] != TransferKind.IMPORT:
        return not_found("id")
    if not await _is_uploaded(context, row["id"], row["file_size"]):
        return invalid(ErrorCode.REQUIRED, NOT_UPLOADED, "id")
    started = await start_job(row, is_trial=is_trial)
    return invalid(*started, "id") if isinstance(started, tuple) else started


async def _is_uploaded(context: Context, job_id: UUID, size: int) -> bool:
    try:
        return await file_store(context.settings).size(file_key(job_id)) == size
    except FileMissing:
        return False
