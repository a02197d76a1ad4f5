"""Files on a local disk."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.stored_files import content_of, new_key, pieces, upload_of
from todo_gql.storage.links import DownloadLink, LinkSigner, UploadLink
from todo_gql.storage.local import LocalStore, UploadRefused
from todo_gql.storage.store import FileMissing

KEY = b"a key of 32 bytes or of any other"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An empty store."""
    return LocalStore(tmp_path / "files", "https://todo.example", KEY)


def files_in(store: LocalStore) -> list[str]:
    """The names of all files below the store's folder."""
    return sorted(path.name for path in store.folder.rglob("*") if path.is_file())


async def test_a_file_is_read_as_it_was_written(store: LocalStore) -> None:
    """A file has the bytes and the size that were written, over what was there before."""
    key, content = new_key(), b"x" * 300_000
    await store.write(key, pieces(b"something before"), "text/plain")
    assert await store.write(key, pieces(content, b"", content), "text/plain") == 600_000
    assert await content_of(store, key) == content * 2
    assert await store.size(key) == 600_000


async def test_an_empty_file_is_a_file(store: LocalStore) -> None:
    """Nothing can be stored as well."""
    key = new_key()
    assert await store.write(key, pieces(), "text/plain") == 0
    assert (await store.size(key), await content_of(store, key)) == (0, b"")


async def test_a_file_that_breaks_off_leaves_what_was_there(store: LocalStore) -> None:
    """Half a file replaces nothing, and leaves nothing behind."""
    key = new_key()
    await store.write(key, pieces(b"before"), "text/plain")

    async def breaking_off() -> AsyncIterator[bytes]:
        yield b"y" * 1_000_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.write(key, breaking_off(), "text/plain")
    assert await content_of(store, key) == b"before"
    assert files_in(store) == ["original"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"content", "These are 7 bytes, not 8 as announced."),
        (b"contents?", "There are more than the 8 bytes announced."),
        (b"contentS", "The SHA-256 hash of the bytes isn't the one announced."),
    ],
)
async def test_an_upload_is_what_was_announced(
    store: LocalStore, content: bytes, message: str
) -> None:
    """Another size or content is refused, and not stored."""
    digest = sha256(b"contents").hexdigest()
    link = UploadLink(new_key(), 8, digest, "text/plain", 2**33)
    with pytest.raises(UploadRefused, match=message.replace("?", "[?]")):
        await store.write_upload(link, pieces(content[:4], content[4:]))
    assert files_in(store) == []
    await store.write_upload(link, pieces(b"cont", b"ents"))
    assert await content_of(store, link.key) == b"contents"


async def test_all_files_of_a_prefix_are_deleted(store: LocalStore) -> None:
    """Deletion leaves nothing of one thing, and all of the others; repeating it is no error."""
    key, other = new_key(), new_key()
    prefix = key.removesuffix("/original")
    for each in (key, f"{prefix}/320", other):
        await store.write(each, pieces(b"content"), "text/plain")
    (store.folder / prefix / "partial-1").write_bytes(b"what a killed process left")
    for _ in range(2):
        await store.delete(prefix)
    assert files_in(store) == ["original"]
    with pytest.raises(FileMissing):
        await store.size(key)
    with pytest.raises(FileMissing):
        await content_of(store, key)


@pytest.mark.parametrize(
    "key", ["", "attachments", "../secret_key", "attachments/../../x", "/etc/passwd", "a/b/c"]
)
async def test_only_keys_lead_to_files(store: LocalStore, key: str) -> None:
    """What is no key leads nowhere, least of all out of the folder."""
    with pytest.raises(ValueError, match="no key"):
        await store.size(key)
    with pytest.raises(ValueError, match="no prefix"):
        await store.delete(key)


def test_links_say_what_was_signed(store: LocalStore) -> None:
    """A link is what its token was signed for, and nothing else."""
    key = new_key()
    url = store.upload_url(key, upload_of(b"content", "image/png"))
    token = url.url.removeprefix("https://todo.example/files/")
    link = store.signer.upload(token)
    assert link
    assert (link.key, link.size, link.content_type) == (key, 7, "image/png")
    assert (url.method, url.headers) == ("PUT", {"Content-Type": "image/png"})
    assert url.expires_at.timestamp() == link.expires_at
    # An upload is no download, nor is one of another server's.
    assert store.signer.download(token) is None
    assert LinkSigner(b"another key").upload(token) is None


def test_forged_tokens_are_none(store: LocalStore) -> None:
    """No change of a token leaves it valid."""
    token = store.signer.token(DownloadLink(new_key(), "ä.png", "image/png", True, 2**33))  # noqa: FBT003 - in the order of the fields
    assert store.signer.download(token)
    forged = [token[:at] + chr(ord(token[at]) ^ 1) + token[at + 1 :] for at in range(len(token))]
    for text in (*forged, "", ".", "é", token[:-1], token + "A", "a" * 5_000):
        assert store.signer.download(text) is None, text
