"""Files for the store, and what is stored there."""

from collections.abc import AsyncIterator
from hashlib import sha256
from uuid import uuid4

from todo_gql.storage.store import FileStore, Upload


def new_key(file: str = "original") -> str:
    """The key of a file that isn't there yet."""
    return f"attachments/{uuid4()}/{file}"


def upload_of(content: bytes, content_type: str = "text/plain") -> Upload:
    """What announces the upload of a content."""
    return Upload(len(content), sha256(content).digest(), content_type)


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    """Contents that come one after the other."""
    for content in contents:
        yield content


async def content_of(store: FileStore, key: str) -> bytes:
    """All bytes of a stored file."""
    return b"".join([chunk async for chunk in store.read(key)])
