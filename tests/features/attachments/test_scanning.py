"""Looking for viruses, and a store that speaks S3, from announcing to reading."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from pydantic import SecretStr

from tests.support.accounts import Account, registered, visiting
from tests.support.attachments import announce, examined, examining, finish, picture
from tests.support.s3_servers import KEY_ID, SECRET, new_bucket, s3_server
from tests.support.scanners import VIRUS, Clamd, clamd
from tests.support.stored_files import pieces
from todo_gql.app import create_app
from todo_gql.features.attachments.scanner import ScannerFailed, virus_in
from todo_gql.settings import Settings


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """The URL of a store with a bucket `files`."""
    with s3_server() as url:
        new_bucket(url, "files")
        yield url


@pytest.fixture
async def scanner() -> AsyncIterator[Clamd]:
    """A scanner."""
    async with clamd() as scanner:
        yield scanner


@pytest.fixture
async def person(
    settings: Settings, database_url: str, s3_url: str, scanner: Clamd, account: Account
) -> AsyncIterator[Account]:
    """Somebody on a server with S3 and a scanner, beside a worker."""
    changes = {
        "s3_endpoint": s3_url,
        "s3_bucket": "files",
        "s3_region": "eu-central-1",
        "s3_access_key_id": KEY_ID,
        "s3_secret_access_key": SecretStr(SECRET),
        "clamav_host": "127.0.0.1",
        "clamav_port": scanner.port,
    }
    own = settings.model_copy(update=changes)
    app = create_app(own, database_url)
    async with examining(own, database_url), visiting(app) as client:
        yield await registered(client)


async def uploaded(person: Account, content: bytes) -> str:
    """The id of a file that was sent to the store and finished."""
    todo = await person.create()
    payload = await announce(person, todo["id"], content)
    target = payload["upload"]
    headers = {header["name"]: header["value"] for header in target["headers"]}
    async with httpx.AsyncClient() as http:
        answer = await http.request(
            target["method"], target["url"], content=content, headers=headers
        )
    assert answer.status_code == 200
    finished = await finish(person, payload["attachment"]["id"])
    assert finished["attachment"]["state"] == "SCANNING"
    return str(payload["attachment"]["id"])


async def test_a_picture_is_scanned_and_read_from_s3(person: Account, scanner: Clamd) -> None:
    """A picture without a virus has thumbnails, and both are read from the store by browsers."""
    content = picture("PNG", (640, 480))
    file = await examined(person, await uploaded(person, content))
    assert (file["state"], file["width"]) == ("READY", 640)
    assert scanner.scanned == [content]
    async with httpx.AsyncClient() as http:
        answer, thumbnail = await http.get(file["url"]), await http.get(file["thumbnailUrl"])
    assert answer.content == content
    assert answer.headers["content-disposition"].startswith("inline;")
    assert thumbnail.headers["content-type"] == "image/webp"


async def test_a_virus_is_refused(person: Account) -> None:
    """A file with a virus is never READY, and its uploader reads why."""
    file = await examined(person, await uploaded(person, b"text and " + VIRUS))
    assert (file["state"], file["url"]) == ("REFUSED", None)
    assert file["refusedBecause"] == "It has a virus: Test.Virus-1."


@pytest.mark.parametrize("answer", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"\xff"])
async def test_an_unclear_answer_is_no_clean_one(scanner: Clamd, answer: bytes) -> None:
    """A scanner that fails, or isn't there, leaves a file unscanned; the job is tried again."""
    scanner.answer = answer
    with pytest.raises(ScannerFailed):
        await virus_in(pieces(b"content"), "127.0.0.1", scanner.port)
