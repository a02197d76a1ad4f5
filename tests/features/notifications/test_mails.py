"""Mails of notifications, as a real SMTP server receives them; time passes by moving what is due."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account, NewAccount
from tests.support.inboxes import entered, entry, prefer
from tests.support.mailbox import Mailbox, text_of
from tests.support.waiting import until
from todo_gql.database.connection import fetch
from todo_gql.database.models import NotificationKind
from todo_gql.features.notifications.email.outbox import enqueue_due
from todo_gql.features.notifications.email.sending import send_notification_mail
from todo_gql.features.notifications.email.unsubscribing import Unsubscription
from todo_gql.jobs import worker
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings

PASS = """
UPDATE notifications SET email_at = email_at - $2::interval, created_at = created_at - $2::interval
WHERE owner_id = $1
"""
MAILS = "SELECT * FROM notification_mails WHERE owner_id = $1 ORDER BY id"
DIGEST = """
INSERT INTO notification_preferences (owner_id, kinds, quiet_hours, digest_days, digest_at, next_digest_at)
VALUES ($1, '{}', '[]', '[1, 2, 3, 4, 5, 6, 7]', '08:00', now())
"""


@pytest.fixture
async def account(new_account: NewAccount) -> Account:
    """A user whose address is verified."""
    account = await new_account()
    await fetch("UPDATE users SET email_verified_at = now() WHERE id = $1", UUID(account.id))
    return account


async def after(account: Account, minutes: float) -> None:
    """Let so many minutes pass for an inbox, and have what is due by then enqueued."""
    await fetch(PASS, UUID(account.id), timedelta(minutes=minutes))
    await enqueue_due()


async def ended(account: Account, number: int) -> list[Any]:
    """The mails of an account, so many of them, once something became of each."""

    async def have_ended() -> bool:
        rows = await fetch(MAILS, UUID(account.id))
        return len(rows) == number and all(row["sent_at"] or row["unsent_reason"] for row in rows)

    await until(have_ended)
    return await fetch(MAILS, UUID(account.id))


async def act(account: Account, mutation: str, **variables: Any) -> None:
    """Run a mutation."""
    types = {"id": "ID!", "ids": "[ID!]!"}
    declared = ", ".join(f"${name}: {types[name]}" for name in variables)
    head = f"({declared})" if declared else ""
    await account.data(f"mutation {head} {{ {mutation} }}", **variables)


async def ids(account: Account) -> list[str]:
    """The ids of what is in an inbox, newest first."""
    nodes = (await account.data("{ notifications { nodes { id } } }"))["notifications"]["nodes"]
    return [node["id"] for node in nodes]


async def test_bundle_comes_after_five_minutes(account: Account, mailbox: Mailbox) -> None:
    """What is unread after five minutes comes in one mail, with what came shortly before it."""
    todos = [await account.create(title=f"Todo {number}") for number in range(3)]
    await entered(entry(account, subject=todos[0]["id"]))
    await after(account, 4.9)
    assert await fetch(MAILS, UUID(account.id)) == []
    await entered(*(entry(account, subject=todo["id"]) for todo in todos[1:]))
    await after(account, 0.2)
    await ended(account, 1)
    [mail] = mailbox.to(account.email)
    assert mail["Subject"] == "3 notifications"
    for number in range(3):
        assert f"Completed: Todo {number}" in text_of(mail)
    await after(account, 60)
    assert len(await fetch(MAILS, UUID(account.id))) == 1


async def test_reminder_is_mailed_at_once(account: Account, mailbox: Mailbox) -> None:
    """A reminder doesn't wait, and brings nothing along that does."""
    todo = await account.create(title="Buy milk", dueAt="2027-01-15T08:30:00Z")
    await act(account, 'profileUpdate(input: { timeZone: "Europe/Berlin" }) { errors { code } }')
    await entered(entry(account), entry(account, NotificationKind.REMINDER, subject=todo["id"]))
    await after(account, 0)
    mail = await mailbox.arrival(account.email, "Reminder: Buy milk")
    assert "due Friday 15 January 2027, 09:30" in text_of(mail)
    html = mail.get_body(("html",))
    assert html is not None
    assert "Buy milk" in html.get_content()
    assert len(mailbox.to(account.email)) == 1


@pytest.mark.parametrize(
    "action",
    ["{ setRead: true }", "{ setArchived: true }", '{ snoozeUntil: "2999-01-01T00:00:00Z" }'],
)
@pytest.mark.parametrize("is_late", [False, True])
async def test_what_was_seen_is_not_mailed(
    account: Account, app: ASGIApp, action: str, is_late: bool, settings: Settings
) -> None:
    """What is read, archived or snoozed before it is due isn't mailed; before it is sent, neither."""
    await entered(entry(account))
    if is_late:
        await after(account, 5)
    for id in await ids(account):
        await act(account, f"notificationsUpdate(ids: [$id], action: {action}) {{ ok }}", id=id)
    if not is_late:
        await after(account, 5)
        assert await fetch(MAILS, UUID(account.id)) == []
        return
    await send_all(account, settings)
    [mail] = await ended(account, 1)
    assert (mail["sent_at"], "before" in mail["unsent_reason"]) == (None, True)


async def send_all(account: Account, settings: Settings) -> list[EmailMessage]:
    """Run the jobs of an account's mails here, and return what would have been sent."""
    sent: list[EmailMessage] = []

    async def transport(message: EmailMessage) -> None:
        sent.append(message)

    for row in await fetch(MAILS, UUID(account.id)):
        job: Any = type("Job", (), {"attempts": 0})
        job.payload = f'{{"owner_id": "{account.id}", "mail_id": "{row["id"]}"}}'.encode()
        await send_notification_mail(job, settings, transport)
    return sent


@pytest.mark.parametrize("mutation", ["todoComplete", "todoDelete"])
async def test_reminder_of_what_is_done_is_not_mailed(
    account: Account, app: ASGIApp, settings: Settings, mutation: str
) -> None:
    """A reminder whose todo was done or deleted before the mail was sent is left out of it."""
    done, other = [await account.create(title=title) for title in ("Done", "Other")]
    reminder = NotificationKind.REMINDER
    await entered(*(entry(account, reminder, subject=todo["id"]) for todo in (done, other)))
    await after(account, 0)
    await act(account, f"{mutation}(id: $id) {{ errors {{ code }} }}", id=done["id"])
    [mail] = await send_all(account, settings)
    assert mail["Subject"] == "Reminder: Other"
    assert "Done" not in text_of(mail)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("email_verified_at = NULL", "the address isn't verified"),
        ("is_active = false", "the account is disabled"),
        ("deletion_at = now() + interval '1 day'", "the account is about to be deleted"),
    ],
)
async def test_why_a_mail_is_not_sent_is_stored(
    account: Account, app: ASGIApp, settings: Settings, change: str, reason: str
) -> None:
    """Nothing is sent to an address that isn't verified, or to an account that is out of use."""
    await entered(entry(account))
    await after(account, 5)
    await fetch(f"UPDATE users SET {change} WHERE id = $1", UUID(account.id))
    counter = metrics().mails.labels("notifications", "unsent")
    before = counter._value.get()
    assert await send_all(account, settings) == []
    [mail] = await ended(account, 1)
    assert mail["unsent_reason"] == reason
    assert counter._value.get() == before + 1


async def test_mail_that_was_sent_is_not_sent_again(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """A job that runs twice sends its mail once, and nothing is enqueued twice."""
    await entered(entry(account))
    await fetch(PASS, UUID(account.id), timedelta(minutes=5))
    await asyncio.gather(*(enqueue_due() for _ in range(3)))
    assert len(await send_all(account, settings)) == 1
    assert await send_all(account, settings) == []


async def test_refused_mail_is_retried(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail that the server refuses for now is counted as retried, and comes later."""
    monkeypatch.setattr(worker, "POLL", timedelta(seconds=0.1))
    mailbox.refusals = 1
    counters = {
        outcome: metrics().mails.labels("notifications", outcome) for outcome in ("retried", "sent")
    }
    before = {outcome: counter._value.get() for outcome, counter in counters.items()}
    await entered(entry(account))
    await after(account, 5)

    async def is_noted() -> bool:
        rows = await fetch(MAILS, UUID(account.id))
        return bool(rows and rows[0]["unsent_reason"])

    await until(is_noted)
    [row] = await fetch(MAILS, UUID(account.id))
    assert "451" in row["unsent_reason"]
    await fetch("UPDATE pgqueuer SET execute_after = now() WHERE entrypoint LIKE 'send%'")
    await mailbox.reaches(1)

    async def is_sent() -> bool:
        return (await fetch(MAILS, UUID(account.id)))[0]["unsent_reason"] is None

    await until(is_sent)
    assert {name: counters[name]._value.get() - before[name] for name in before} == {
        "retried": 1,
        "sent": 1,
    }


async def test_kind_switched_off_meanwhile_is_not_mailed(account: Account, app: ASGIApp) -> None:
    """Preferences of now decide, not those when something was entered."""
    await entered(entry(account))
    await prefer(account, {"COMPLETED": {"email": False}})
    await after(account, 5)
    assert await fetch(MAILS, UUID(account.id)) == []


async def test_quiet_hours_put_off_what_is_late(account: Account, app: ASGIApp) -> None:
    """What is due when a worker comes back in quiet hours waits for their end."""
    await entered(entry(account))
    [row] = await fetch("SELECT (now() AT TIME ZONE 'UTC')::date AS day")
    days = {(row["day"] + timedelta(days=number)).isoweekday() for number in (0, 1)}
    await prefer(account, {}, [{"weekday": d, "from": "00:00", "to": "00:00"} for d in days])
    await after(account, 5)
    assert await fetch(MAILS, UUID(account.id)) == []
    [row] = await fetch(
        "SELECT email_at > now() AS is_ahead FROM notifications WHERE owner_id = $1",
        UUID(account.id),
    )
    assert row["is_ahead"]


async def test_long_mail_says_how_many_more(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """A mail has 50 lines at most, and the number of the others."""
    await entered(*(entry(account) for _ in range(1_052)))
    await after(account, 5)
    [mail] = await send_all(account, settings)
    assert mail["Subject"] == "1,052 notifications"
    assert text_of(mail).count("* Completed") == 50
    assert "and 1,002 more" in text_of(mail)


async def test_digest_has_what_is_unread(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """A digest comes at its time, with what is unread then, and the next one a day later."""
    todos = [await account.create(title=title) for title in ("Read", "Unread", "Deleted")]
    await entered(*(entry(account, subject=todo["id"]) for todo in todos))
    *_, first = await ids(account)
    await act(
        account, "notificationsUpdate(ids: [$id], action: { setRead: true }) { ok }", id=first
    )
    await act(account, "todoDelete(id: $id) { errors { code } }", id=todos[2]["id"])
    await fetch(DIGEST, UUID(account.id))
    await asyncio.gather(*(enqueue_due() for _ in range(3)))
    [mail] = await send_all(account, settings)
    assert mail["Subject"] == "Your digest: 1 unread"
    assert "Completed: Unread" in text_of(mail)
    [row] = await fetch(
        "SELECT next_digest_at > now() AS is_ahead FROM notification_preferences WHERE owner_id = $1",
        UUID(account.id),
    )
    assert row["is_ahead"]


async def test_empty_digest_is_not_sent(account: Account, app: ASGIApp) -> None:
    """Who has nothing unread gets no digest."""
    await entered(entry(account))
    [id] = await ids(account)
    await act(account, "notificationsReadAll(upToId: $id) { ok }", id=id)
    await fetch(DIGEST, UUID(account.id))
    await enqueue_due()
    assert await fetch(MAILS, UUID(account.id)) == []


async def test_texts_of_users_are_escaped(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """A title that looks like HTML is shown as it is, and breaks neither the page nor a header."""
    todo = await account.create(title="<b>x</b> & \u201cy\u201d")
    await entered(entry(account, subject=todo["id"]))
    await after(account, 5)
    [mail] = await send_all(account, settings)
    assert mail["Subject"] == "Completed: <b>x</b> & \u201cy\u201d"
    html = mail.get_body(("html",))
    assert html is not None
    assert "&lt;b&gt;x&lt;/b&gt; &amp; " in html.get_content()


async def unsubscribe_link(account: Account, settings: Settings) -> tuple[EmailMessage, str]:
    """A mail, and the path of the link in its header."""
    await after(account, 5)
    public = settings.model_copy(update={"public_url": "https://todo.example"})
    [mail] = await send_all(account, public)
    link = mail["List-Unsubscribe"]
    assert link.startswith("<https://todo.example/unsubscribe?token=")
    return mail, link[len("<https://todo.example") : -1]


@pytest.mark.parametrize("content", ["urlencoded", "multipart"])
async def test_one_click_unsubscribes(
    account: Account, app: ASGIApp, settings: Settings, content: str
) -> None:
    """A provider's POST of either type, without cookies, stops the mails of these kinds alone."""
    await entered(entry(account), entry(account, NotificationKind.JOB))
    mail, path = await unsubscribe_link(account, settings)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://todo.example") as provider:
        for _ in range(2):
            fields = {"List-Unsubscribe": "One-Click"}
            sent = {"data": fields} if content == "urlencoded" else {"files": as_parts(fields)}
            answer = await provider.post(path, **sent)
            assert answer.status_code == 200
    stored = await account.data("{ notificationPreferences { kinds { kind email } } }")
    off = {one["kind"] for one in stored["notificationPreferences"]["kinds"] if not one["email"]}
    assert off == {"COMPLETED", "JOB"}


def as_parts(fields: dict[str, str]) -> dict[str, tuple[None, str]]:
    """The fields of a form of several parts."""
    return {name: (None, value) for name, value in fields.items()}


async def test_link_asks_before_it_unsubscribes(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """Opening the link changes nothing, since mail scanners do; its page says what the button does."""
    await entered(entry(account))
    _, path = await unsubscribe_link(account, settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://todo.example") as browser:
        page = await browser.get(path)
        assert (page.status_code, "completed todos" in page.text) == (200, True)
        stored = await account.data("{ notificationPreferences { kinds { email } } }")
        assert all(one["email"] for one in stored["notificationPreferences"]["kinds"])
        assert (await browser.get("/unsubscribe?token=x")).status_code == 410
        assert (await browser.post("/unsubscribe")).status_code == 410
        forged = path[:-1] + ("A" if path[-1] != "A" else "B")
        assert (await browser.post(forged)).status_code == 410
        assert (await browser.post(path, content=b"x" * 20_000)).status_code == 413


async def test_digest_is_unsubscribed_by_its_own_link(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """The link in a digest ends the digest, and leaves the other mails as they are."""
    await entered(entry(account))
    await fetch(DIGEST, UUID(account.id))
    await enqueue_due()
    [mail] = await send_all(account, settings)
    token = mail["List-Unsubscribe"].partition("token=")[2][:-1]
    chosen = Unsubscription.parse(token, settings)
    assert chosen == Unsubscription(UUID(account.id), is_of_digest=True)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
        assert "your digest" in (await browser.post(f"/unsubscribe?token={token}")).text
    stored = await account.data("{ notificationPreferences { digestAt kinds { email } } }")
    assert stored["notificationPreferences"]["digestAt"] is None
    assert all(one["email"] for one in stored["notificationPreferences"]["kinds"])


async def test_link_of_an_account_that_is_gone(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """The link of a deleted account says that it doesn't work."""
    token = Unsubscription.of(UUID(account.id), [NotificationKind.JOB]).token(settings)
    await fetch("DELETE FROM users WHERE id = $1", UUID(account.id))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
        assert (await browser.post(f"/unsubscribe?token={token}")).status_code == 410
