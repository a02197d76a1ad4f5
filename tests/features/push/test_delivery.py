"""Pushing notifications: what is due arrives, encrypted for each browser, or is given up with a reason."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from aiohttp import web
from prometheus_client import REGISTRY
from tortoise.transactions import in_transaction

from tests.support.account_operations import LOGOUT
from tests.support.accounts import Account
from tests.support.https_servers import Authority
from tests.support.push_services import Browser, PushService, push_service, reply
from tests.support.waiting import until
from todo_gql.database.connection import fetch, fetchrow, transaction
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.features.push import dispatch, tasks
from todo_gql.inbox.entries import Entry, enter
from todo_gql.inbox.security_events import SecurityEvent, enter_security_event
from todo_gql.jobs import worker
from todo_gql.settings import Settings
from todo_gql.tasks import working

SUBSCRIBE = """
mutation ($input: PushSubscribeInput!) { pushSubscribe(input: $input) { ok errors { message } } }
"""
JOBS = "SELECT * FROM pgqueuer WHERE entrypoint = 'send_push'"
DUE = "SELECT FROM notifications WHERE owner_id = $1 AND push_at <= now()"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that looks for what is due all the time."""
    monkeypatch.setattr(worker, "POLL", timedelta(seconds=0.1))
    monkeypatch.setattr(tasks, "POLL_SECONDS", 0.05)


@pytest.fixture
async def service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: object
) -> AsyncIterator[PushService]:
    """A push service that workers trust, with nothing in the queue and nothing due before the test."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    await fetch("DELETE FROM pgqueuer")
    await fetch("UPDATE notifications SET push_at = NULL")
    async with push_service(authority) as service:
        yield service
    assert service.errors == []
    await fetch("DELETE FROM pgqueuer")


@asynccontextmanager
async def pushing(settings: Settings, url: str, workers: int = 1) -> AsyncIterator[None]:
    """Workers that run beside the block."""
    async with AsyncExitStack() as stack:
        for _ in range(workers):
            await stack.enter_async_context(working(settings, url))
        yield


Pushing = Callable[..., Any]


@pytest.fixture
def run_workers(settings: Settings, database_url: str) -> Pushing:
    """Runs workers beside a block."""
    return lambda workers=1, **changes: pushing(
        settings.model_copy(update=changes), database_url, workers
    )


async def subscribe(account: Account, browser: Browser) -> Browser:
    """Subscribe a browser of the push service."""
    payload = (await account.data(SUBSCRIBE, input=browser.input))["pushSubscribe"]
    assert payload == {"ok": True, "errors": []}
    return browser


async def notify(
    account: Account,
    todo: dict[str, Any] | None = None,
    kind: NotificationKind = NotificationKind.REMINDER,
) -> UUID:
    """Enter a notification, of a todo unless there is none, which is to be pushed at once; its id."""
    source = uuid4().hex
    subject_kind, subject_id = (ChangeKind.TODO, UUID(todo["id"])) if todo else (None, None)
    entry = Entry(UUID(account.id), kind, source, None, subject_kind, subject_id)
    async with transaction() as connection:
        await enter(connection, [entry])
    # Not every kind is pushed by default.
    row = await fetchrow(
        "UPDATE notifications SET push_at = now() WHERE source = $1 RETURNING id", source
    )
    assert row
    return UUID(str(row["id"]))


async def nothing_is_left(account: Account) -> bool:
    """Whether all that was due is sent or given up."""
    return not await fetch(DUE, UUID(account.id)) and not await fetch(JOBS)


def waiting_for(account: Account) -> Callable[[], Awaitable[bool]]:
    """A condition to wait for: that all that was due is sent or given up."""
    return lambda: nothing_is_left(account)


async def stored_error(account: Account) -> str | None:
    """The last error of the account's only subscription."""
    [row] = await fetch(
        "SELECT last_error FROM push_subscriptions WHERE owner_id = $1", UUID(account.id)
    )
    error: str | None = row["last_error"]
    return error


def counted(outcome: str, kind: str = "reminder") -> float:
    """How many pushes this process has counted."""
    labels = {"kind": kind, "outcome": outcome}
    return REGISTRY.get_sample_value("todo_gql_pushes_total", labels) or 0


async def test_a_notification_arrives_in_every_browser(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """Each browser decrypts what the notification is about, and the same topic replaces it."""
    browsers = [await subscribe(account, service.subscribe(name)) for name in ("one", "two")]
    todo = await account.create(title="Sail to Ærø")
    sent, lags = counted("sent"), REGISTRY.get_sample_value("todo_gql_push_lag_seconds_count") or 0
    await notify(account, todo)
    await notify(account, todo, NotificationKind.COMPLETED)
    async with run_workers():
        await until(waiting_for(account))
    for browser in browsers:
        shown = sorted(service.to(browser), key=lambda one: str(one["title"]))
        assert shown == [
            {
                "title": title,
                "body": "Sail to Ærø",
                "url": f"?todo={todo['id']}",
                "tag": todo["id"],
            }
            for title in ("Completed", "Reminder")
        ]
    assert len({one.headers["topic"] for one in service.delivered}) == 1
    assert {one.headers["ttl"] for one in service.delivered} == {"86400"}
    urgencies = {one.content["title"]: one.headers["urgency"] for one in service.delivered}
    assert urgencies == {"Reminder": "high", "Completed": "normal"}
    assert counted("sent") == sent + 2
    assert REGISTRY.get_sample_value("todo_gql_push_lag_seconds_count") == lags + 4


async def test_the_longest_title_arrives(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A title of 200 characters of four bytes each arrives whole."""
    browser = await subscribe(account, service.subscribe("one"))
    await notify(account, await account.create(title="😀" * 200))
    async with run_workers():
        await until(waiting_for(account))
    [shown] = service.to(browser)
    assert shown["body"] == "😀" * 200


async def test_two_workers_push_once(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """Workers share what is due, so that each notification is pushed once."""
    browser = await subscribe(account, service.subscribe("one"))
    todos = [await account.create(title=f"Todo {n}") for n in range(30)]
    for todo in todos:
        await notify(account, todo)
    async with run_workers(workers=3):
        await until(waiting_for(account))
    assert sorted(one["body"] for one in service.to(browser)) == sorted(
        todo["title"] for todo in todos
    )


READ = {
    "read": "UPDATE notifications SET read_at = now() WHERE id = $1",
    "archived": "UPDATE notifications SET archived_at = now() WHERE id = $1",
    "snoozed": ("UPDATE notifications SET snoozed_until = now() + interval '1 hour' WHERE id = $1"),
}


@pytest.mark.parametrize("state", READ)
async def test_what_is_read_meanwhile_is_not_pushed(
    account: Account, service: PushService, run_workers: Pushing, state: str
) -> None:
    """A notification that is read, archived or snoozed before it is pushed isn't, and others are."""
    browser = await subscribe(account, service.subscribe("one"))
    await fetch(READ[state], await notify(account, await account.create(title="Known")))
    await notify(account, await account.create(title="New"))
    async with run_workers():
        await until(waiting_for(account))
    assert [one["body"] for one in service.to(browser)] == ["New"]


@pytest.mark.parametrize(
    "mutation", ["todoComplete(id: $id)", "todoDelete(id: $id)", "todoCancel(id: $id)"]
)
async def test_nobody_is_reminded_of_what_is_done(
    account: Account, service: PushService, run_workers: Pushing, mutation: str
) -> None:
    """A reminder of a todo that is done, cancelled or in the trash by then isn't pushed."""
    browser = await subscribe(account, service.subscribe("one"))
    done = await account.create(title="Done")
    await notify(account, done)
    if "Cancel" in mutation:
        mutation = "todoUpdate(id: $id, input: { status: CANCELLED })"
    await account.data(f"mutation ($id: ID!) {{ {mutation} {{ todo {{ id }} }} }}", id=done["id"])
    await notify(account, await account.create(title="Open"))
    withdrawn = counted("withdrawn")
    async with run_workers():
        await until(waiting_for(account))
    assert [one["body"] for one in service.to(browser)] == ["Open"]
    assert counted("withdrawn") == withdrawn + 1


async def test_what_has_no_subject_is_pushed(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A notification that is about nothing in particular has a title, and leads to the page itself."""
    browser = await subscribe(account, service.subscribe("one"))
    id = await notify(account, kind=NotificationKind.JOB)
    async with run_workers():
        await until(waiting_for(account))
    assert service.to(browser) == [{"title": "Done", "body": "", "url": "?", "tag": str(id)}]


async def test_a_security_notice_says_what_happened(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """What concerns the security of an account is pushed at once, in words."""
    browser = await subscribe(account, service.subscribe("one"))
    async with in_transaction():
        await enter_security_event(UUID(account.id), SecurityEvent.PASSWORD_CHANGED)
    async with run_workers():
        await until(waiting_for(account))
    [shown] = service.to(browser)
    assert shown["title"] == "Security of your account"
    assert shown["body"] == "Your password was changed."


async def test_a_push_waits_for_its_moment(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A notification whose moment lies ahead, such as the end of quiet hours, stays for then."""
    browser = await subscribe(account, service.subscribe("one"))
    later = await notify(account, await account.create(title="Later"))
    await fetch("UPDATE notifications SET push_at = now() + interval '1 hour' WHERE id = $1", later)
    await notify(account, await account.create(title="Now"))
    async with run_workers():
        await until(waiting_for(account))
    assert [one["body"] for one in service.to(browser)] == ["Now"]
    row = await fetchrow("SELECT push_at FROM notifications WHERE id = $1", later)
    assert row
    assert row["push_at"] is not None


async def test_what_is_a_day_late_stays_in_the_inbox(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A notification that no worker pushed for a day isn't pushed any more."""
    browser = await subscribe(account, service.subscribe("one"))
    late = await notify(account, await account.create(title="Old"))
    await fetch(
        "UPDATE notifications SET push_at = now() - interval '25 hours' WHERE id = $1", late
    )
    await notify(account, await account.create(title="New"))
    async with run_workers():
        await until(waiting_for(account))
    assert [one["body"] for one in service.to(browser)] == ["New"]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_is_gone_is_forgotten(
    account: Account, service: PushService, run_workers: Pushing, status: int
) -> None:
    """A subscription that its push service doesn't know any more is deleted, and others stay."""
    gone = await subscribe(account, service.subscribe("gone", reply(status)))
    browser = await subscribe(account, service.subscribe("one"))
    await notify(account, await account.create(title="Sail"))
    async with run_workers():
        await until(waiting_for(account))
    assert [one["body"] for one in service.to(browser)] == ["Sail"]
    assert service.to(gone) == []
    rows = await fetch(
        "SELECT endpoint FROM push_subscriptions WHERE owner_id = $1", UUID(account.id)
    )
    assert [row["endpoint"] for row in rows] == [browser.endpoint]


@pytest.mark.parametrize("status", [302, 400, 401, 403])
async def test_a_refusal_is_noted(
    account: Account, service: PushService, run_workers: Pushing, status: int
) -> None:
    """What a push service refuses isn't sent again; why is shown until the next message is accepted."""
    answer = reply(status, "BadJwtToken", Location="/push/elsewhere")
    browser = await subscribe(account, service.subscribe("one", answer))
    await notify(account, await account.create(title="Refused"))
    failed = counted("failed")
    async with run_workers():
        await until(waiting_for(account))
        assert await stored_error(account) == f"The push service answered {status}: BadJwtToken"
        assert counted("failed") == failed + 1
        await notify(account, await account.create(title="Accepted"))
        await until(waiting_for(account))
    assert await stored_error(account) is None
    assert [one["body"] for one in service.to(browser)] == ["Accepted"]
    assert service.requests == ["/push/one", "/push/one"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_temporary_failure_is_tried_again(
    account: Account, service: PushService, run_workers: Pushing, status: int
) -> None:
    """A message that a push service can't take now is sent again as soon as it says."""
    answers = [reply(status, Retry_After="1"), reply(status, Retry_After="0")]
    browser = await subscribe(account, service.subscribe("one", *answers))
    await notify(account, await account.create(title="Sail"))
    retried = counted("retried")
    async with run_workers():
        await until(waiting_for(account))
    assert [one["body"] for one in service.to(browser)] == ["Sail"]
    assert len(service.requests) == 3
    assert counted("retried") == retried + 2
    assert await stored_error(account) is None


def until_in_an_hour() -> web.StreamResponse:
    """An answer that asks to wait until a moment an hour after it."""
    moment = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    return reply(503, Retry_After=moment)()


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (reply(500), 15),
        (reply(429, Retry_After="120"), 120),
        (until_in_an_hour, 3600),
        (reply(503, Retry_After="soon"), 15),
    ],
)
async def test_the_push_service_says_how_long_to_wait(
    account: Account,
    service: PushService,
    run_workers: Pushing,
    answer: Callable[[], Any],
    seconds: int,
) -> None:
    """Retry-After is kept to, in seconds and as a date; without it the wait begins with 15 seconds."""
    await subscribe(account, service.subscribe("one", answer))
    await notify(account, await account.create(title="Sail"))

    async with run_workers():
        await until(lambda: is_queued(1))
        [job] = await fetch(JOBS)
        assert await stored_error(account)
    wait = (job["execute_after"] - job["updated"]).total_seconds()
    # A date has no fractions of seconds, and some pass until the wait is computed from it.
    # What isn't asked to wait waits as long again as it is late, on a slow machine for more than 15 seconds.
    assert seconds - 10 < wait <= max(seconds + 1, 60)


async def test_a_turn_that_was_waited_for_is_no_failure(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A push that has waited for others of its person is tried again as soon as any other."""
    browser = await subscribe(account, service.subscribe("one", reply(500)))
    await notify(account, await account.create(title="Sail"))
    await dispatch.enqueue_due(is_on=True)
    await fetch("UPDATE pgqueuer SET attempts = 7")
    async with run_workers():
        await until(lambda: len(service.requests) == 1)
        await until(lambda: is_queued(8))
    [job] = await fetch(JOBS)
    assert (job["execute_after"] - job["updated"]).total_seconds() <= 300
    assert service.to(browser) == []


async def is_queued(attempts: int) -> bool:
    """Whether a push waits that was attempted so often."""
    return bool(await fetch(f"{JOBS} AND attempts = $1 AND status = 'queued'", attempts))


async def test_a_job_that_is_run_again_sends_nothing(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A push that was sent by a worker that is gone before it could note the job as done isn't sent again."""
    browser = await subscribe(account, service.subscribe("one"))
    await notify(account, await account.create(title="Sail"))
    await dispatch.enqueue_due(is_on=True)
    [job] = await fetch(JOBS)
    async with run_workers():
        await until(waiting_for(account))
    assert len(service.to(browser)) == 1
    # As it was left by the worker.
    payload = orjson.loads(job["payload"]) | {"sent_at": datetime.now(UTC).isoformat()}
    await fetch(
        "INSERT INTO pgqueuer (priority, status, entrypoint, payload, created)"
        " VALUES (-1, 'queued', 'send_push', $1, now())",
        orjson.dumps(payload),
    )
    async with run_workers():
        await until(waiting_for(account))
    assert len(service.to(browser)) == 1


async def test_a_wait_beyond_a_day_ends_it(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A message that could only be sent when nobody wants it any more is given up."""
    await subscribe(account, service.subscribe("one", reply(503, Retry_After="90000")))
    await notify(account, await account.create(title="Sail"))
    async with run_workers():
        await until(waiting_for(account))
    assert await stored_error(account) == "The push service answered 503"


async def test_a_retry_of_what_was_read_sends_nothing(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A message that waits for another try is dropped once its notification was read."""
    browser = await subscribe(account, service.subscribe("one", reply(503, Retry_After="1")))
    id = await notify(account, await account.create(title="Sail"))
    async with run_workers():
        await until(lambda: len(service.requests) == 1)
        await fetch(READ["read"], id)
        await until(waiting_for(account))
    assert service.to(browser) == []


async def test_a_message_too_long_is_shortened(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A push service that takes less than others gets a shorter message."""
    service.largest = 600
    browser = await subscribe(account, service.subscribe("one"))
    await notify(account, await account.create(title="日" * 200))
    async with run_workers():
        await until(waiting_for(account))
    [shown] = service.to(browser)
    assert shown["body"].startswith("日日")
    assert shown["body"].endswith("…")


async def test_nothing_is_pushed_after_the_session(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A browser that signs out before a push is sent doesn't get it."""
    browser = await subscribe(account, service.subscribe("one"))
    await notify(account, await account.create(title="Private"))
    await account.data(LOGOUT)
    async with run_workers():
        await until(waiting_for(account))
    assert service.to(browser) == []


@pytest.mark.parametrize("state", ["expired session", "disabled account"])
async def test_nothing_is_pushed_to_who_may_not_read(
    account: Account, service: PushService, run_workers: Pushing, state: str
) -> None:
    """A push waits in the queue when the session expires or the account is disabled, and is dropped."""
    browser = await subscribe(account, service.subscribe("one", reply(503, Retry_After="1")))
    await notify(account, await account.create(title="Private"))
    change = (
        "UPDATE sessions SET expires_at = now() WHERE owner_id = $1"
        if state == "expired session"
        else "UPDATE users SET is_active = false WHERE id = $1"
    )
    async with run_workers():
        await until(lambda: len(service.requests) == 1)
        await fetch(change, UUID(account.id))
        await until(waiting_for(account))
    assert service.to(browser) == []


async def test_without_a_key_what_is_due_is_claimed(
    account: Account, service: PushService, run_workers: Pushing
) -> None:
    """A worker that sends no pushes leaves none behind, which would be late when it does."""
    browser = await subscribe(account, service.subscribe("one"))
    await notify(account, await account.create(title="Sail"))
    async with run_workers(vapid_private_key=None):
        await until(waiting_for(account))
    assert service.to(browser) == []


async def test_a_claim_that_fails_leaves_it_due(
    account: Account,
    service: PushService,
    run_workers: Pushing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A push whose job can't be enqueued is still due, and sent by the next worker."""
    browser = await subscribe(account, service.subscribe("one"))
    await notify(account, await account.create(title="Sail"))

    async def fail(*_: object, **__: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "enqueue_all", fail)
        with pytest.raises(ConnectionResetError):
            await dispatch.enqueue_due(is_on=True)
    assert await fetch(DUE, UUID(account.id))
    async with run_workers():
        await until(waiting_for(account))
    assert [one["body"] for one in service.to(browser)] == ["Sail"]


async def test_a_slow_push_service_occupies_few_jobs(
    account: Account, stranger: Account, service: PushService, run_workers: Pushing
) -> None:
    """A person whose push service is slow has five pushes sent at a time, so that others don't wait."""
    browser = await subscribe(account, service.subscribe("slow"))
    other = await subscribe(stranger, service.subscribe("other"))
    release = asyncio.Event()
    running, most = 0, 0

    async def hold(request: web.BaseRequest) -> None:
        nonlocal running, most
        if request.path.endswith("slow"):
            running += 1
            most = max(most, running)
            await release.wait()
            running -= 1

    service.hold = hold
    for n in range(25):
        await notify(account, await account.create(title=f"Todo {n}"))
    async with run_workers():
        await until(lambda: running == 5)
        await notify(stranger, await stranger.create(title="Sail"))
        await until(lambda: len(service.to(other)) == 1)
        assert most == 5
        assert {job["priority"] for job in await fetch(JOBS)} == {-1}
        release.set()
        await until(lambda: len(service.to(browser)) == 25)
