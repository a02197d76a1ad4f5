"""Files of todos: announcing, uploading, finishing and reading them as clients do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from PIL import Image

from tests.support.accounts import ERRORS, Account
from tests.support.waiting import until
from todo_gql.database.connection import fetch
from todo_gql.settings import Settings
from todo_gql.tasks import working

PARTS = """
id fileName size contentType sha256 state refusedBecause width height url thumbnailUrl
large: thumbnailUrl(size: 1280) uploadedBy { id } createdAt
"""
PAYLOAD = f"""{{
  attachment {{ {PARTS} }} upload {{ url method headers {{ name value }} expiresAt }} {ERRORS}
}}"""
CREATE = f"""
mutation ($todoId: ID!, $input: AttachmentCreateInput!) {{
  attachmentCreate(todoId: $todoId, input: $input) {PAYLOAD}
}}
"""
FINISH = f"mutation ($id: ID!) {{ attachmentFinish(id: $id) {PAYLOAD} }}"
DELETE = f"mutation ($id: ID!) {{ attachmentDelete(id: $id) {{ ok {ERRORS} }} }}"
OF_TODO = f"query ($id: ID!) {{ todo(id: $id) {{ version attachments {{ {PARTS} }} }} }}"
NODE = f"query ($id: ID!) {{ node(id: $id) {{ ... on Attachment {{ {PARTS} }} }} }}"
USED = "SELECT stored_bytes FROM file_usage WHERE owner_id = $1"
INSERT = """
INSERT INTO attachments (id, owner_id, todo_id, comment_id, uploaded_by_id, file_name, size, content_type, sha256,
    state, thumbnail_sizes, created_at)
SELECT gen_random_uuid(), owner_id, id, $2, owner_id, $3, 1, 'text/plain', sha256('x'), 2, '[]', now()
FROM todos WHERE id = $1 RETURNING id
"""
STORED = "SELECT coalesce(sum(size), 0)::bigint AS size FROM attachments WHERE owner_id = $1"


def announcement(content: bytes, **changes: Any) -> dict[str, Any]:
    """What a client says of a file before it uploads it."""
    return {
        "fileName": "notes.txt",
        "size": len(content),
        "contentType": "text/plain",
        "sha256": sha256(content).hexdigest(),
        **changes,
    }


async def announce(
    account: Account, todo_id: str, content: bytes, **changes: Any
) -> dict[str, Any]:
    """The payload of announcing a file."""
    data = await account.data(CREATE, todoId=todo_id, input=announcement(content, **changes))
    return dict(data["attachmentCreate"])


async def upload(account: Account, payload: dict[str, Any], content: bytes) -> httpx.Response:
    """The answer to the upload that a payload asks for."""
    target = payload["upload"]
    headers = {header["name"]: header["value"] for header in target["headers"]}
    path = urlsplit(target["url"]).path
    return await account.http.request(target["method"], path, content=content, headers=headers)


async def finish(account: Account, id: str) -> dict[str, Any]:
    """The payload of finishing an upload."""
    return dict((await account.data(FINISH, id=id))["attachmentFinish"])


async def delete(account: Account, id: str) -> dict[str, Any]:
    """The payload of deleting a file."""
    return dict((await account.data(DELETE, id=id))["attachmentDelete"])


async def attached(
    account: Account, todo_id: str, content: bytes = b"content", **changes: Any
) -> dict[str, Any]:
    """A file that was uploaded and finished."""
    payload = await announce(account, todo_id, content, **changes)
    assert payload["errors"] == [], payload
    assert (await upload(account, payload, content)).status_code == 200
    finished = await finish(account, payload["attachment"]["id"])
    assert finished["errors"] == [], finished
    return dict(finished["attachment"])


async def put_file(todo_id: str, name: str = "x.txt", comment_id: str | None = None) -> str:
    """The id of a file of its owner's that a todo has, or a comment on it; its bytes are nowhere."""
    comment = UUID(comment_id) if comment_id else None
    [row] = await fetch(INSERT, UUID(todo_id), comment, name)
    return str(row["id"])


async def files_of(account: Account, todo_id: str) -> list[dict[str, Any]]:
    """The files of a todo."""
    return list((await account.data(OF_TODO, id=todo_id))["todo"]["attachments"])


async def read(account: Account, url: str) -> httpx.Response:
    """The answer to a download."""
    parts = urlsplit(url)
    return await account.http.get(parts.path)


async def examined(account: Account, id: str) -> dict[str, Any]:
    """A file once a worker has examined it."""

    async def node() -> dict[str, Any]:
        return dict((await account.data(NODE, id=id))["node"])

    async def is_done() -> bool:
        return bool((await node())["state"] != "SCANNING")

    await until(is_done)
    return await node()


@asynccontextmanager
async def examining(settings: Settings, database_url: str) -> AsyncIterator[None]:
    """Have a worker examine files for as long as the block."""
    await fetch("DELETE FROM pgqueuer")
    async with working(settings, database_url):
        yield


async def assert_usage_is_counted(account: Account) -> int:
    """The bytes that an account's files take, which are those that are counted."""
    [stored] = await fetch(STORED, UUID(account.id))
    used = await fetch(USED, UUID(account.id))
    assert (used[0]["stored_bytes"] if used else 0) == stored["size"]
    return int(stored["size"])


def picture(
    file_format: str, size: tuple[int, int] = (1600, 900), mode: str = "RGB", **options: Any
) -> bytes:
    """A picture of one colour, red, in a format."""
    file = BytesIO()
    colour: Any = {"RGB": (200, 30, 30), "RGBA": (200, 30, 30, 128), "P": 1, "L": 100}[mode]
    Image.new(mode, size, colour).save(file, file_format, **options)
    return file.getvalue()
