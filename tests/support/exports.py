"""Exports of an account: asked for, made by a worker, and read."""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from tests.support.accounts import Account
from tests.support.waiting import until
from todo_gql.features.transfers.exports.running import export_chunks
from todo_gql.settings import Settings
from todo_gql.storage.stores import file_store

PARTS = "id state done total url expiresAt size finishedAt"
EXPORT = f"""
mutation ($withFiles: Boolean! = false) {{
  exportCreate(withFiles: $withFiles) {{ job {{ {PARTS} }} errors {{ code message path }} }}
}}
"""
READ = f"query ($id: ID!) {{ node(id: $id) {{ ... on ExportJob {{ {PARTS} }} }} }}"


@dataclass
class Archive:
    """An export that was read."""

    content: bytes

    def text(self, name: str) -> bytes:
        """A member of the archive."""
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            return archive.read(f"todo_gql-export/{name}")

    def names(self) -> list[str]:
        """The names of the members below the folder, in their order."""
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            assert archive.testzip() is None
            return [name.removeprefix("todo_gql-export/") for name in archive.namelist()]

    def lines(self, name: str = "data.jsonl") -> list[dict[str, Any]]:
        """The objects on the lines of a member."""
        return [orjson.loads(line) for line in self.text(name).splitlines()]

    def of(self, type_: str) -> list[dict[str, Any]]:
        """The lines of a type."""
        return [line for line in self.lines() if line["type"] == type_]


async def exported(account: Account, settings: Settings, *, with_files: bool = False) -> Archive:
    """An export of an account that no worker makes."""

    async def advance(_done: int, _total: int) -> None:
        pass

    chunks: AsyncIterator[bytes] = export_chunks(
        UUID(account.id), file_store(settings), advance, with_files=with_files
    )
    return Archive(b"".join([chunk async for chunk in chunks]))


async def start_export(account: Account, **values: Any) -> dict[str, Any]:
    """An export just asked for."""
    payload = (await account.data(EXPORT, **values))["exportCreate"]
    assert payload["errors"] == [], payload
    return dict(payload["job"])


async def read_export(account: Account, id: str) -> dict[str, Any]:
    """An export as it is now."""
    return dict((await account.data(READ, id=id))["node"])


async def finished_export(account: Account, id: str) -> dict[str, Any]:
    """An export once it has ended."""
    job: dict[str, Any] = {}

    async def is_over() -> bool:
        job.update(await read_export(account, id))
        return job["finishedAt"] is not None

    await until(is_over)
    return job


async def downloaded(account: Account, job: dict[str, Any]) -> Archive:
    """The archive at the address of an export."""
    parts = urlsplit(job["url"])
    answer = await account.http.get(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    assert len(answer.content) == job["size"]
    return Archive(answer.content)
