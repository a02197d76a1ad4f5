"""The inbox as a query: which entries it has, what they are about, and how many are unread."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.inboxes import entered, entry, unread_count
from tests.support.lists import make_list, make_section
from todo_gql.database.connection import fetch
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.features.notifications import retention, writes
from todo_gql.features.notifications.email.outbox import enqueue_due

INBOX = """
query ($filter: NotificationFilter, $first: Int, $after: String) {
  notifications(filter: $filter, first: $first, after: $after) {
    unreadCount
    nodes {
      id kind count excerpt readAt snoozedUntil archivedAt createdAt actor { username }
      subject { __typename id ... on Todo { title } ... on TodoList { name } ... on Section { name } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
UPDATE = """
mutation ($ids: [ID!]!, $action: NotificationAction!) {
  notificationsUpdate(ids: $ids, action: $action) { ok errors { code path } }
}
"""
READ_ALL = """
mutation ($id: ID!) { notificationsReadAll(upToId: $id) { ok errors { code path } } }
"""
UNREAD_ROWS = """
SELECT count(*) AS number FROM notifications
WHERE owner_id = $1 AND read_at IS NULL AND archived_at IS NULL
"""


async def inbox(account: Account, **variables: Any) -> dict[str, Any]:
    """A page of an inbox."""
    return dict((await account.data(INBOX, **variables))["notifications"])


async def ids(account: Account, **variables: Any) -> list[str]:
    """The ids of the entries of a page."""
    return [node["id"] for node in (await inbox(account, **variables))["nodes"]]


async def update(account: Account, ids: list[str], **action: Any) -> list[dict[str, Any]]:
    """The errors of doing something with entries."""
    payload = (await account.data(UPDATE, ids=ids, action=action))["notificationsUpdate"]
    assert payload["ok"] is (payload["errors"] == [])
    return list(payload["errors"])


async def is_exact(account: Account) -> bool:
    """Whether the stored number of unread entries is that of the rows."""
    [row] = await fetch(UNREAD_ROWS, UUID(account.id))
    return bool(row["number"] == await unread_count(account))


async def three(account: Account) -> list[str]:
    """Three entries, the newest first."""
    for _ in range(3):
        await entered(entry(account))
    return await ids(account)


async def test_empty_inbox(account: Account) -> None:
    """Who was never notified has an empty inbox with nothing unread."""
    page = await inbox(account)
    assert (page["nodes"], page["unreadCount"]) == ([], 0)


async def test_entry_shows_what_it_is_about(account: Account) -> None:
    """A todo, a list and a section are subjects with their titles as excerpts, and so they stay."""
    todo = await account.create(title="Buy milk")
    made = await make_list(account, name="House")
    section = await make_section(account, made["id"], "Kitchen")
    for kind, id in (("TODO", todo["id"]), ("LIST", made["id"]), ("SECTION", section["id"])):
        subject = entry(account, subject=id)
        await entered(subject._replace(subject_kind=ChangeKind[kind]))
    [newest, middle, oldest] = (await inbox(account))["nodes"]
    assert oldest["subject"] == {"__typename": "Todo", "id": todo["id"], "title": "Buy milk"}
    assert middle["subject"] == {"__typename": "TodoList", "id": made["id"], "name": "House"}
    assert newest["subject"] == {"__typename": "Section", "id": section["id"], "name": "Kitchen"}
    assert [node["excerpt"] for node in (oldest, middle, newest)] == [
        "Buy milk",
        "House",
        "Kitchen",
    ]
    assert (oldest["kind"], oldest["count"], oldest["readAt"]) == ("COMPLETED", 1, None)


async def test_words_are_those_of_now(account: Account) -> None:
    """A renamed todo is shown by its new title, and one in the trash isn't shown at all."""
    todo = await account.create(title="Old")
    await entered(entry(account, subject=todo["id"]))
    await account.data(
        'mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "New" }) { todo { id } } }',
        id=todo["id"],
    )
    assert (await inbox(account))["nodes"][0]["excerpt"] == "New"
    await account.data("mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }", id=todo["id"])
    [node] = (await inbox(account))["nodes"]
    assert (node["subject"], node["excerpt"]) == (None, None)


async def test_subject_of_somebody_else_is_not_shown(account: Account, stranger: Account) -> None:
    """An entry about a todo that its reader can't see shows nothing of it."""
    todo = await stranger.create(title="Secret")
    await entered(entry(account, subject=todo["id"], actor=stranger))
    [node] = (await inbox(account))["nodes"]
    assert (node["subject"], node["excerpt"], node["actor"]) == (None, None, None)


async def test_pages_are_newest_first(account: Account) -> None:
    """Pages follow each other without a gap, also when new entries come in between."""
    await entered(*(entry(account) for _ in range(5)))
    all_ids = await ids(account)
    page = await inbox(account, first=2)
    await entered(entry(account))
    rest = await inbox(account, first=3, after=page["pageInfo"]["endCursor"])
    pages = [*page["nodes"], *rest["nodes"]]
    assert [node["id"] for node in pages] == all_ids
    assert (page["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    times = [node["createdAt"] for node in pages]
    assert times == sorted(times, reverse=True)


async def test_filters(account: Account) -> None:
    """Kinds, what is read, archived or snoozed are told apart; nothing matches no kind."""
    kinds = (NotificationKind.REMINDER, NotificationKind.JOB, NotificationKind.COMMENTED)
    await entered(*(entry(account, kind) for kind in kinds))
    commented, job, reminder = await ids(account)
    await update(account, [job], setRead=True)
    assert await ids(account, filter={"kind": ["REMINDER", "JOB"]}) == [job, reminder]
    assert await ids(account, filter={"kind": []}) == []
    assert await ids(account, filter={"kind": None}) == [commented, job, reminder]
    assert await ids(account, filter={"isRead": True}) == [job]
    assert await ids(account, filter={"isRead": False}) == [commented, reminder]
    await update(account, [commented], setArchived=True)
    await update(account, [reminder], snoozeUntil="2999-01-01T00:00:00Z")
    assert await ids(account) == await ids(account, filter={"isArchived": False}) == [job]
    assert await ids(account, filter={"isArchived": True}) == [commented]
    assert await ids(account, filter={"isSnoozed": True}) == [reminder]


async def test_read_and_unread(account: Account) -> None:
    """Reading lowers the count, again changes nothing, and marking as unread raises it."""
    newest, *_ = await three(account)
    assert await update(account, [newest], setRead=True) == []
    first = await inbox(account)
    assert (first["unreadCount"], first["nodes"][0]["readAt"] is not None) == (2, True)
    await update(account, [newest], setRead=True)
    assert await inbox(account) == first
    await update(account, [newest], setRead=False)
    assert (await inbox(account))["unreadCount"] == 3
    assert await is_exact(account)


async def test_archived_entries_are_not_unread(account: Account) -> None:
    """What is archived leaves the inbox and the count, and comes back into both."""
    newest, middle, _ = await three(account)
    await update(account, [middle], setRead=True)
    await update(account, [newest, middle], setArchived=True)
    page = await inbox(account)
    assert (len(page["nodes"]), page["unreadCount"]) == (1, 1)
    await update(account, [newest, middle], setArchived=False)
    page = await inbox(account)
    assert (len(page["nodes"]), page["unreadCount"]) == (3, 2)
    assert await is_exact(account)


async def test_snoozed_entries_come_back(account: Account) -> None:
    """What is snoozed is neither listed nor counted until then, to the instant of one clock."""
    newest, middle, oldest = await three(account)
    until = datetime.now(UTC) + timedelta(hours=1)
    assert await update(account, [newest], snoozeUntil=until.isoformat()) == []
    page = await inbox(account)
    assert ([node["id"] for node in page["nodes"]], page["unreadCount"]) == ([middle, oldest], 2)
    await fetch("UPDATE notifications SET snoozed_until = now() WHERE id = $1", UUID(newest))
    page = await inbox(account)
    assert ([node["id"] for node in page["nodes"]], page["unreadCount"]) == (
        [newest, middle, oldest],
        3,
    )


async def test_moment_that_has_passed_ends_a_snooze(account: Account) -> None:
    """Snoozing until a moment in the past shows an entry again."""
    newest, *_ = await three(account)
    await update(account, [newest], snoozeUntil="2999-01-01T00:00:00Z")
    await update(account, [newest], snoozeUntil="2000-01-01T00:00:00Z")
    node = (await inbox(account))["nodes"][0]
    assert (node["id"], node["snoozedUntil"]) == (newest, None)


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ([], [{"code": "TOO_SHORT", "path": ["ids"]}]),
        (["x"] * 101, [{"code": "TOO_MANY", "path": ["ids"]}]),
        (["NEWEST", "x"], [{"code": "NOT_FOUND", "path": ["ids", "1"]}]),
        (["NEWEST", "OTHER", "x"], [{"code": "NOT_FOUND", "path": ["ids", n]} for n in "12"]),
        (["NEWEST", "NEWEST"], [{"code": "INVALID", "path": ["ids", "1"]}]),
    ],
)
async def test_wrong_ids_change_nothing(
    account: Account, sent: list[str], errors: list[dict[str, Any]]
) -> None:
    """An update of ids that are none, too many, unknown or repeated leaves all as it was."""
    newest, *_ = await three(account)
    sent = [{"NEWEST": newest, "OTHER": str(uuid4())}.get(id, id) for id in sent]
    found = await update(account, sent, setRead=True)
    assert [error for error in found if error in errors] == errors
    assert (await inbox(account))["unreadCount"] == 3


async def test_read_all_stops_at_what_was_seen(account: Account) -> None:
    """What came after the entry that is named stays unread, and so does what is snoozed."""
    _, middle, oldest = await three(account)
    await update(account, [oldest], snoozeUntil="2999-01-01T00:00:00Z")
    payload = (await account.data(READ_ALL, id=middle))["notificationsReadAll"]
    assert payload == {"ok": True, "errors": []}
    assert (await inbox(account))["unreadCount"] == 1
    assert await unread_count(account) == 2
    assert await is_exact(account)


async def test_read_all_up_to_nothing(account: Account) -> None:
    """An unknown id is not found, and nothing is read."""
    await three(account)
    for id in (str(uuid4()), "x"):
        payload = (await account.data(READ_ALL, id=id))["notificationsReadAll"]
        assert payload["errors"] == [{"code": "NOT_FOUND", "path": ["upToId"]}]
    assert (await inbox(account))["unreadCount"] == 3


async def test_read_all_reads_more_than_a_batch(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All batches are read, and the count is exact."""
    monkeypatch.setattr(writes, "ROWS_AT_ONCE", 2)
    await entered(*(entry(account) for _ in range(5)))
    newest, *_ = await ids(account)
    await account.data(READ_ALL, id=newest)
    assert (await inbox(account))["unreadCount"] == 0
    assert await is_exact(account)


async def test_count_is_exact_under_races(account: Account) -> None:
    """The stored number is that of the unread entries, whatever happens at the same time."""
    await entered(*(entry(account) for _ in range(10)))
    all_ids = await ids(account)
    actions = [{"setRead": True}, {"setRead": False}, {"setArchived": True}, {"setArchived": False}]
    await asyncio.gather(
        *(update(account, all_ids[n % 3 : n % 5 + 4], **actions[n % 4]) for n in range(24)),
        *(account.data(READ_ALL, id=all_ids[n]) for n in range(4)),
        *(entered(entry(account)) for _ in range(6)),
    )
    assert await is_exact(account)


async def test_unread_count_is_read_and_not_counted(account: Account) -> None:
    """The number of unread entries is the stored one, so that it costs the same for any number."""
    newest, *_ = await three(account)
    await update(account, [newest], snoozeUntil="2999-01-01T00:00:00Z")
    stored_count = "UPDATE inboxes SET unread_count = 1000 WHERE owner_id = $1"
    await fetch(stored_count, UUID(account.id))
    assert (await inbox(account))["unreadCount"] == 999


async def test_old_archived_entries_are_deleted(account: Account) -> None:
    """What was archived long ago is deleted; what wasn't stays, and so does the count."""
    newest, middle, oldest = await three(account)
    await update(account, [middle, oldest], setArchived=True)
    await fetch(
        "UPDATE notifications SET archived_at = now() - interval '91 days' WHERE id = $1",
        UUID(oldest),
    )
    assert await retention.purge_archived(0) == 0
    assert await retention.purge_archived(90) == 1
    assert await ids(account) == [newest]
    assert await ids(account, filter={"isArchived": True}) == [middle]
    assert await is_exact(account)


async def test_kinds_of_a_newer_release_are_left_out(account: Account) -> None:
    """Entries of kinds that this release doesn't know are neither shown nor mailed by it."""
    await entered(entry(account), entry(account))
    await fetch(
        "UPDATE notifications SET kind = CASE WHEN seq = 1 THEN 99 ELSE kind END,"
        " email_at = now() WHERE owner_id = $1",
        UUID(account.id),
    )
    [known] = await ids(account)
    await enqueue_due()
    rows = await fetch(
        "SELECT id::text, email_at FROM notifications WHERE owner_id = $1 ORDER BY seq",
        UUID(account.id),
    )
    assert [(row["id"] == known, row["email_at"] is None) for row in rows] == [
        (False, False),
        (True, True),
    ]


async def test_security_entry_says_what_happened(account: Account) -> None:
    """Changing the password is an entry that names it, in the transaction that does it."""
    change = (
        "mutation ($old: String!) { passwordChange(input: { currentPassword: $old,"
        ' newPassword: "Battery2staple" }) { errors { code } } }'
    )
    await account.data(change, old=account.password)
    [node] = (await inbox(account))["nodes"]
    assert (node["kind"], node["excerpt"]) == ("SECURITY", "Your password was changed.")
    assert (node["subject"], node["actor"]) == (None, {"username": account.username})
