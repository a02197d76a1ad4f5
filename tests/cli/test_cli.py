"""What a person types: every command, its help, and its words when something is wrong."""

import asyncio
import os
import pty
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import typer
from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from tests.support.accounts import PASSWORD, Account, Client
from tests.support.databases import fresh_database
from tests.support.processes import MIGRATIONS, Answer, CommandLine, clean_environment, command_line
from todo_gql.cli import main, runtime
from todo_gql.embedded_postgres import cluster
from todo_gql.server.signals import run_until_signal
from todo_gql.settings import Settings

LOGIN = """
mutation ($input: LoginInput!) {
  login(input: $input) { user { username } tokens { accessToken refreshToken } errors { code } }
}
"""
REFRESH = "mutation ($t: String!) { tokenRefresh(refreshToken: $t) { errors { code } } }"


@pytest.fixture(scope="module")
def working_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that isn't the checkout and has no .env."""
    return tmp_path_factory.mktemp("somewhere")


@pytest.fixture(scope="module")
def one_process(working_folder: Path) -> Iterator[CommandLine]:
    """The process that answers all command lines of this module, one after the other."""
    with command_line(working_folder, clean_environment()) as place:
        yield place


@pytest.fixture
def typing(one_process: CommandLine, tmp_path: Path) -> CommandLine:
    """Command lines with no settings but a DATA_DIR of their own and a cheap password hash."""
    return one_process.having(DATA_DIR=str(tmp_path / "data"))


@pytest.fixture(scope="module")
async def module_url(server_url: str) -> AsyncIterator[str]:
    """A database of this module's own."""
    async with fresh_database(server_url) as url:
        yield url


@pytest.fixture
def on_database(typing: CommandLine, module_url: str) -> CommandLine:
    """Command lines on the module's own database, with its tables."""
    place = typing.having(DATABASE_URL=module_url)
    assert place("migrate").status == 0
    return place


def every_command(command: Any, *names: str) -> Iterator[tuple[str, Any]]:
    """A command and all below it, by what one types for them."""
    yield " ".join(names), command
    if isinstance(command, TyperGroup):
        for name, part in command.commands.items():
            yield from every_command(part, *names, name)


COMMANDS = dict(every_command(get_command(main.app)))


def test_commands_are_those_of_the_readme(project: Path) -> None:
    """There is what the README promises, and nothing that it keeps silent about."""
    readme = (project / "README.md").read_text()
    documented = re.findall(r"^\| `todo-gql (\S+)` \|", readme, re.MULTILINE)
    assert set(documented) == {name for name in COMMANDS if name and " " not in name}
    assert {name for name in COMMANDS if name.startswith("user ")} == {
        f"user {verb}" for verb in ("create", "promote", "demote", "disable", "enable")
    }
    assert {name for name in COMMANDS if name.startswith("jobs ")} == {
        f"jobs {verb}" for verb in ("failed", "pushes", "reminders", "retry", "unsent")
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_all(typing: CommandLine, name: str) -> None:
    """A command's help says what it does, and what each option and argument is for."""
    command = COMMANDS[name]
    answer = typing(*name.split(), "--help")
    assert (answer.status, answer.complained) == (0, "")
    shown = " ".join(re.sub("[│╭╮╰╯─]", " ", answer.said).split())
    assert command.help
    assert " ".join(command.help.split()).split(". ")[0] in shown
    for parameter in command.params:
        explained: str | None = getattr(parameter, "help", None)
        assert explained, parameter.name
        assert explained in shown
        if isinstance(parameter, TyperOption):
            assert parameter.opts[0] in shown


def test_no_command_shows_the_help(typing: CommandLine) -> None:
    """Who types nothing more sees the commands; so does who types half of one."""
    for arguments in ((), ("user",)):
        answer = typing(*arguments)
        assert answer.status == 2
        assert "Usage" in answer.said + answer.complained


def test_program_is_installed(working_folder: Path) -> None:
    """The environment has todo-gql beside Python."""
    done = subprocess.run(
        [Path(sys.executable).with_name("todo-gql"), "export-schema", "--check", "missing.graphql"],
        cwd=working_folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "missing.graphql is out of date: run make schema.\n"


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SECRET_KEY", "too short to be a secret", "SECRET_KEY: Value error, must have at least"),
        ("PORT", "99999", "PORT: Input should be less than or equal to 65535"),
        ("ENVIRONMENT", "moon", "ENVIRONMENT: Input should be 'development' or 'production'"),
        ("DATABASE_POOL_SIZE", "0", "DATABASE_POOL_SIZE: Input should be greater than or equal"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_bad_setting_is_named(typing: CommandLine, name: str, value: str, complaint: str) -> None:
    """A setting that can't be is told by its name, and nothing is begun."""
    for command in ("serve", "migrate", "seed", "user promote ada"):
        answer = typing(*command.split(), **{name: value})
        assert (answer.status, answer.said) == (1, "")
        assert answer.complained.startswith(f"The settings can't be used:\n  {complaint}")
        assert value not in answer.complained
    assert not Path(typing.settings["DATA_DIR"]).exists()


def test_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set to nothing, as Compose does with what it isn't given, is as if it weren't set."""
    names = ("SMTP_URL", "PUBLIC_URL", "MAIL_FROM", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT")
    for name in (*names, "PORT", "SECRET_KEY", "DATABASE_URL"):
        monkeypatch.setenv(name, "")
    settings = Settings(_env_file=None)
    assert {getattr(settings, name.lower()) for name in names} == {None}
    assert (settings.port, settings.secret_key, settings.database_url) == (8000, None, None)


def test_bad_option_is_named(typing: CommandLine) -> None:
    """An option that can't be is told like the setting that it stands for."""
    assert "PORT: Input should be" in typing("serve", "--port", "99999").complained
    answer = typing("seed", "--todos", "0")
    assert answer.status == 2
    assert "--todos" in answer.complained


def test_settings_are_read_from_a_file(typing: CommandLine, working_folder: Path) -> None:
    """Lines in .env are settings, and the environment goes before them."""
    file = working_folder / ".env"
    file.write_text("ENVIRONMENT=moon\nUNKNOWN=1\n")
    try:
        assert "ENVIRONMENT: Input" in typing("migrate").complained
        assert typing("migrate", "--check", ENVIRONMENT="production").status == 0
    finally:
        file.unlink()


@pytest.mark.parametrize(
    "command", ["serve", "seed --yes", "user create ada ada@example.com --password-stdin"]
)
def test_production_makes_no_secret_of_its_own(typing: CommandLine, command: str) -> None:
    """A server in production needs a configured key, since replicas would each make another one."""
    answer = typing(*command.split(), ENVIRONMENT="production")
    assert (answer.status, answer.said) == (1, "")
    assert answer.complained == (
        "Set SECRET_KEY to 32 random bytes or more, the same for all replicas.\n"
    )
    assert not Path(typing.settings["DATA_DIR"]).exists()


def test_production_is_seeded_only_on_purpose(typing: CommandLine) -> None:
    """Made-up todos don't get into production by mistake."""
    answer = typing("seed", ENVIRONMENT="production", SECRET_KEY="k" * 32)
    assert answer.status == 1
    assert answer.complained == (
        "ENVIRONMENT is production, and seed adds invented todos. Add --yes to do so anyway.\n"
    )


def test_damaged_secret_is_refused(typing: CommandLine) -> None:
    """A kept key that is cut short isn't used, and isn't replaced either."""
    data_dir = Path(typing.settings["DATA_DIR"])
    data_dir.mkdir()
    (data_dir / "secret_key").write_text("short")
    answer = typing("serve")
    assert answer.status == 1
    assert answer.complained.startswith(f"{data_dir / 'secret_key'} is damaged.")
    assert (data_dir / "secret_key").read_text() == "short"


def test_unusable_data_dir_is_named(typing: CommandLine, tmp_path: Path) -> None:
    """A DATA_DIR that can't be a folder is told, for the key and for the database."""
    (tmp_path / "file").write_text("")
    inside = str(tmp_path / "file/data")
    serve = typing("serve", DATA_DIR=inside)
    assert serve.status == 1
    assert serve.complained.startswith(
        f"The secret key can't be stored in {inside}/secret_key: Not"
    )
    migrate = typing("migrate", DATA_DIR=inside)
    assert migrate.status == 1
    assert migrate.complained.startswith(f"The embedded PostgreSQL can't use {inside}: ")


def test_schema_is_exported_and_compared(
    typing: CommandLine, tmp_path: Path, project: Path
) -> None:
    """What is exported is up to date until it is changed, and is what the checkout has."""
    path = tmp_path / "new.graphql"
    assert typing("export-schema", str(path)) == Answer(0, f"Wrote {path}.\n", "")
    assert path.read_text() == (project / "schema.graphql").read_text()
    assert typing("export-schema", str(path), "--check").said == f"{path} is up to date.\n"
    path.write_text(path.read_text() + "# changed\n")
    assert typing("export-schema", str(path), "--check").status == 1
    failed = typing("export-schema", str(tmp_path))
    assert (failed.status, failed.complained) == (1, f"Can't write {tmp_path}: Is a directory.\n")


def test_models_have_their_migrations(typing: CommandLine) -> None:
    """The check passes on what is committed, and needs no database."""
    expected = Answer(0, "Every model has its migrations.\n", "")
    assert typing("migrate", "--check") == expected
    assert not Path(typing.settings["DATA_DIR"]).exists()


def test_changed_model_gets_a_migration(project: Path, tmp_path: Path) -> None:
    """A new column is noticed, and written down as a migration."""
    ignored = shutil.ignore_patterns("graphiql_page", "__pycache__")
    shutil.copytree(project / "todo_gql", tmp_path / "todo_gql", ignore=ignored)
    shutil.copytree(project / "migrations", tmp_path / "migrations", ignore=ignored)
    models = tmp_path / "todo_gql/database/models/accounts.py"
    column = "    nickname = fields.CharField(50, null=True)\n"
    models.write_text(models.read_text().replace("    username = ", f"{column}    username = ", 1))
    # The copy is no part of what coverage measures.
    runtime = {name: value for name, value in clean_environment().items() if "COVERAGE" not in name}

    lacking, written = (
        subprocess.run(
            [sys.executable, "-m", "todo_gql", "migrate", option],
            cwd=tmp_path,
            env=runtime,
            capture_output=True,
            text=True,
            check=False,
        )
        for option in ("--check", "--write")
    )
    assert lacking.returncode == 1
    assert lacking.stderr.startswith("The models lack a migration:\n")
    assert "nickname" in lacking.stderr
    assert written.returncode == 0
    assert "nickname" in Path(tmp_path, written.stdout.strip()).read_text()


@pytest.mark.own_schema
def test_database_without_tables_is_not_used(typing: CommandLine, empty_url: str) -> None:
    """A database that isn't ours is migrated when told to and never before."""
    for command in ("seed", "user promote ada", "serve --port 0"):
        answer = typing(*command.split(), DATABASE_URL=empty_url)
        assert (answer.status, answer.said) == (1, "")
        missing = "".join(f"  {name}\n" for name in MIGRATIONS)
        assert answer.complained == (
            f"The database lacks these migrations:\n{missing}Apply them: todo-gql migrate\n"
        )
    applied = "".join(f"Applied the migration {name}.\n" for name in MIGRATIONS)
    assert typing("migrate", DATABASE_URL=empty_url).said == applied
    assert typing("migrate", DATABASE_URL=empty_url).said == "Nothing to apply.\n"
    assert not (Path(typing.settings["DATA_DIR"]) / "postgres").exists()


def test_unusable_database_is_told(typing: CommandLine, server_url: str) -> None:
    """A DATABASE_URL that leads nowhere is told in a line, and its password is kept."""
    missing = urlunsplit(urlsplit(server_url)._replace(path="/there_is_none"))
    for url, complaint in (
        ("postgresql://ada:s3cret@127.0.0.1:1/todo_gql", "Connect call failed"),
        ("mysql://ada:s3cret@127.0.0.1/todo_gql", "invalid DSN"),
        (missing, "Can't establish connection to"),
    ):
        for command in ("migrate", "serve --port 0"):
            answer = typing(*command.split(), DATABASE_URL=url)
            assert answer.status == 1
            assert answer.complained.startswith("The database can't be used: ")
            assert complaint in answer.complained
            assert "s3cret" not in answer.complained
            assert answer.complained.count("\n") == 1


def test_a_silent_database_is_reported_as_a_timeout(typing: CommandLine) -> None:
    """A database that accepts connections and never answers is reported as a time-out, not without a reason."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://ada@127.0.0.1:{silent.getsockname()[1]}/todo_gql"
        answer = typing("migrate", DATABASE_URL=url, DATABASE_POOL_TIMEOUT="0.2")
    assert (answer.status, answer.complained) == (1, "The database can't be used: TimeoutError\n")


async def test_user_is_created(
    typing: CommandLine, client: Client, database_url: str, settings: Settings
) -> None:
    """An account made here can sign in there, whatever the letter case of its names."""
    runtime = {"DATABASE_URL": database_url, "SECRET_KEY": settings.key.decode()}
    create = ("user", "create", "Made.Here", "Made@example.com", "--password-stdin")
    answer = typing(*create, typed=f"{PASSWORD}\n", **runtime)
    assert answer == Answer(0, "Created the user Made.Here.\n", "")
    for name in ("made.here", "made@EXAMPLE.com"):
        given = {"usernameOrEmail": name, "password": PASSWORD}
        login = (await client.execute(LOGIN, {"input": given}))["data"]["login"]
        assert login["user"]["username"] == "Made.Here"


def test_user_is_refused_with_all_that_is_wrong(on_database: CommandLine) -> None:
    """The rules are those of registering, and every broken one is told at once."""
    create = ("user", "create", "--password-stdin")
    answer = on_database(*create, "a b", "nowhere", typed="password\n")
    assert answer.status == 1
    assert answer.complained == (
        "The account can't be created:\n"
        "username: Use only letters from A to Z, digits, and the signs _ . -\n"
        "email: Write an e-mail address like name@example.com.\n"
        "password: Use at least one upper-case letter, one lower-case letter and one digit.\n"
    )
    first = on_database(*create, "first", "first@example.com", typed=PASSWORD)
    assert first.said == "Created the user first.\n"
    again = on_database(*create, "FIRST", "First@Example.com", typed=PASSWORD)
    assert again.complained == (
        "The account can't be created:\n"
        "username: This user name is in use. Choose another.\n"
        "email: An account with this e-mail address exists. Sign in, or use another address.\n"
    )
    assert on_database(*create, "empty", "empty@example.com").status == 1


def test_password_is_no_argument(on_database: CommandLine) -> None:
    """A password comes from standard input without a terminal, as others see command lines."""
    answer = on_database("user", "create", "ada", "ada@example.com", typed=PASSWORD)
    assert answer == Answer(
        1, "", "There is no terminal to ask for the password: send it with --password-stdin.\n"
    )
    assert on_database("user", "create", "ada", "ada@example.com", PASSWORD).status == 2


def test_password_is_asked_for_twice_and_not_shown(
    on_database: CommandLine, working_folder: Path
) -> None:
    """The password is typed without echo in a terminal, until it is typed the same way twice."""
    answers = iter([PASSWORD, "Another1horse", PASSWORD, PASSWORD])
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "todo_gql", "user", "create", "typist", "typist@example.com"],
        cwd=working_folder,
        env=clean_environment() | on_database.settings,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown, asked = "", 0
        while part := read_terminal(ours):
            shown += part
            while shown.count(": ") - shown.count("Error: ") > asked:
                asked += 1
                os.write(ours, f"{next(answers)}\n".encode())
    os.close(ours)
    assert process.returncode == 0, shown
    lines = [line.strip() for line in shown.splitlines()]
    assert lines == [
        "Password:",
        "Repeat the password:",
        "Error: The two entered values do not match.",
        "Password:",
        "Repeat the password:",
        "Created the user typist.",
    ]


def read_terminal(terminal: int) -> str:
    """What was written to a terminal since; nothing once it is closed."""
    try:
        return os.read(terminal, 4096).decode()
    except OSError:
        return ""


async def test_superusers_are_made_and_unmade(on_database: CommandLine, module_url: str) -> None:
    """Promoting and demoting say what changed, and leave one active superuser at least."""
    create = ("user", "create", "--password-stdin")
    root = on_database(*create, "--superuser", "Root", "root@example.com", typed=PASSWORD)
    assert root.said == "Created the superuser Root.\n"
    assert on_database(*create, "helper", "helper@example.com", typed=PASSWORD).status == 0
    last = Answer(1, "", "Root is the last active superuser. Promote another account first.\n")
    assert on_database("user", "demote", "root") == last
    assert on_database("user", "disable", "ROOT@example.com") == last
    expected = {
        ("promote", "HELPER@example.com"): "helper is a superuser now.\n",
        ("promote", "Helper"): "helper is a superuser already.\n",
        ("demote", "root"): "Root is no longer a superuser.\n",
        ("demote", "ROOT"): "Root is not a superuser.\n",
    }
    for (verb, name), said in expected.items():
        assert on_database("user", verb, name) == Answer(0, said, "")
    connection = await asyncpg.connect(module_url)
    superusers = await connection.fetch("SELECT username FROM users WHERE is_superuser")
    await connection.close()
    assert [row["username"] for row in superusers] == ["helper"]


@pytest.mark.parametrize("verb", ["promote", "demote", "disable", "enable"])
def test_unknown_account_is_told(on_database: CommandLine, verb: str) -> None:
    """A name of nobody is told as it was typed."""
    answer = on_database("user", verb, "No.Body")
    assert answer == Answer(1, "", "There is no account No.Body.\n")


async def test_disabled_account_is_out_at_once(
    typing: CommandLine,
    account: Account,
    database_url: str,
    settings: Settings,
) -> None:
    """Disabling ends every session, which enabling doesn't bring back."""
    runtime = {"DATABASE_URL": database_url}
    assert (await account.data("{ viewer { id } }"))["viewer"]["id"] == account.id
    name = f"{account.username.upper()}@example.com"
    disabled = typing("user", "disable", name, **runtime)
    assert disabled.said == f"{account.username} is disabled and signed out everywhere.\n"
    again = typing("user", "disable", name, **runtime)
    assert again == Answer(0, f"{account.username} is disabled already.\n", "")
    assert (await account.data("{ viewer { id } }"))["viewer"] is None
    login = {"input": {"usernameOrEmail": account.username, "password": PASSWORD}}
    answer = await account.execute(LOGIN, login)
    assert [error["code"] for error in answer["data"]["login"]["errors"]] == ["ACCOUNT_DISABLED"]
    enabled = typing("user", "enable", account.username, **runtime)
    assert enabled.said == f"{account.username} is enabled now.\n"
    again = typing("user", "enable", account.username, **runtime)
    assert again == Answer(0, f"{account.username} is enabled already.\n", "")
    assert (await account.data("{ viewer { id } }"))["viewer"] is None
    refreshed = await account.execute(REFRESH, {"t": account.refresh_token})
    assert refreshed["data"]["tokenRefresh"]["errors"] == [{"code": "INVALID_TOKEN"}]
    assert (await account.execute(LOGIN, login))["data"]["login"]["errors"] == []


async def test_seed_makes_the_account_or_adds_to_it(
    on_database: CommandLine, module_url: str
) -> None:
    """The account that is missing is made, and its password told; later ones are added to."""
    first = on_database("seed", "--account", "seeded", "--todos", "30")
    made, *told, added = first.said.splitlines()
    assert re.fullmatch(r"Created the user seeded with the password \S{12,}", made)
    assert told == ["30 of 30 todos"]
    assert re.fullmatch(r"Added 30 todos to seeded in \d+\.\d s\.", added)
    second = on_database("seed", "--account", "SEEDED@example.com", "--todos", "3")
    assert second.said.startswith("3 of 3 todos\nAdded 3 todos to seeded in ")
    connection = await asyncpg.connect(module_url)
    count = "SELECT count(*) FROM todos t JOIN users u ON u.id = t.owner_id"
    assert await connection.fetchval(f"{count} WHERE u.username = 'seeded'") == 33
    await connection.close()


def test_seed_refuses_a_name_that_no_account_can_have(on_database: CommandLine) -> None:
    """A missing account is made only under a name that one can register with."""
    answer = on_database("seed", "--account", "nobody@example.com")
    assert answer.status == 1
    assert answer.complained.startswith(
        "There is no account nobody@example.com, and it can't be created:\nusername: Use only"
    )


def test_long_seeding_tells_how_far_it_is(on_database: CommandLine) -> None:
    """Long seeding prints lines of progress where there is no terminal for a bar."""
    answer = on_database("seed", "--account", "seeded-long", "--todos", "2501")
    lines = answer.said.splitlines()
    assert lines[1:-1] == [f"{done:,} of 2,501 todos" for done in (2500, 2501)]


def test_seeding_in_a_terminal_shows_a_bar(on_database: CommandLine, working_folder: Path) -> None:
    """A person sees a bar that fills."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "todo_gql", "seed", "--account", "seeded-bar"],
        cwd=working_folder,
        env=clean_environment() | on_database.settings | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = "".join(iter(lambda: read_terminal(ours), ""))
    os.close(ours)
    assert process.returncode == 0, shown
    assert "━" in shown
    assert "200/200" in shown


def test_first_command_makes_the_database(typing: CommandLine) -> None:
    """The first command of any kind makes the embedded database, its tables and a private key."""
    data_dir = Path(typing.settings["DATA_DIR"])
    answer = typing("seed", "--todos", "1")
    assert answer.complained == ""
    made, *applied = answer.said.splitlines()[: 1 + len(MIGRATIONS)]
    assert made == f"Creating a PostgreSQL database in {data_dir}."
    assert applied == [f"Applied the migration {name}." for name in MIGRATIONS]
    assert stat.S_IMODE((data_dir / "secret_key").stat().st_mode) == 0o600
    assert typing("migrate").said == "Nothing to apply.\n"
    assert not (data_dir / "postgres/postmaster.pid").exists()


@pytest.fixture
def restored_signals() -> Iterator[None]:
    """Undoes what a command does to the signals of this process."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("restored_signals")
def test_data_that_another_command_just_frees_is_waited_for(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands at once on the same data don't refuse each other."""
    lock = cluster.lock_data_dir(tmp_path)
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: lock.close())
    monkeypatch.setattr(runtime, "time", clock)
    with runtime.database(settings.model_copy(update={"data_dir": tmp_path})) as url:
        assert lock.closed
        assert url == cluster.running_url(tmp_path)


@pytest.mark.usefixtures("restored_signals")
def test_data_that_stays_in_use_is_told(
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A command gives up when whoever holds the data runs no database to share."""
    monkeypatch.setattr(runtime, "SHARING_SECONDS", 0)
    place = settings.model_copy(update={"data_dir": tmp_path})
    with (
        cluster.lock_data_dir(tmp_path),
        pytest.raises(typer.Exit),
        runtime.database(place),
    ):
        pass
    assert f"{tmp_path} is in use by process {os.getpid()}." in capsys.readouterr().err


@pytest.mark.usefixtures("restored_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_in_the_middle_of_a_callback_breaks_nothing(
    caplog: pytest.LogCaptureFixture, number: signal.Signals
) -> None:
    """A callback that is about to set a future's result when a signal arrives still can set it."""

    async def wait_for_callback() -> None:
        future = asyncio.get_running_loop().create_future()

        def set_result() -> None:
            signal.raise_signal(number)
            future.set_result(None)

        asyncio.get_running_loop().call_soon(set_result)
        await future
        await asyncio.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        run_until_signal(wait_for_callback())
    assert caplog.text == ""


@pytest.mark.usefixtures("restored_signals")
def test_error_that_a_cancelled_task_leaves_behind_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A future that a cancelled task leaves behind may fail after a signal without being logged."""

    async def connect() -> None:
        loop = asyncio.get_running_loop()
        connected = loop.create_future()
        loop.call_soon(signal.raise_signal, signal.SIGTERM)
        try:
            await asyncio.sleep(60)
        finally:
            connected.set_exception(ConnectionError("lost"))

    with pytest.raises(KeyboardInterrupt):
        run_until_signal(connect())
    assert caplog.text == ""


def test_export_writes_an_account_into_a_file(on_database: CommandLine, tmp_path: Path) -> None:
    """The archive is its owner's alone, is never written over another file, and needs an account."""
    assert on_database("seed", "--account", "exported", "--todos", "30").status == 0
    file = tmp_path / "export.zip"
    answer = on_database("export", "--user", "EXPORTED", str(file))
    assert (answer.status, answer.said) == (0, f"Wrote {file.stat().st_size:,} bytes to {file}.\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as archive:
        lines = archive.read("todo_gql-export/data.jsonl").splitlines()
    assert sum(line.startswith(b'{"type":"todo"') for line in lines) == 30
    again = on_database("export", "--user", "exported", str(file))
    assert (again.status, "exists already" in again.complained) == (1, True)
    nobody = on_database("export", "--user", "nobody", str(tmp_path / "other.zip"))
    assert (nobody.status, nobody.complained) == (1, "There is no account nobody.\n")
    assert list(tmp_path.glob("*other*")) == []
