"""Files in a store that speaks S3, which moto's server is one of."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.ports import free_port
from tests.support.s3_servers import KEY_ID, SECRET, new_bucket, s3_server
from tests.support.stored_files import content_of, new_key, pieces, upload_of
from todo_gql.storage.s3 import S3Store, StoreFailed
from todo_gql.storage.s3_requests import Bucket
from todo_gql.storage.store import FileMissing

REGIONS = ("us-east-1", "eu-central-1")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A store's URL."""
    with s3_server() as url:
        yield url


@pytest.fixture(scope="module")
def store(url: str) -> S3Store:
    """A store of files in a bucket."""
    return new_bucket(url, "files")


async def test_a_file_is_read_as_it_was_written(store: S3Store) -> None:
    """A file has the bytes and the size that were written, over what was there before."""
    key, content = new_key(), b"x" * 300_000
    await store.write(key, pieces(b"something before"), "text/plain")
    assert await store.write(key, pieces(content, content), "text/plain") == 600_000
    assert await content_of(store, key) == content * 2
    assert await store.size(key) == 600_000


async def test_an_empty_file_is_a_file(store: S3Store) -> None:
    """Nothing can be stored as well."""
    key = new_key()
    assert await store.write(key, pieces(), "text/plain") == 0
    assert (await store.size(key), await content_of(store, key)) == (0, b"")


async def test_all_files_of_a_prefix_are_deleted(store: S3Store) -> None:
    """Deletion leaves nothing of one thing, and all of the others; repeating it is no error."""
    key, other = new_key(), new_key()
    prefix = key.removesuffix("/original")
    for each in (key, f"{prefix}/320", other):
        await store.write(each, pieces(b"content"), "text/plain")
    for _ in range(2):
        await store.delete(prefix)
    assert await store.size(other) == 7
    for each in (key, f"{prefix}/320"):
        with pytest.raises(FileMissing):
            await store.size(each)
        with pytest.raises(FileMissing):
            await content_of(store, each)


@pytest.mark.parametrize("region", REGIONS)
async def test_an_upload_signs_all_that_was_announced(url: str, region: str) -> None:
    """Length, type, hash and host are signed, in us-east-1 as elsewhere, and for 15 minutes."""
    bucket = Bucket(url, "files", region, KEY_ID, SECRET)
    upload = S3Store(bucket).upload_url(new_key(), upload_of(b"content", "image/png"))
    signed = parse_qs(urlsplit(upload.url).query)
    assert signed["X-Amz-SignedHeaders"] == [
        "content-length;content-type;host;x-amz-checksum-sha256"
    ]
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert signed["X-Amz-Expires"] == ["900"]
    assert upload.method == "PUT"
    assert upload.headers == {
        "Content-Type": "image/png",
        "x-amz-checksum-sha256": b64encode(sha256(b"content").digest()).decode(),
    }
    others = [
        S3Store(bucket).upload_url(new_key(), upload_of(*changed))
        for changed in ((b"contents", "image/png"), (b"content", "image/gif"))
    ]
    signatures = {parse_qs(urlsplit(each.url).query)["X-Amz-Signature"][0] for each in others}
    assert signed["X-Amz-Signature"][0] not in signatures


async def test_what_clients_upload_is_stored(store: S3Store) -> None:
    """A client sends a file to the URL, with the headers that it was told."""
    key = new_key()
    upload = store.upload_url(key, upload_of(b"content"))
    async with httpx.AsyncClient() as http:
        answer = await http.put(upload.url, content=b"content", headers=dict(upload.headers))
    assert answer.status_code == 200
    assert await content_of(store, key) == b"content"


async def test_clients_read_files_under_the_name_that_was_signed(store: S3Store) -> None:
    """A download has the type and the disposition that the server chose."""
    key = new_key()
    await store.write(key, pieces(b"content"), "text/html")
    url = store.download_url(
        key, file_name='Übung "1".html', content_type="application/octet-stream", inline=False
    )
    async with httpx.AsyncClient() as http:
        answer = await http.get(url)
    assert (answer.status_code, answer.content) == (200, b"content")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_bung _1_.html\"; filename*=UTF-8''%C3%9Cbung%20%221%22.html"
    )
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["300"]


def test_clients_are_sent_to_the_public_endpoint(url: str) -> None:
    """Browsers get URLs of S3_PUBLIC_ENDPOINT, whose host is signed."""
    bucket = Bucket(url, "files", "eu-central-1", KEY_ID, SECRET)
    upload = S3Store(bucket, "https://files.example").upload_url(new_key(), upload_of(b"content"))
    assert upload.url.startswith("https://files.example/files/attachments/")


async def test_failures_say_what_to_do_and_no_secrets() -> None:
    """An operator reads which setting to look at; a URL, which has a signature, is never shown."""
    store = S3Store(
        Bucket(f"http://127.0.0.1:{free_port()}", "files", "eu-central-1", KEY_ID, SECRET)
    )
    with pytest.raises(StoreFailed) as failure:
        await store.size(new_key())
    assert str(failure.value) == "the store of files can't be reached: ClientConnectorError"


async def test_a_missing_bucket_is_no_missing_file(url: str) -> None:
    """A bucket that isn't there is the operator's to mend."""
    store = S3Store(Bucket(url, "nowhere", "eu-central-1", KEY_ID, SECRET))
    with pytest.raises(StoreFailed, match="404 NoSuchBucket: check S3_BUCKET"):
        await store.write(new_key(), pieces(b"content"), "text/plain")
