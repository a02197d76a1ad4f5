"""Pictures, and what claims to be one: what a worker makes of them, and how they are served."""

import struct
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.support.accounts import Account
from tests.support.attachments import attached, examined, examining, picture, read
from todo_gql.features.attachments.pictures import MAX_PIXELS
from todo_gql.settings import Settings

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.domain)</script>"
GIF_AND_SCRIPT = b"GIF89a/*\x00\x00\x00\x00*/=1;alert(1)//"
PDF_AND_ZIP = b"%PDF-1.7\n" + b"PK\x03\x04" + bytes(30) + b"PK\x05\x06" + bytes(18)


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return (
        struct.pack("!L", len(content))
        + kind
        + content
        + struct.pack("!L", zlib.crc32(kind + content))
    )


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims to have so many pixels, all of one colour."""
    header = struct.pack("!LLBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + (width + 7) // 8) * height, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.fixture(autouse=True)
async def worker(settings: Settings, database_url: str, account: Account) -> AsyncIterator[None]:
    """A worker that examines what is uploaded."""
    async with examining(settings, database_url):
        yield


async def uploaded(account: Account, content: bytes, **changes: Any) -> dict[str, Any]:
    """A file once it was examined."""
    todo = await account.create()
    file = await attached(account, todo["id"], content, **changes)
    return await examined(account, file["id"])


@pytest.mark.parametrize(
    ("file_format", "mode", "content_type"),
    [
        ("PNG", "RGB", "image/png"),
        ("PNG", "RGBA", "image/png"),
        ("PNG", "P", "image/png"),
        ("PNG", "L", "image/png"),
        ("JPEG", "RGB", "image/jpeg"),
        ("GIF", "P", "image/gif"),
        ("WEBP", "RGBA", "image/webp"),
        ("AVIF", "RGB", "image/avif"),
    ],
)
async def test_pictures_are_shown_and_have_thumbnails(
    account: Account, file_format: str, mode: str, content_type: str
) -> None:
    """Each of the five types is told by its bytes, served inline, and there smaller, too."""
    content = picture(file_format, mode=mode)
    file = await uploaded(account, content, contentType="application/pdf", fileName="a.exe")
    assert (file["state"], file["contentType"]) == ("READY", content_type)
    assert (file["width"], file["height"]) == (1600, 900)
    answer = await read(account, file["url"])
    assert answer.content == content
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-disposition"].startswith("inline;")
    for url, size in ((file["thumbnailUrl"], (320, 180)), (file["large"], (1280, 720))):
        answer = await read(account, url)
        assert answer.headers["content-type"] == "image/webp"
        with Image.open(BytesIO(answer.content)) as thumbnail:
            assert (thumbnail.format, thumbnail.size) == ("WEBP", size)


async def test_small_pictures_are_not_enlarged(account: Account) -> None:
    """A picture that is smaller than a thumbnail has one of its own size."""
    file = await uploaded(account, picture("PNG", (40, 30)))
    assert file["thumbnailUrl"].split(".")[0] == file["large"].split(".")[0]
    with Image.open(BytesIO((await read(account, file["large"])).content)) as thumbnail:
        assert thumbnail.size == (40, 30)


async def test_thumbnails_stand_upright_and_tell_nothing(account: Account) -> None:
    """A camera's orientation is applied, and where and by whom a picture was taken is left out."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of Jane"
    exif.get_ifd(0x8825)[1] = "N"
    file = await uploaded(account, picture("JPEG", (400, 200), exif=exif))
    assert (file["width"], file["height"]) == (200, 400)
    content = (await read(account, file["thumbnailUrl"])).content
    with Image.open(BytesIO(content)) as thumbnail:
        assert thumbnail.size == (160, 320)
        assert not thumbnail.getexif()
    assert b"Jane" not in content
    assert b"EXIF" not in content


@pytest.mark.parametrize(
    ("content", "declared", "content_type"),
    [
        (SVG, "image/svg+xml", "text/plain"),
        (SVG, "image/png", "text/plain"),
        (HTML, "image/png", "text/plain"),
        (HTML, "text/html", "text/plain"),
        (GIF_AND_SCRIPT, "text/javascript", "image/gif"),
        (PDF_AND_ZIP, "image/png", "application/pdf"),
        (b"PK\x03\x04" + bytes(100), "image/png", "application/zip"),
        (picture("PNG")[:200], "image/png", "image/png"),
        (picture("JPEG")[:-3_000], "image/jpeg", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png", "image/png"),
        (b"\x89PNG\r\n\x1a\n" + HTML, "image/png", "image/png"),
        (picture("BMP", (10, 10)), "image/png", "application/octet-stream"),
        (picture("TIFF", (10, 10)), "image/tiff", "application/octet-stream"),
        (b"RIFF\x00\x00\x00\x00WEBP" + HTML, "image/webp", "image/webp"),
        (b"\x00\x00\x00\x1cftypavif" + bytes(100), "image/avif", "image/avif"),
        (bomb(7_000, 7_000), "image/png", "image/png"),
        (bomb(100_000, 1_000), "image/png", "image/png"),
        (b"\xff\xfe<\x00s\x00", "image/png", "application/octet-stream"),
        (b"", "image/png", "application/octet-stream"),
    ],
    ids=[
        "svg",
        "svg as png",
        "html as png",
        "html",
        "gif and script",
        "pdf and zip",
        "zip as png",
        "half a png",
        "most of a jpeg",
        "a png's first bytes",
        "html behind a png's first bytes",
        "bmp",
        "tiff",
        "html in webp",
        "empty avif",
        "49 megapixels",
        "100 megapixels",
        "utf-16",
        "nothing",
    ],
)
async def test_only_real_pictures_are_shown(
    account: Account, content: bytes, declared: str, content_type: str
) -> None:
    """What isn't a whole picture of these types is there to be saved, inert, without thumbnails."""
    file = await uploaded(account, content, contentType=declared, fileName="x.png")
    assert (file["state"], file["contentType"]) == ("READY", content_type)
    assert (file["width"], file["height"], file["thumbnailUrl"]) == (None, None, None)
    answer = await read(account, file["url"])
    assert answer.content == content
    headers = answer.headers
    assert headers["content-disposition"].startswith("attachment;")
    assert headers["content-type"].partition(";")[0] == content_type
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")


async def test_the_largest_picture_is_read(account: Account) -> None:
    """A picture of 40 megapixels has thumbnails, within the time and memory of its process."""
    height = MAX_PIXELS // 8_000
    file = await uploaded(account, bomb(8_000, height))
    assert (file["width"], file["height"]) == (8_000, height)
    assert file["thumbnailUrl"]
