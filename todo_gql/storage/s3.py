"""Files in any store that speaks S3, which clients send to and read from themselves."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from tempfile import TemporaryFile
from typing import Any, Final

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar
from yarl import URL

from todo_gql.storage.chunks import CHUNK_BYTES, chunks_of
from todo_gql.storage.disposition import content_disposition
from todo_gql.storage.s3_requests import Bucket
from todo_gql.storage.store import (
    DOWNLOAD_SECONDS,
    KEY,
    PREFIX,
    UPLOAD_SECONDS,
    FileMissing,
    Upload,
    UploadURL,
)

# Between two pieces of a file; there is no bound on the whole, which depends on its size.
SILENT_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
MAX_ERROR_BYTES: Final = 4 * 1024
# A page of the list has 1,000 keys, with names and dates.
MAX_LIST_BYTES: Final = 4 * 1024 * 1024

NOT_FOUND: Final = 404
FIRST_FAILURE: Final = 300
CODE: Final = re.compile(r"<Code>([A-Za-z0-9]{1,100})</Code>")
LISTED_KEY: Final = re.compile(r"<Key>([a-z0-9_/-]{1,200})</Key>")
TRUNCATED: Final = "<IsTruncated>true</IsTruncated>"
# What an operator has to look at, by status; a redirect leads to the bucket's own region.
HINTS: Final[Mapping[int, str]] = {
    301: "S3_REGION or S3_ENDPOINT isn't that of the bucket",
    307: "S3_REGION or S3_ENDPOINT isn't that of the bucket",
    400: "S3_REGION may not be that of the bucket",
    403: "check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, what they may do, and the clock",
    404: "check S3_BUCKET",
}


class StoreFailed(OSError):
    """The store can't be reached or refuses; the message says why, without URLs, which are secrets."""


class S3Store:
    """Files of a bucket; `public_endpoint` is the URL at which clients reach the store."""

    def __init__(self, bucket: Bucket, public_endpoint: str | None = None) -> None:
        self.bucket = bucket
        self.public = replace(bucket, endpoint=public_endpoint or bucket.endpoint)

    def upload_url(self, key: str, upload: Upload) -> UploadURL:
        """Where a client uploads a file; length, type and hash are signed, and so is the host."""
        sent = _upload_headers(upload)
        url = self.public.signed_url("PUT", _checked(key), seconds=UPLOAD_SECONDS, headers=sent)
        # Clients set this one by themselves, and browsers let nobody else do it.
        del sent["Content-Length"]
        expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=UPLOAD_SECONDS)
        return UploadURL(url=url, method="PUT", headers=sent, expires_at=expires_at)

    def download_url(self, key: str, *, file_name: str, content_type: str, inline: bool) -> str:
        """Where a client reads a file for 5 minutes, under this name and type."""
        parameters = {
            "response-content-disposition": content_disposition(file_name, inline=inline),
            "response-content-type": content_type,
            "response-cache-control": f"private, max-age={DOWNLOAD_SECONDS}",
        }
        key = _checked(key)
        return self.public.signed_url("GET", key, seconds=DOWNLOAD_SECONDS, parameters=parameters)

    async def size(self, key: str) -> int:
        """The size of a file in bytes; raises `FileMissing`, or `StoreFailed`."""
        async with _request("HEAD", self.bucket.signed_url("HEAD", _checked(key)), key) as answer:
            return answer.content_length or 0

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """A file's bytes in chunks; raises `FileMissing`, or `StoreFailed`."""
        async with _request("GET", self.bucket.signed_url("GET", _checked(key)), key) as answer:
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                yield chunk

    async def write(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> int:
        """Store a file whole or not at all, over what is there; its size in bytes.

        A store wants to know size and hash beforehand, so that the file is on the disk meanwhile.
        """
        with await asyncio.to_thread(TemporaryFile) as file:
            size, digest = 0, sha256()
            async for chunk in chunks:
                size += len(chunk)
                await asyncio.to_thread(file.write, chunk)
                digest.update(chunk)
            await asyncio.to_thread(file.seek, 0)
            headers = _upload_headers(Upload(size, digest.digest(), content_type))
            url = self.bucket.signed_url("PUT", _checked(key), headers=headers)
            async with _request("PUT", url, key, headers=headers, data=chunks_of(file)):
                return size

    async def delete(self, prefix: str) -> None:
        """Delete every file whose key begins with `prefix/`; there may be none."""
        if not PREFIX.fullmatch(prefix):
            raise ValueError("this is no prefix of keys")
        parameters = {"list-type": "2", "prefix": f"{prefix}/"}
        is_truncated = True
        while is_truncated:
            url = self.bucket.signed_url("GET", "", parameters=parameters)
            async with _request("GET", url) as answer:
                text = (await answer.content.read(MAX_LIST_BYTES)).decode("utf-8", "replace")
            for key in LISTED_KEY.findall(text):
                async with _request("DELETE", self.bucket.signed_url("DELETE", key)):
                    pass
            is_truncated = TRUNCATED in text


def _checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise ValueError("this is no key of a file")
    return key


def _upload_headers(upload: Upload) -> dict[str, str]:
    return {
        "Content-Length": str(upload.size),
        "Content-Type": upload.content_type,
        "x-amz-checksum-sha256": b64encode(upload.sha256).decode(),
    }


@asynccontextmanager
async def _request(
    method: str, url: str, key: str | None = None, **options: Any
) -> AsyncIterator[ClientResponse]:
    """The store's answer, if it is a success; raises `FileMissing` for a key, or `StoreFailed`.

    The operator names the store, so its address may be a private one. Redirects aren't followed: they
    would take a signature to another host.
    """
    timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS)
    try:
        async with (
            ClientSession(
                cookie_jar=DummyCookieJar(),
                timeout=timeout,
                trust_env=False,
                auto_decompress=False,
                skip_auto_headers=("Content-Type",),
                headers={"Accept-Encoding": "identity", "User-Agent": "todo_gql"},
            ) as session,
            session.request(
                method, URL(url, encoded=True), allow_redirects=False, **options
            ) as answer,
        ):
            if answer.status >= FIRST_FAILURE:
                raise await _failure(answer, key)
            yield answer
    except StoreFailed:
        raise
    except (ClientError, OSError) as error:
        raise StoreFailed(f"the store of files can't be reached: {type(error).__name__}") from None


async def _failure(answer: ClientResponse, key: str | None) -> Exception:
    text = (await answer.content.read(MAX_ERROR_BYTES)).decode("utf-8", "replace")
    match = CODE.search(text)
    code = match.group(1) if match else answer.reason
    # A HEAD has no body that could tell a missing bucket from a missing file.
    if answer.status == NOT_FOUND and key and code != "NoSuchBucket":
        return FileMissing(key)
    hint = HINTS.get(answer.status)
    ending = f": {hint}" if hint else ""
    return StoreFailed(f"the store of files answers {answer.status} {code}{ending}")
