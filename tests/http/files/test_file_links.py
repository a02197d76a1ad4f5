"""The links of files on a local disk, over a server of this process."""

import asyncio
import io
from collections.abc import AsyncIterator
from hashlib import sha256

import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.stored_files import content_of, new_key, pieces
from tests.support.waiting import until
from todo_gql.http.files.endpoint import FileEndpoint
from todo_gql.http.middleware.stack import with_middleware
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings
from todo_gql.storage.links import DownloadLink, UploadLink
from todo_gql.storage.local import LocalStore
from todo_gql.storage.stores import local_store

CONTENT = bytes(range(256)) * 4_096
NAME = "Übersicht “2027”\u202e/..\\\r\nX: y.png"
PAST, FUTURE = 1_000_000_000, 2**33


@pytest.fixture(scope="module")
def store(settings: Settings) -> LocalStore:
    """The application's store."""
    return local_store(settings)


@pytest.fixture
async def http(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, over TCP."""
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as http:
        yield http


def path_of(store: LocalStore, link: UploadLink | DownloadLink) -> str:
    """The path of a link."""
    return f"/files/{store.signer.token(link)}"


def upload_link(content: bytes, key: str, expires_at: int = FUTURE) -> UploadLink:
    """A link that allows the upload of a content."""
    digest = sha256(content).hexdigest()
    return UploadLink(key, len(content), digest, "image/png", expires_at)


def download_link(key: str, *, inline: bool = False, expires_at: int = FUTURE) -> DownloadLink:
    """A link that allows a download."""
    return DownloadLink(key, NAME, "image/png" if inline else "text/html", inline, expires_at)


async def test_a_file_is_uploaded_and_downloaded(
    http: httpx.AsyncClient, store: LocalStore
) -> None:
    """A file four times as long as other bodies may be is stored, and comes back as it was."""
    key = new_key()
    path = path_of(store, upload_link(CONTENT, key))
    answer = await http.put(path, content=CONTENT, headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.content) == (200, b"")
    answer = await http.get(path_of(store, download_link(key)))
    assert (answer.status_code, answer.content) == (200, CONTENT)
    headers = answer.headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-disposition"].startswith("attachment; filename=")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["cache-control"] == "private, max-age=300"
    assert "content-encoding" not in headers


async def test_names_are_written_so_that_no_header_breaks(
    http: httpx.AsyncClient, store: LocalStore
) -> None:
    """A name of any characters is one value of ASCII (RFC 8187), and no second header."""
    key = new_key()
    await store.write(key, pieces(b"content"), "image/png")
    headers = (await http.get(path_of(store, download_link(key, inline=True)))).headers
    assert headers["content-disposition"] == (
        "inline; filename=\"_bersicht _2027___..___X_ y.png\"; filename*=UTF-8''"
        "%C3%9Cbersicht%20%E2%80%9C2027%E2%80%9D%E2%80%AE%2F..%5C%0D%0AX%3A%20y.png"
    )
    assert headers["content-type"] == "image/png"
    assert "x" not in headers


async def test_chunks_are_counted_as_they_come(http: httpx.AsyncClient, store: LocalStore) -> None:
    """A body whose length isn't announced has to be the one that was signed, too."""
    for content, status in ((CONTENT, 200), (CONTENT + b"!", 400), (CONTENT[:-1], 400)):
        key = new_key()
        path = path_of(store, upload_link(CONTENT, key))
        headers = {"Content-Type": "image/png"}
        answer = await http.put(path, content=pieces(content), headers=headers)
        assert answer.status_code == status
        assert store.path(key).exists() == (status == 200)


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"contents", "image/png", 400),
        (b"conten", "image/png", 400),
        (b"", "image/png", 400),
        (b"CONTENT", "image/png", 400),
        (b"content", "image/gif", 415),
        (b"content", "", 415),
    ],
)
async def test_what_was_not_announced_is_refused(
    http: httpx.AsyncClient, store: LocalStore, content: bytes, content_type: str, status: int
) -> None:
    """Another size, hash or type is refused with a reason, and nothing is stored."""
    key = new_key()
    path = path_of(store, upload_link(b"content", key))
    answer = await http.put(path, content=content, headers={"Content-Type": content_type})
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (status, "BAD_USER_INPUT")
    assert not store.path(key).exists()


async def test_links_end(http: httpx.AsyncClient, store: LocalStore) -> None:
    """An expired link says so, for uploads and downloads alike."""
    key = new_key()
    await store.write(key, pieces(b"content"), "image/png")
    headers = {"Content-Type": "image/png"}
    upload = path_of(store, upload_link(b"new", key, PAST))
    download = path_of(store, download_link(key, expires_at=PAST))
    assert (await http.put(upload, content=b"new", headers=headers)).status_code == 410
    assert (await http.get(download)).status_code == 410
    assert await content_of(store, key) == b"content"


async def test_a_link_allows_what_it_was_signed_for(
    http: httpx.AsyncClient, store: LocalStore
) -> None:
    """An upload's link reads nothing, a download's stores nothing, and a forged one does neither."""
    key = new_key()
    await store.write(key, pieces(b"content"), "image/png")
    upload, download = (
        path_of(store, link) for link in (upload_link(b"new", key), download_link(key))
    )
    headers = {"Content-Type": "image/png"}
    assert (await http.get(upload)).status_code == 404
    assert (await http.put(download, content=b"new", headers=headers)).status_code == 404
    for path in ("/files/", "/files/x", f"{download}A", "/files/../../etc/passwd", f"{download}/x"):
        assert (await http.get(path)).status_code == 404
    assert (await http.post(download)).status_code == 405
    assert (await http.delete(download)).headers["allow"] == "PUT, GET, HEAD"
    missing = path_of(store, download_link(new_key()))
    assert (await http.get(missing)).status_code == 404


async def test_parts_can_be_requested(http: httpx.AsyncClient, store: LocalStore) -> None:
    """HEAD says the length, and Range gets a part (RFC 9110, section 14), whatever the client decodes."""
    key = new_key()
    await store.write(key, pieces(CONTENT), "image/png")
    path = path_of(store, download_link(key))
    answer = await http.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["accept-ranges"] == "bytes"
    headers = {"Range": "bytes=255-1000", "Accept-Encoding": "gzip"}
    answer = await http.get(path, headers=headers)
    assert (answer.status_code, answer.content) == (206, CONTENT[255:1001])
    assert answer.headers["content-range"] == f"bytes 255-1000/{len(CONTENT)}"
    answer = await http.get(path, headers={"Range": f"bytes={len(CONTENT)}-"})
    assert answer.status_code == 416


async def test_pages_of_listed_origins_may_upload(
    http: httpx.AsyncClient, store: LocalStore
) -> None:
    """A browser's preflight for PUT is allowed to origins of BACKEND_CORS_ORIGINS alone."""
    path = path_of(store, upload_link(b"content", new_key()))
    for origin, status in (("https://app.example", 200), ("https://other.example", 400)):
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        }
        assert (await http.options(path, headers=headers)).status_code == status
    headers = {"Origin": "https://app.example", "Content-Type": "image/png"}
    answer = await http.put(path, content=b"content", headers=headers)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


async def test_a_client_that_goes_away_leaves_nothing(address: str, store: LocalStore) -> None:
    """An upload that breaks off is not stored, nor is its part."""
    key = new_key()
    path = path_of(store, upload_link(CONTENT, key))
    _, writer = await asyncio.open_connection(*address.split(":"))
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: {len(CONTENT)}"
    writer.write(head.encode() + b"\r\n\r\n" + CONTENT[:500_000])
    folder = store.path(key).parent
    await until(lambda: any(folder.glob("partial-*")))
    writer.close()
    await until(lambda: not any(folder.iterdir()))


async def test_a_full_disk_is_unavailability(http: httpx.AsyncClient, store: LocalStore) -> None:
    """A folder that can't be written to is 503 with Retry-After, and nobody reads its path."""
    key = new_key()
    store.path(key).parent.parent.mkdir(parents=True, exist_ok=True)
    store.path(key).parent.write_bytes(b"a file in the way of the folder")
    path = path_of(store, upload_link(b"content", key))
    answer = await http.put(path, content=b"content", headers={"Content-Type": "image/png"})
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "5"
    assert str(store.folder) not in answer.text


def files_app(settings: Settings) -> tuple[ASGIApp, LocalStore]:
    """The endpoint alone behind the middleware, and its store."""
    store = local_store(settings)
    endpoint = FileEndpoint(store, RateLimits(settings))
    return with_middleware(endpoint, log_stream=io.StringIO()), store


async def test_requests_for_files_are_limited(settings: Settings) -> None:
    """Somebody who requests too many files is answered with 429 and when to come again."""
    limited = settings.model_copy(update={"rate_limit_requests": 2})
    app, store = files_app(limited)
    path = path_of(store, download_link(new_key()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        statuses = [(await http.get(path)).status_code for _ in range(3)]
        answer = await http.get(path)
    assert statuses == [404, 404, 429]
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
