"""The commands for dead letters, on those of a real worker."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client
from tests.support.mailbox import Mailbox, delivering, token_of
from tests.support.processes import CommandLine, clean_environment, command_line
from tests.support.push_services import Browser
from tests.support.reminders import put_reminders
from tests.support.waiting import until
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.features.accounts.email.password_reset import request_reset
from todo_gql.jobs import queue as jobs
from todo_gql.jobs import worker
from todo_gql.settings import Settings

SUBSCRIBE = "mutation ($input: PushSubscribeInput!) { pushSubscribe(input: $input) { ok } }"
VERIFICATION = "Confirm your e-mail address"

LET_LINK_EXPIRE = """
UPDATE pgqueuer SET payload = convert_to(jsonb_set(convert_from(payload, 'UTF8')::jsonb,
    '{good_until}', to_jsonb(now()))::text, 'UTF8') WHERE id = $1
"""
SET_ASIDE_MORE = """
INSERT INTO pgqueuer (priority, status, entrypoint, created)
SELECT 0, 'failed', 'send_mail', now() FROM generate_series(1, $1)
"""


@pytest.fixture(scope="module")
def typing(
    tmp_path_factory: pytest.TempPathFactory, app: ASGIApp, database_url: str
) -> Iterator[CommandLine]:
    """Command lines on the database of the application."""
    folder = tmp_path_factory.mktemp("jobs")
    with command_line(folder, clean_environment()) as typing:
        yield typing.having(DATA_DIR=str(folder / "data"), DATABASE_URL=database_url)


@pytest.fixture
async def box(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mailbox]:
    """Everybody's mails, with nothing in the queue before the test and after it."""
    monkeypatch.setattr(worker, "POLL", timedelta(seconds=0.1))
    await fetch("DELETE FROM pgqueuer")
    yield Mailbox()
    await fetch("DELETE FROM pgqueuer")


async def dead_letters(
    box: Mailbox, settings: Settings, database_url: str, number: int
) -> list[int]:
    """Have a mail server refuse what is in the queue until nothing is tried any more."""

    async def all_are() -> bool:
        return len(await jobs.dead_letters()) == number

    box.refusals = 8 * number
    async with delivering(box, settings, database_url, mail_retry_seconds=0.001):
        await until(all_are)
    return [job.id for job, _ in await jobs.dead_letters()]


def test_nothing_was_set_aside(box: Mailbox, typing: CommandLine) -> None:
    """The command says that no job has failed, and that there is nothing to put back."""
    assert typing("jobs", "failed").said == "No job has failed for good.\n"
    assert typing("jobs", "retry").said == "0 jobs will be retried.\n"


async def test_unsent_mails_are_listed_with_their_reasons(
    account: Account, typing: CommandLine
) -> None:
    """A mail that waits and one that isn't to be sent are listed; one that was sent isn't."""
    await fetch("DELETE FROM notification_mails")
    assert typing("jobs", "unsent").said == "All mails of notifications were sent.\n"
    for kind, sent_at, reason in ((0, None, None), (1, None, "no reason"), (0, "now", None)):
        await fetch(
            "INSERT INTO notification_mails (id, owner_id, kind, notification_ids, created_at, sent_at,"
            " unsent_reason) VALUES (gen_random_uuid(), $1::text::uuid, $2, '[]', now(),"
            " $3::text::timestamptz, $4)",
            *(account.id, kind, sent_at, reason),
        )
    digest, no_reason, bundle, waiting = typing("jobs", "unsent").said.splitlines()
    assert f"  digest  owner_id={account.id} mail_id=" in digest
    assert f"  notifications  owner_id={account.id} mail_id=" in bundle
    assert (no_reason, waiting) == ("  no reason", "  it waits in the queue: is a worker running?")
    await fetch("DELETE FROM notification_mails")


async def test_failed_pushes_are_listed_with_their_reasons(
    account: Account, typing: CommandLine
) -> None:
    """A browser whose last push failed is listed by its push service, without the secret of its endpoint."""
    await fetch("UPDATE push_subscriptions SET last_error = NULL")
    for name in ("failing", "fine"):
        sent = Browser(f"https://push.example:8443/secret-{name}").input
        await account.data(SUBSCRIBE, input=sent)
    assert typing("jobs", "pushes").said == "No browser's last push failed.\n"
    [row] = await fetch(
        "UPDATE push_subscriptions SET last_error = 'refused' WHERE owner_id = $1::text::uuid"
        " AND endpoint LIKE '%failing' RETURNING id",
        account.id,
    )
    said, reason = typing("jobs", "pushes").said.splitlines()
    about = f"owner_id={account.id} push_subscription_id={row['id']}"
    assert said.endswith(f"  https://push.example:8443  {about}")
    assert reason == "  refused"


async def test_failed_job_is_told_and_put_back(
    box: Mailbox, account: Account, typing: CommandLine, settings: Settings, database_url: str
) -> None:
    """One sees what failed and why, puts it back, and the mail comes with a link that is good."""
    [number] = await dead_letters(box, settings, database_url, 1)
    said = typing("jobs", "failed").said
    row = await fetchrow("SELECT id FROM mails WHERE owner_id = $1::text::uuid", account.id)
    assert row is not None
    expected = (
        rf"{number}  \d{{4}}-\d\d-\d\d \d\d:\d\d  send_mail"
        rf"  owner_id={account.id} mail_id={row['id']} good_until=\S+\n  \(451, 'Try again later'\)\n"
    )
    assert re.fullmatch(expected, said), said
    assert typing("jobs", "retry", str(number)).said == "1 job will be retried.\n"
    assert typing("jobs", "failed").said == "No job has failed for good.\n"
    async with delivering(box, settings, database_url):
        mail = await box.arrival(f"{account.username}@example.com", VERIFICATION)
    verify = "mutation ($token: String!) { emailVerify(token: $token) { user { isVerified } } }"
    data = await account.data(verify, token=token_of(mail))
    assert data == {"emailVerify": {"user": {"isVerified": True}}}


async def test_unknown_job_is_told(
    box: Mailbox, account: Account, typing: CommandLine, settings: Settings, database_url: str
) -> None:
    """A number that is no failed job's is named, and nothing is put back."""
    [number] = await dead_letters(box, settings, database_url, 1)
    answer = typing("jobs", "retry", str(number), "999999", "0")
    assert (answer.status, answer.said) == (1, "")
    assert answer.complained == "No failed job has this id: 0, 999999.\n"
    assert [job.id for job, _ in await jobs.dead_letters()] == [number]


async def test_mail_that_is_too_late_stays_set_aside(
    box: Mailbox,
    account: Account,
    stranger: Account,
    typing: CommandLine,
    settings: Settings,
    database_url: str,
) -> None:
    """A mail whose link has expired meanwhile is named, and only the others are put back."""
    [_, number] = await dead_letters(box, settings, database_url, 2)
    await fetch(LET_LINK_EXPIRE, number)
    assert typing("jobs", "retry").said == (
        f"Job {number} is not retried: its link expired before it could be sent.\n"
        "1 job will be retried.\n"
    )
    assert [job.id for job, _ in await jobs.dead_letters()] == [number]


async def test_any_failed_job_is_found(
    box: Mailbox, account: Account, typing: CommandLine, settings: Settings, database_url: str
) -> None:
    """A job is put back by its number, however many were set aside after it."""
    [number] = await dead_letters(box, settings, database_url, 1)
    await fetch(SET_ASIDE_MORE, 1_000)
    said = typing("jobs", "failed").said.splitlines()
    assert said[-1] == "There are more; these are the newest 1,000."
    assert not any(line.startswith(f"{number}  ") for line in said)
    assert typing("jobs", "retry", str(number)).said == "1 job will be retried.\n"
    assert number not in {job.id for job, _ in await jobs.dead_letters()}
    assert typing("jobs", "retry").said == "1,000 jobs will be retried.\n"


async def test_all_are_put_back_at_once(
    box: Mailbox,
    account: Account,
    stranger: Account,
    typing: CommandLine,
    settings: Settings,
    database_url: str,
) -> None:
    """Every failed job is tried again where no number is set."""
    await dead_letters(box, settings, database_url, 2)
    assert typing("jobs", "retry").said == "2 jobs will be retried.\n"
    async with delivering(box, settings, database_url):
        await box.reaches(2)


async def test_reset_for_nobody_leaves_no_trace(
    box: Mailbox, client: Client, settings: Settings, database_url: str
) -> None:
    """The address that somebody typed in is forgotten once nobody was found to have it."""
    await request_reset("nobody-here@example.com")

    async def is_done() -> bool:
        return not await fetch("SELECT FROM pgqueuer")

    async with delivering(box, settings, database_url):
        await until(is_done)
    assert box.tries == 0
    assert "nobody-here" not in str(await fetch("SELECT * FROM pgqueuer_log"))


async def test_late_reminders_are_listed(account: Account, typing: CommandLine) -> None:
    """The command lists the reminders that are due and haven't fired, earliest first, and no others."""
    await fetch("DELETE FROM reminders")
    assert typing("jobs", "reminders").said == "No reminder is due.\n"
    todo = await account.create()
    late = await put_reminders(todo, timedelta(hours=2), timedelta(days=3), timedelta(days=-1))
    said = typing("jobs", "reminders").said.splitlines()
    assert [line.split()[0] for line in said] == [str(late[1]), str(late[0])]
    assert all(f"todo_id={todo['id']}" in line for line in said)
    assert re.search(r" 2\d\d,\d\d\d s late ", said[0])
