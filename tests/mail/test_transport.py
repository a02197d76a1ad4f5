"""How mails get out: encrypted, to the server that was meant, or not at all."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiosmtplib
import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.support.mailbox import Mailbox, receiving, text_of
from tests.support.processes import CommandLine, clean_environment, command_line
from todo_gql.mail.message import Envelope, MessageContent, compose
from todo_gql.mail.transport import SMTPServer
from todo_gql.settings import Settings

LETTER = compose(
    MessageContent("Hello", ("How are you?",)),
    Envelope(UUID(int=1), "todo@example.com", "ada@example.com", datetime(2026, 5, 1, tzinfo=UTC)),
)
PASSWORD = "pass/word#1"
WRITTEN = "pass%2Fword%231"
# What the server of the tests says of its own options.
UNGUARDED = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the certificates of this module's servers."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """The authority, trusted by this machine."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return authority


def certified(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    """How a server speaks TLS that has a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@dataclass
class Door:
    """Lets in who knows the password, and remembers everybody who tried."""

    seen: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, *details: Any) -> AuthResult:
        """Whether somebody may come in."""
        login = details[-1]
        assert isinstance(login, LoginPassword)
        self.seen.append((login.login.decode(), login.password.decode()))
        return AuthResult(success=self.seen[-1] == ("todo", PASSWORD), handled=False)


@asynccontextmanager
async def guarded(box: Mailbox, **options: Any) -> AsyncIterator[tuple[str, Door]]:
    """An SMTP server that takes mails after a login alone: its host and port, and its door."""
    door = Door()
    async with receiving(box, authenticator=door, auth_required=True, **options) as url:
        yield url.partition("//")[2], door


async def test_login_waits_for_tls(trusted: trustme.CA) -> None:
    """A mail goes out by STARTTLS, with user and password of the URL."""
    box = Mailbox()
    async with guarded(box, tls_context=certified(trusted), require_starttls=True) as (place, door):
        server = SMTPServer.from_url(f"smtp://todo:{WRITTEN}@{place}?tls=required")
        await server.send(LETTER)
    assert door.seen == [("todo", PASSWORD)]
    assert [text_of(mail).split() for mail in box.mails] == [
        ["How", "are", "you?", "--", "todo_gql"]
    ]


@UNGUARDED
async def test_tls_from_the_first_byte(trusted: trustme.CA) -> None:
    """A smtps URL starts TLS before anything is sent, the login included."""
    box = Mailbox()
    tls = {"ssl": certified(trusted), "auth_require_tls": False}
    async with guarded(box, **tls) as (place, door):
        await SMTPServer.from_url(f"smtps://todo:{WRITTEN}@{place}").send(LETTER)
    assert door.seen == [("todo", PASSWORD)]
    assert len(box.mails) == 1


@UNGUARDED
async def test_nothing_is_said_in_the_clear() -> None:
    """A server that knows no STARTTLS, where it is required, hears neither password nor mail."""
    box = Mailbox()
    async with guarded(box, auth_require_tls=False) as (place, door):
        server = SMTPServer.from_url(f"smtp://todo:{WRITTEN}@{place}?tls=required")
        with pytest.raises(aiosmtplib.SMTPException, match="STARTTLS extension not supported"):
            await server.send(LETTER)
    assert (box.tries, door.seen) == (0, [])


@UNGUARDED
async def test_tls_can_be_left_out() -> None:
    """A mail goes out in the clear with tls=off."""
    box = Mailbox()
    async with guarded(box, auth_require_tls=False) as (place, _):
        await SMTPServer.from_url(f"smtp://todo:{WRITTEN}@{place}?tls=off").send(LETTER)
    assert len(box.mails) == 1


async def test_wrong_password_is_not_repeated(trusted: trustme.CA) -> None:
    """A login that fails is told without what was tried."""
    box = Mailbox()
    async with guarded(box, tls_context=certified(trusted)) as (place, door):
        server = SMTPServer.from_url(f"smtp://todo:mistaken@{place}?tls=required")
        with pytest.raises(aiosmtplib.SMTPAuthenticationError) as refused:
            await server.send(LETTER)
    assert ("todo", "mistaken") in door.seen
    assert "mistaken" not in str(refused.value) + repr(server)
    assert box.tries == 0


@pytest.mark.parametrize("name", ["127.0.0.1", "mail.example"])
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_certificate_has_to_be_right(trusted: trustme.CA, scheme: str, name: str) -> None:
    """A certificate of somebody unknown, or for another host, gets no mail."""
    box = Mailbox()
    context = certified(trustme.CA() if name == "127.0.0.1" else trusted, name)
    tls = {"ssl": context} if scheme == "smtps" else {"tls_context": context}
    async with guarded(box, **tls) as (place, door):
        server = SMTPServer.from_url(f"{scheme}://todo:{WRITTEN}@{place}?tls=required")
        with pytest.raises((aiosmtplib.SMTPException, OSError), match="certificate verify failed"):
            await server.send(LETTER)
    assert (box.tries, door.seen) == (0, [])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 587, "required", None, None)),
        ("smtp://mail.example:25/?tls=off", ("mail.example", 25, "off", None, None)),
        ("smtp://localhost:1025", ("localhost", 1025, "off", None, None)),
        ("smtp://[::1]?tls=required", ("::1", 587, "required", None, None)),
        ("smtps://ada:p%40ss@mail.example", ("mail.example", 465, "from the start", "ada", "p@ss")),
    ],
)
def test_urls_of_servers(url: str, expected: tuple[object, ...]) -> None:
    """Ports and TLS are the usual ones, unless a URL has others; this machine needs no TLS."""
    server = SMTPServer.from_url(url)
    assert (server.host, server.port, server.tls, server.username, server.password) == expected


@pytest.fixture(scope="module")
def typing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Command lines in a folder without settings."""
    folder = tmp_path_factory.mktemp("mail")
    with command_line(folder, clean_environment()) as typing:
        yield typing.having(DATA_DIR=str(folder / "data"))


@pytest.mark.parametrize(
    "url",
    [
        "smtp://todo:se/cret@mail.example",
        "smtp://todo:12/cret@mail.example",
        "smtp://todo:se[cret@mail.example",
        "smtp://todo:secret@mail.example:port",
        "smtp://todo:secret@",
        "http://todo:secret@mail.example",
        "todo:secret@mail.example",
        "smtp://todo:se℀cret@mail.example",
        "smtp://todo:secret@mail.example?tls=maybe",
        "smtp://todo:secret@mail.example?tsl=off",
        "smtps://todo:secret@mail.example?tls=off",
        "smtp://mail.example#secret",
    ],
)
@pytest.mark.parametrize("command", ["worker", "serve"])
def test_bad_url_is_told_at_the_start(typing: CommandLine, command: str, url: str) -> None:
    """An SMTP_URL that can't be used ends the program, with a word that holds no password."""
    answer = typing(command, SMTP_URL=url)
    assert (answer.status, answer.said) == (1, "")
    assert answer.complained.startswith("SMTP_URL ")
    assert answer.complained.count("\n") == 1
    for part in ("secret", "cret", "se/", "se["):
        assert part not in answer.complained


@pytest.mark.parametrize("command", ["worker", "serve"])
def test_bad_sender_is_told_at_the_start(typing: CommandLine, command: str) -> None:
    """A MAIL_FROM that is no address ends the program."""
    for sender in ("todo_gql <no-reply@example.com>", "no-reply@foo..bar", "a,b@example.com"):
        answer = typing(command, MAIL_FROM=sender)
        assert (answer.status, answer.said) == (1, "")
        assert "MAIL_FROM" in answer.complained


def test_production_wants_to_know_where_links_lead(typing: CommandLine) -> None:
    """The worker doesn't start in production where PUBLIC_URL is missing."""
    production = {"ENVIRONMENT": "production", "SECRET_KEY": "x" * 32}
    answer = typing("worker", **production)
    assert (answer.status, answer.said) == (1, "")
    assert answer.complained == (
        "Set PUBLIC_URL to the address at which people reach this server: links in mails begin"
        " with it.\n"
    )


def test_production_wants_a_mail_server(typing: CommandLine) -> None:
    """The worker doesn't start in production where SMTP_URL is missing or empty."""
    production = {"ENVIRONMENT": "production", "SECRET_KEY": "x" * 32}
    for more in ({}, {"SMTP_URL": ""}):
        answer = typing("worker", PUBLIC_URL="https://todo.example", **production, **more)
        assert (answer.status, answer.said) == (1, "")
        assert answer.complained.startswith("Set SMTP_URL to the server that sends the mails")


async def test_mails_from_a_server_without_a_name(settings: Settings) -> None:
    """Mails come from an address in brackets where PUBLIC_URL has no name."""
    here = settings.model_copy(update={"public_url": "http://[::1]:8000"})
    envelope = Envelope(UUID(int=1), here.sender, "ada@example.com", datetime.now(UTC))
    box = Mailbox()
    async with receiving(box) as url:
        await SMTPServer.from_url(url).send(compose(MessageContent("Hello", ("Text",)), envelope))
    [mail] = box.mails
    assert mail["From"] == "todo_gql <no-reply@[IPv6:::1]>"
