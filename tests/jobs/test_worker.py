"""The worker beside mail servers and databases that fail: nothing is lost, nothing comes twice."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from tortoise.transactions import in_transaction

from tests.support.accounts import Account, NewAccount
from tests.support.mailbox import Mailbox, delivering, receiving, sending_to, token_of
from tests.support.proxy import Proxy
from tests.support.waiting import until
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import MailKind, User
from todo_gql.features.accounts.email import outbox
from todo_gql.features.accounts.email.outbox import SEND_MAIL
from todo_gql.features.accounts.email.password_reset import request_reset
from todo_gql.jobs import queue as jobs
from todo_gql.jobs import worker
from todo_gql.settings import Settings
from todo_gql.tasks import create_worker, working

VERIFICATION = "Confirm your e-mail address"
OF_WORKERS = (
    "FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'todo_gql worker'"
)
WORKERS = f"SELECT count(*) {OF_WORKERS}"
CUT_OFF = f"SELECT pg_terminate_backend(pid) {OF_WORKERS}"
CUT_ALL_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
WAITING = "SELECT count(*) FROM pgqueuer"
RETRY_WAITS = """
SELECT traceback -> 'additional_context' ->> 'retry_delay' AS wait FROM pgqueuer_log
WHERE job_id = $1 AND status = 'queued' AND traceback IS NOT NULL ORDER BY id
"""


@pytest.fixture
async def box(app: object) -> AsyncIterator[Mailbox]:
    """Everybody's mails, with nothing in the queue before the test and after it."""
    await fetch("DELETE FROM pgqueuer")
    yield Mailbox()
    await fetch("DELETE FROM pgqueuer")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that waits for nothing as long as in earnest."""
    monkeypatch.setattr(worker, "RECONNECT_SECONDS", 0.05)
    monkeypatch.setattr(worker, "HEARTBEAT", timedelta(seconds=1))
    monkeypatch.setattr(worker, "POLL", timedelta(seconds=0.1))


def address_of(account: Account) -> str:
    """Where an account's mails go."""
    return f"{account.username}@example.com"


async def count(query: str, *values: object) -> int:
    """The one number that a query gives."""
    row = await fetchrow(query, *values)
    assert row is not None
    return int(row[0])


async def queue_is_empty() -> bool:
    """Whether every job is done with."""
    return await count(WAITING) == 0


async def post_some(number: int, account: Account, settings: Settings) -> None:
    """Post so many mails to an account, which has had none of the kind yet."""
    user = await User.get(id=UUID(account.id))
    generous = settings.model_copy(update={"mails_per_hour": number})
    async with in_transaction():
        for _ in range(number):
            assert await outbox.enqueue(user, MailKind.PASSWORD_CHANGED, generous)


async def something_is_set_aside() -> bool:
    """Whether a job has failed eight times."""
    return bool(await jobs.dead_letters())


async def no_worker_is_connected() -> bool:
    """Whether no worker has a connection of its own to the database."""
    return await count(WORKERS) == 0


async def has_failed_once() -> bool:
    """Whether a job waits for its second try."""
    return await count("SELECT count(*) FROM pgqueuer WHERE attempts = 1") == 1


async def test_no_mail_without_its_cause(
    box: Mailbox, account: Account, settings: Settings
) -> None:
    """What is posted in a transaction that fails is neither stored nor in the queue."""
    await fetch("DELETE FROM pgqueuer")
    user = await User.get(id=UUID(account.id))
    with suppress(ZeroDivisionError):
        async with in_transaction():
            assert await outbox.enqueue(user, MailKind.PASSWORD_CHANGED, settings)
            assert await count(WAITING) == 1
            raise ZeroDivisionError
    assert await count(WAITING) == 0
    assert await count("SELECT count(*) FROM mails WHERE owner_id = $1", user.id) == 1


async def test_refused_mail_arrives_later(
    box: Mailbox, account: Account, settings: Settings, database_url: str
) -> None:
    """A server that refuses twice gets the same mail a third time, and then no more."""
    box.refusals = 2
    async with delivering(box, settings, database_url, mail_retry_seconds=0.01):
        mail = await box.arrival(address_of(account), VERIFICATION)
        await until(queue_is_empty)
    assert (box.tries, box.deliveries) == (3, 1)
    row = await fetchrow("SELECT * FROM mails WHERE owner_id = $1", UUID(account.id))
    assert row is not None
    assert mail["Message-ID"] == f"<{row['id']}@todo.example>"
    assert mail["Date"].datetime == row["created_at"].replace(microsecond=0)
    assert row["sent_at"] is not None


async def test_tries_get_rarer_and_end(
    box: Mailbox,
    account: Account,
    settings: Settings,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A mail is set aside after eight tries, each after three times as long a wait."""
    box.refusals = 100
    caplog.set_level(logging.WARNING, "todo_gql.jobs.worker")
    async with delivering(box, settings, database_url, mail_retry_seconds=0.001):
        await until(something_is_set_aside)
    [(job, reason)] = await jobs.dead_letters()
    assert reason == "(451, 'Try again later')"
    assert box.tries == jobs.MAX_ATTEMPTS == 8
    waits = [row["wait"] for row in await fetch(RETRY_WAITS, job.id)]
    assert waits == [str(timedelta(seconds=0.001) * 3**n) for n in range(7)]
    said = [record for record in caplog.records if record.name == "todo_gql.jobs.worker"]
    assert [record.levelname for record in said] == ["WARNING"] * 7 + ["ERROR"]
    assert said[-1].getMessage() == (
        f"job {job.id}, send_mail, failed at try 8 of 8: (451, 'Try again later')"
    )
    box.refusals = 0
    await jobs.requeue([job.id])
    async with delivering(box, settings, database_url):
        token = token_of(await box.arrival(address_of(account), VERIFICATION))
    assert token not in caplog.text
    assert token not in str(await fetch("SELECT * FROM pgqueuer_log"))


@pytest.mark.parametrize("minutes", [1, 30, 48 * 60])
def test_mail_has_all_its_tries_while_its_link_is_good(settings: Settings, minutes: int) -> None:
    """None of a mail's eight tries comes after its link has expired, with the default waits."""
    left = timedelta(minutes=minutes)
    first_wait = timedelta(seconds=settings.mail_retry_seconds)
    for earlier_tries in range(jobs.MAX_ATTEMPTS - 1):
        wait = jobs.retry_delay(earlier_tries, first_wait, left)
        assert timedelta(0) < wait <= jobs.MAX_RETRY_DELAY
        left -= wait
    assert left > timedelta(0)


async def test_refused_mail_is_tried_while_its_link_is_good(
    box: Mailbox, account: Account, settings: Settings, database_url: str
) -> None:
    """The wait for the next try of a reset follows from how long its link lives."""
    await fetch("DELETE FROM pgqueuer")
    await request_reset(address_of(account))
    box.refusals = 1
    changes = {"mail_retry_seconds": 10**6, "password_reset_expire_minutes": 8}
    async with delivering(box, settings, database_url, **changes):
        await until(has_failed_once)
    [row] = await fetch("SELECT execute_after - updated AS wait FROM pgqueuer")
    assert timedelta(seconds=45) < row["wait"] <= timedelta(minutes=1)


async def test_no_wait_is_longer_than_an_hour(
    box: Mailbox, account: Account, settings: Settings, database_url: str
) -> None:
    """A mail is tried again within an hour, however long the first wait is set."""
    box.refusals = 1
    async with delivering(box, settings, database_url, mail_retry_seconds=10**6):
        await until(has_failed_once)
    [row] = await fetch("SELECT execute_after - updated AS wait FROM pgqueuer")
    assert row["wait"] == jobs.MAX_RETRY_DELAY == timedelta(hours=1)


async def test_mail_server_is_not_overrun(
    box: Mailbox, account: Account, settings: Settings, database_url: str
) -> None:
    """A worker sends 20 mails at a time, however many wait."""
    await post_some(44, account, settings)
    go_on = asyncio.Semaphore(0)
    box.before_taking = go_on.acquire
    async with delivering(box, settings, database_url):
        for delivered in range(45):
            most = min(worker.MAX_RUNNING_JOBS, 45 - delivered)
            await until(lambda most=most: box.under_way == most)  # type: ignore[misc]
            go_on.release()
            await box.reaches(delivered + 1)
    assert box.most_at_once == worker.MAX_RUNNING_JOBS == 20
    assert box.deliveries == 45


async def test_stop_waits_for_the_mail_under_way(
    box: Mailbox, new_account: NewAccount, settings: Settings, database_url: str
) -> None:
    """A worker that is told to stop sends what it has begun, and begins nothing more."""
    await new_account()
    go_on = asyncio.Event()
    box.before_taking = go_on.wait
    async with receiving(box) as url:
        one = create_worker(sending_to(url, settings), database_url)
        running = asyncio.create_task(one.run())
        await box.is_tried()
        one.stop()
        await new_account()
        assert not running.done()
        go_on.set()
        await running
    assert (box.tries, box.deliveries) == (1, 1)
    assert await count(WAITING) == 1


async def test_worker_that_is_cut_off_loses_nothing(
    box: Mailbox, account: Account, settings: Settings, database_url: str
) -> None:
    """A mail stays in the queue when the event loop ends in the midst of it."""
    box.before_taking = asyncio.Event().wait
    async with receiving(box) as url:
        running = asyncio.create_task(create_worker(sending_to(url, settings), database_url).run())
        before = asyncio.all_tasks()
        await box.is_tried()
        for task in asyncio.all_tasks() - before | {running}:
            task.cancel()
        await asyncio.wait({running})
    assert await count(WAITING) == 1
    box.before_taking = None
    async with delivering(box, settings, database_url):
        await box.arrival(address_of(account), VERIFICATION)


@pytest.mark.parametrize("patience", ["JOB_SECONDS", "STOP_SECONDS"])
async def test_worker_that_is_stopped_waits_for_no_mail_for_ever(
    box: Mailbox,
    account: Account,
    settings: Settings,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    patience: str,
) -> None:
    """A mail that takes longer than a stop may goes back to the queue and is sent by the next."""
    monkeypatch.setattr(worker, patience, 0.2)
    box.before_taking = asyncio.Event().wait
    async with delivering(box, settings, database_url):
        await box.is_tried()
    assert ("ends before all is done" in caplog.text) == (patience == "STOP_SECONDS")
    assert await count("SELECT count(*) FROM pgqueuer WHERE status = 'queued'") == 1
    box.before_taking = None
    async with delivering(box, settings, database_url):
        await box.arrival(address_of(account), VERIFICATION)


async def test_lost_connection_cuts_no_mail_off(
    box: Mailbox, new_account: NewAccount, settings: Settings, database_url: str
) -> None:
    """A worker whose connection is cut finishes its mail, connects again and sends the next."""
    await new_account()
    go_on = asyncio.Event()
    box.before_taking = go_on.wait
    async with delivering(box, settings, database_url):
        await box.is_tried()
        assert len(await fetch(CUT_OFF)) == 1
        await until(no_worker_is_connected)
        go_on.set()
        address = address_of(await new_account())
        await box.arrival(address, VERIFICATION)
        await until(queue_is_empty)
    assert (box.tries, box.deliveries) == (2, 2)


async def test_connections_cut_again_and_again(
    box: Mailbox, account: Account, settings: Settings, database_url: str
) -> None:
    """All mails arrive, none twice, whenever the database ends the worker's connections."""
    await post_some(24, account, settings)
    box.before_taking = lambda: asyncio.sleep(0.05)
    own = await asyncpg.connect(database_url)
    sending_soon = settings.model_copy(update={"mail_retry_seconds": 0.01})
    async with delivering(box, sending_soon, database_url):
        for number in (1, 21):
            await box.reaches(number)
            await own.execute(CUT_ALL_OFF)
        await box.reaches(25)
        await until(lambda: own.fetchval("SELECT count(*) = 0 FROM pgqueuer"))
    await own.close()
    assert len(box.mails) == 25


async def test_database_that_falls_silent(
    box: Mailbox,
    new_account: NewAccount,
    settings: Settings,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection on which nothing comes any more, as when a machine dies, is given up."""
    for limit in ("ANSWER_SECONDS", "CONNECT_SECONDS"):
        monkeypatch.setattr(worker, limit, 0.5)
    proxy = Proxy(database_url)
    async with (
        proxy.listening() as proxied_url,
        receiving(box) as url,
        working(sending_to(url, settings), proxied_url),
    ):
        await box.arrival(address_of(await new_account()), VERIFICATION)
        proxy.fall_silent()
        await box.arrival(address_of(await new_account()), VERIFICATION)
    assert proxy.connections > 1


async def test_job_that_nobody_understands(
    box: Mailbox,
    account: Account,
    settings: Settings,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A job without what it needs is tried like all, with its traceback logged; others go on."""
    await jobs.enqueue(SEND_MAIL, "nonsense", {"owner_id": "nobody"})
    async with receiving(box) as url:
        sending = sending_to(url, settings, mail_retry_seconds=0.001)
        async with working(sending, database_url):
            await box.arrival(address_of(account), VERIFICATION)
            await until(something_is_set_aside)
    [(_, reason)] = await jobs.dead_letters()
    assert reason == "badly formed hexadecimal UUID string"
    said = [record for record in caplog.records if reason in record.getMessage()]
    assert len(said) == jobs.MAX_ATTEMPTS
    assert all(record.exc_info for record in said)
