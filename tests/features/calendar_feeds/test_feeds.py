"""Making calendar feeds, ending them, and which lists they show."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from tests.support.accounts import Account, NewAccount
from tests.support.calendars import (
    CREATE_FEED,
    DELETE_FEED,
    FEEDS,
    components,
    make_feed,
    read_feed,
    titles,
)
from tests.support.lists import make_list, write_list
from tests.support.sharing import share
from todo_gql.database.connection import fetch
from todo_gql.features.calendar_feeds.writes import MAX_FEEDS

LEAVE = "mutation ($id: ID!) { listLeave(id: $id) { ok errors { code } } }"


async def dated(account: Account, title: str, list_id: str | None = None) -> str:
    """A todo that is due soon, in a list; its id."""
    tomorrow = (datetime.now(UTC) + timedelta(1)).isoformat()
    values = {"to": {"listId": list_id}} if list_id else {}
    return str((await account.create(title=title, dueAt=tomorrow, **values))["id"])


async def test_the_address_is_shown_once(account: Account) -> None:
    """Only the answer that makes a feed has its address, and the database no more than its hash."""
    feed = await make_feed(account, label=" Work ")
    assert feed["label"] == "Work"
    assert feed["lists"] is None
    assert feed["lastReadAt"] is None
    secret = feed["url"].rpartition("/")[2].removesuffix(".ics")
    assert len(secret) == 43
    assert (await account.data(FEEDS))["calendarFeeds"] == [feed | {"url": None}]
    [row] = await fetch(
        "SELECT c::text AS row FROM calendar_feeds c WHERE owner_id = $1", UUID(account.id)
    )
    assert secret not in row["row"]


async def test_a_feed_ends_at_once(account: Account) -> None:
    """The address of a deleted feed opens nothing any more, and deleting it again finds none."""
    feed = await make_feed(account)
    assert (await read_feed(account, feed)).status_code == 200
    answer = (await account.data(DELETE_FEED, id=feed["id"]))["calendarFeedDelete"]
    assert answer == {"ok": True, "errors": []}
    assert (await read_feed(account, feed)).status_code == 404
    again = (await account.data(DELETE_FEED, id=feed["id"]))["calendarFeedDelete"]
    assert again["errors"] == [{"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["id"]}]


async def test_a_feed_of_everything_shows_what_is_the_owners(
    account: Account, stranger: Account
) -> None:
    """Todos of the inbox and of own lists are in it, and those of lists of others aren't."""
    own = await make_list(account)
    theirs = await make_list(stranger)
    await share(stranger, theirs["id"], account)
    await dated(account, "Inbox")
    await dated(account, "Own", own["id"])
    await dated(stranger, "Theirs", theirs["id"])
    assert sorted(await titles(account, await make_feed(account))) == ["Inbox", "Own"]


async def test_a_feed_of_lists_shows_these_alone(account: Account, stranger: Account) -> None:
    """A feed shows the lists that it was made for, those of others among them."""
    one, other = await make_list(account), await make_list(account)
    theirs, private = await make_list(stranger), await make_list(stranger)
    await share(stranger, theirs["id"], account)
    await dated(account, "One", one["id"])
    await dated(account, "Other", other["id"])
    await dated(stranger, "Theirs", theirs["id"])
    await dated(stranger, "Private", private["id"])
    feed = await make_feed(account, listIds=[one["id"], theirs["id"].upper()])
    assert feed["lists"] == [{"id": one["id"]}, {"id": theirs["id"]}]
    assert sorted(await titles(account, feed)) == ["One", "Theirs"]


async def test_leaving_a_list_takes_it_out_for_good(account: Account, stranger: Account) -> None:
    """Whoever leaves a list has it in no feed any more, also after joining it again."""
    own, theirs = await make_list(account), await make_list(stranger)
    await share(stranger, theirs["id"], account)
    await dated(stranger, "Theirs", theirs["id"])
    feed = await make_feed(account, listIds=[own["id"], theirs["id"]])
    assert await titles(account, feed) == ["Theirs"]
    assert (await account.data(LEAVE, id=theirs["id"]))["listLeave"]["errors"] == []
    assert await titles(account, feed) == []
    await share(stranger, theirs["id"], account)
    assert await titles(account, feed) == []
    [shown] = (await account.data(FEEDS))["calendarFeeds"]
    assert shown["lists"] == [{"id": own["id"]}]


async def test_lists_in_the_trash_are_out_of_it(account: Account) -> None:
    """A deleted todo, and the todos of a deleted list, vanish from the calendar."""
    one = await make_list(account)
    await dated(account, "Listed", one["id"])
    gone = await dated(account, "Gone")
    feed, listed = await make_feed(account), await make_feed(account, listIds=[one["id"]])
    await account.data("mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }", id=gone)
    assert await titles(account, feed) == ["Listed"]
    await write_list(account, "listDelete(id: $id)", id=one["id"])
    assert await titles(account, feed) == []
    assert await titles(account, listed) == []


async def test_lists_have_to_be_the_viewers(account: Account, stranger: Account) -> None:
    """Lists that the viewer doesn't see, unknown ids, no id and the same twice are told by their paths."""
    own, theirs = await make_list(account), await make_list(stranger)

    async def refused(*ids: str) -> list[tuple[str, list[str]]]:
        payload = (await account.data(CREATE_FEED, listIds=ids))["calendarFeedCreate"]
        assert payload["feed"] is None
        return [(error["code"], error["path"]) for error in payload["errors"]]

    assert await refused(own["id"], theirs["id"], str(uuid4()), "x") == [
        ("NOT_FOUND", ["listIds", "1"]),
        ("NOT_FOUND", ["listIds", "2"]),
        ("NOT_FOUND", ["listIds", "3"]),
    ]
    assert await refused() == [("TOO_SHORT", ["listIds"])]
    assert await refused(own["id"], own["id"]) == [("INVALID", ["listIds", "1"])]


async def test_an_account_has_few_feeds(account: Account) -> None:
    """The 21st feed is refused, and a label of more than 100 characters is."""
    payload = (await account.data(CREATE_FEED, label="x" * 101))["calendarFeedCreate"]
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("TOO_LONG", ["label"])]
    for _ in range(MAX_FEEDS):
        await make_feed(account)
    payload = (await account.data(CREATE_FEED))["calendarFeedCreate"]
    assert [one["code"] for one in payload["errors"]] == ["TOO_MANY"]


async def test_feeds_of_accounts_that_are_closed_open_nothing(new_account: NewAccount) -> None:
    """The feed of an account that is disabled, or due to be deleted, looks like none at all."""
    for change in ("is_active = false", "deletion_at = now()"):
        account = await new_account()
        feed = await make_feed(account)
        assert await components(account, feed) == []
        await fetch(f"UPDATE users SET {change} WHERE id = $1", UUID(account.id))
        assert (await read_feed(account, feed)).status_code == 404
