"""What a mail is like when it arrives, and where it lies when there is no server to send it to."""

import logging
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import aiosmtplib
import pytest
from starlette.types import ASGIApp

from tests.support.accounts import PASSWORD, REGISTER, Account, Client
from tests.support.mailbox import Mailbox, delivering, receiving, text_of, token_of
from tests.support.waiting import until
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import User
from todo_gql.features.accounts.deletion import close_account
from todo_gql.jobs import queue as jobs
from todo_gql.mail.message import Envelope, MessageContent, compose
from todo_gql.mail.transport import FileTransport, SMTPServer
from todo_gql.settings import Settings
from todo_gql.tasks import working

MOMENT = datetime(2026, 5, 1, 12, 30, 15, 987_654, tzinfo=UTC)
VERIFICATION = "Confirm your e-mail address"


def envelope(to: str = "ada@example.com", sender: str = "no-reply@todo.example") -> Envelope:
    """An envelope, the same each time."""
    return Envelope(UUID(int=7), sender, to, MOMENT)


def part(mail: EmailMessage, kind: str) -> str:
    """The text of a mail, or its HTML."""
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def received(message: EmailMessage, *, utf8: bool = True) -> EmailMessage:
    """A mail as it came to a server, which need not know SMTPUTF8."""
    box = Mailbox()
    async with receiving(box, enable_SMTPUTF8=utf8) as url:
        await SMTPServer.from_url(url).send(message)
    [mail] = box.mails
    return mail


@pytest.fixture
async def empty_queue(app: ASGIApp) -> AsyncIterator[None]:
    """Nothing in the queue before the test and after it."""
    await fetch("DELETE FROM pgqueuer")
    yield
    await fetch("DELETE FROM pgqueuer")


async def test_mail_is_text_and_html() -> None:
    """Both say the same and have the link; who it is from, when, and that nobody wrote it, too."""
    letter = MessageContent(
        "Hello", ("First.", "Second."), "Open", "https://todo.example/a?token=b_c-d"
    )
    mail = await received(compose(letter, envelope()))
    assert mail.get_content_type() == "multipart/alternative"
    assert " ".join(part(mail, "plain").split()) == (
        "First. Open: https://todo.example/a?token=b_c-d Second. -- todo_gql"
    )
    html = part(mail, "html")
    assert '<a href="https://todo.example/a?token=b_c-d"' in html
    assert "First." in html
    assert "Second." in html
    assert mail["From"] == "todo_gql <no-reply@todo.example>"
    assert mail["To"] == "ada@example.com"
    assert mail["Subject"] == "Hello"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == MOMENT.replace(microsecond=0)


def test_same_mail_is_the_same_each_time() -> None:
    """A mail that is composed again has the same Message-ID and date."""
    first, again = (compose(MessageContent("Hello", ("Text",)), envelope()) for _ in range(2))
    assert first["Message-ID"] == again["Message-ID"] == f"<{UUID(int=7)}@todo.example>"
    assert first["Date"] == again["Date"]


async def test_html_is_escaped() -> None:
    """What looks like HTML is text in the HTML, and untouched in the text."""
    letter = MessageContent("<i>Hi</i>", ('<script>alert(1)</script> & "so"',))
    mail = await received(compose(letter, envelope()))
    assert '<script>alert(1)</script> & "so"' in part(mail, "plain")
    html = part(mail, "html")
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;so&#34;" in html
    assert "<i>" not in html


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_header_takes_one_line(end: str) -> None:
    """A subject or an address with a line's end becomes no mail, let alone another header."""
    text = f"Hello{end}Bcc: mallory@example.com"
    with pytest.raises(ValueError, match=r"linefeed|newline|line"):
        compose(MessageContent(text, ("Text",)), envelope())
    for to, sender in (
        (f"ada@example.com{end}Bcc: mallory@example.com", "no-reply@todo.example"),
        ("ada@example.com", f"no-reply@todo.example{end}Bcc: mallory@example.com"),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
            compose(MessageContent("Hello", ("Text",)), envelope(to, sender))


async def test_domains_in_any_script() -> None:
    """Mails to and from domains in any script go by their ASCII names."""
    letter = MessageContent("Hello", ("Grüße",))
    message = compose(letter, envelope("ada@bücher.example", "no-reply@münchen.example"))
    mail = await received(message, utf8=False)
    assert mail["To"] == "ada@xn--bcher-kva.example"
    assert mail["From"] == "todo_gql <no-reply@xn--mnchen-3ya.example>"
    assert mail["Message-ID"].endswith("@xn--mnchen-3ya.example>")
    assert "Grüße" in part(mail, "plain")


async def test_names_in_any_script() -> None:
    """A mail to an address whose name is in another script goes by SMTPUTF8, or not at all."""
    message = compose(MessageContent("Hello", ("Text",)), envelope("jürgen@example.com"))
    assert (await received(message))["To"] == "jürgen@example.com"
    with pytest.raises(aiosmtplib.SMTPNotSupported):
        await received(message, utf8=False)


@pytest.mark.usefixtures("empty_queue")
async def test_without_a_server_mails_are_files(
    client: Client,
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Mails lie in a folder of one's own, and the log has the link, whatever host was asked."""
    caplog.set_level(logging.INFO, "todo_gql")
    here = settings.model_copy(update={"data_dir": tmp_path / "data", "port": 1234})
    name = f"user-{uuid4().hex[:12]}"
    given = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    body = {"query": REGISTER, "variables": {"input": given}}
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    await client.http.post("/graphql", json=body, headers=headers)
    outbox = tmp_path / "data/outbox"

    async with working(here, database_url):
        await until(lambda: "the link in it" in caplog.text)
    [path] = outbox.iterdir()
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert (mail["To"], mail["Subject"]) == (f"{name}@example.com", VERIFICATION)
    link = f"http://127.0.0.1:1234/account/verify?token={token_of(mail)}"
    assert link in text_of(mail).splitlines()
    said = {record.getMessage(): record.levelname for record in caplog.records}
    assert said[f"the link in it: {link}"] == "INFO"
    assert said[f"wrote a mail to {name}@example.com: {path}"] == "INFO"
    assert stat.S_IMODE(outbox.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "evil.example" not in path.read_text()


@pytest.mark.usefixtures("empty_queue")
async def test_links_begin_with_the_public_url(
    client: Client,
    settings: Settings,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Links lead to PUBLIC_URL whatever Host a request has; no log holds them or the address."""
    caplog.set_level(logging.INFO, "todo_gql")
    name = f"user-{uuid4().hex[:12]}"
    given = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    body = {"query": REGISTER, "variables": {"input": given}}
    await client.http.post("/graphql", json=body, headers={"Host": "evil.example"})
    box = Mailbox()
    async with delivering(box, settings, database_url):
        mail = await box.arrival(f"{name}@example.com", VERIFICATION)
    link = f"https://todo.example/app/account/verify?token={token_of(mail)}"
    assert link in text_of(mail).splitlines()
    assert f'href="{link}"' in part(mail, "html")
    assert mail["From"] == "todo_gql <no-reply@todo.example>"
    assert "token=" not in caplog.text
    assert name not in caplog.text


@pytest.mark.usefixtures("empty_queue")
async def test_no_mail_whose_link_is_no_good(
    account: Account, settings: Settings, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A mail that waited until its link expired isn't sent but set aside, and the log says so."""
    await fetch("UPDATE mails SET expires_at = now() WHERE owner_id = $1", UUID(account.id))
    box = Mailbox()

    async def one_is_set_aside() -> bool:
        return len(await jobs.dead_letters()) == 1

    async with delivering(box, settings, database_url):
        await until(one_is_set_aside)
    [(job, reason)] = await jobs.dead_letters()
    assert reason == "its link expired before it could be sent"
    assert f"job {job.id}, send_mail, failed at try 1 of 8: {reason}" in caplog.text
    assert box.tries == 0


async def test_mail_says_until_when_its_link_is_good(mailbox: Mailbox, account: Account) -> None:
    """A mail says until when its link is good, however late it comes."""
    mail = await mailbox.arrival(account.email, VERIFICATION)
    row = await fetchrow("SELECT expires_at FROM mails WHERE owner_id = $1", UUID(account.id))
    assert row is not None
    until_when = f"{row['expires_at']:%H:%M UTC on %-d %B %Y}"
    assert f"The link works until {until_when}." in " ".join(text_of(mail).split())


@pytest.mark.usefixtures("empty_queue")
async def test_mail_about_a_deletion_without_grace(
    account: Account, settings: Settings, database_url: str
) -> None:
    """Who can't come back isn't told to sign in."""
    user = await User.get(id=UUID(account.id))
    await close_account(user, settings.model_copy(update={"account_deletion_grace_days": 0}))
    box = Mailbox()
    async with delivering(box, settings, database_url):
        mail = await box.arrival(account.email, "Your account will be deleted")
    said = " ".join(text_of(mail).split())
    assert "all that is in it is being deleted" in said
    assert "sign in" not in said


async def test_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail that can't be written leaves nothing behind, and sent again it is one file."""
    outbox = FileTransport(tmp_path / "outbox")
    message = compose(MessageContent("Hello", ("Text",)), envelope())

    def fails(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "as_bytes", fails)
        with pytest.raises(OSError, match="No space left"):
            await outbox.send(message)
    assert list(outbox.folder.iterdir()) == []
    await outbox.send(message)
    await outbox.send(message)
    [path] = outbox.folder.iterdir()
    assert path.name == f"{UUID(int=7)}.eml"
