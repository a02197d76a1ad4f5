"""What members are notified of is shown, mailed and pushed as long as they see it."""

from datetime import timedelta
from uuid import UUID

from tests.support.accounts import Account
from tests.support.inboxes import entered, entry, stored, watched
from tests.support.lists import make_list
from tests.support.reminders import put_reminders, reminded_of
from tests.support.sharing import INVITE, invitation_of, share, sharing, unshare
from tests.support.subscribers import Socket, connected
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.features.notifications.email.contents import contents_of
from todo_gql.features.push.messages import SELECT_NOTIFICATION, push_message
from todo_gql.features.reminders.firing import fire_due_reminders
from todo_gql.inbox.preferences import preferences_of
from todo_gql.inbox.wake_ups import announce

INBOX = "{ notifications { nodes { id subject { id } excerpt actor { username } } } }"


async def words(account: Account, id: str) -> list[str | None]:
    """What a mail and a push message would say now of what an entry in somebody's inbox is about."""
    user_id, entry_id = UUID(account.id), UUID(id)
    contents = await contents_of(user_id, [entry_id], await preferences_of(user_id))
    row = await fetchrow(SELECT_NOTIFICATION, user_id, entry_id)
    assert row is not None
    message = push_message(row)
    return [*(line["title"] for line in contents.rows), message.body if message else None]


async def test_a_members_reminder_fires_while_they_see_the_todo(
    account: Account, stranger: Account
) -> None:
    """A member is reminded of a todo of the list's owner, and not any more once they have left the list."""
    list_id = (await make_list(account))["id"]
    todo = await account.create(title="Shared", to={"listId": list_id})
    await share(account, list_id, stranger)
    await put_reminders(todo, timedelta(), person=stranger)
    await fire_due_reminders()
    [first] = await reminded_of(stranger)
    assert str(first["subject_id"]) == todo["id"]
    await put_reminders(todo, timedelta(), person=stranger)
    await unshare(account, list_id, stranger)
    await fire_due_reminders()
    assert await reminded_of(stranger) == [first]
    assert await reminded_of(account) == []


async def test_a_member_has_reminders_of_their_own(account: Account, stranger: Account) -> None:
    """Owner and member each see their own reminders of a todo, which are nodes for them alone."""
    list_id = (await make_list(account))["id"]
    todo = await account.create(title="Shared", to={"listId": list_id})
    await share(account, list_id, stranger)
    [theirs] = await put_reminders(todo, timedelta(hours=-1), person=stranger)
    [owners] = await put_reminders(todo, timedelta(hours=-1))
    text = """query ($id: ID!, $ids: [ID!]!) {
      todo(id: $id) { reminders { id } }
      nodes(ids: $ids) { ... on Reminder { id todo { title } } }
    }"""
    ids = [str(owners), str(theirs)]
    seen = await stranger.data(text, id=todo["id"], ids=ids)
    assert seen["todo"]["reminders"] == [{"id": ids[1]}]
    assert seen["nodes"] == [None, {"id": ids[1], "todo": {"title": "Shared"}}]
    seen = await account.data(text, id=todo["id"], ids=ids)
    assert seen["todo"]["reminders"] == [{"id": ids[0]}]
    await unshare(account, list_id, stranger)
    assert (await stranger.data(text, id=todo["id"], ids=ids))["nodes"] == [None, None]


async def test_entries_lose_their_words_with_the_list(account: Account, stranger: Account) -> None:
    """An entry about what somebody can't see any more has neither subject nor words nor actor."""
    list_id = (await make_list(account))["id"]
    todo = await account.create(title="Shared", to={"listId": list_id})
    await share(account, list_id, stranger)
    await entered(entry(stranger, NotificationKind.COMPLETED, actor=account, subject=todo["id"]))
    [shown] = (await stranger.data(INBOX))["notifications"]["nodes"]
    assert shown["excerpt"] == "Shared"
    assert shown["subject"] == {"id": todo["id"]}
    assert shown["actor"] == {"username": account.username}
    assert await words(stranger, shown["id"]) == ["Shared", "Shared"]
    await unshare(account, list_id, stranger)
    assert await words(stranger, shown["id"]) == [None]
    [hidden] = (await stranger.data(INBOX))["notifications"]["nodes"]
    assert hidden == {"id": shown["id"], "subject": None, "excerpt": None, "actor": None}


async def test_an_invitation_loses_its_words_with_the_address(
    account: Account, stranger: Account
) -> None:
    """Nothing is mailed or pushed of an invitation to an address that isn't verified as the account's any more."""
    list_id = (await make_list(account, name="Shared"))["id"]
    verify = "UPDATE users SET email_verified_at = {} WHERE id = $1"
    await fetch(verify.format("now()"), UUID(stranger.id))
    assert (await sharing(account, INVITE, id=list_id, to=stranger.email))["errors"] == []
    invited = entry(
        stranger, NotificationKind.INVITED, subject=(await invitation_of(stranger))["id"]
    )
    await entered(invited._replace(subject_kind=ChangeKind.MEMBER))
    [row] = await stored(stranger)
    assert await words(stranger, str(row["id"])) == ["Shared", "Shared"]
    await fetch(verify.format("NULL"), UUID(stranger.id))
    assert await words(stranger, str(row["id"])) == [None]


async def test_an_open_inbox_shows_nothing_of_a_list_that_was_left(
    account: Account, stranger: Account, address: str
) -> None:
    """An entry that arrives right after a removal has no words of what was shown a moment before."""
    list_id = (await make_list(account))["id"]
    todo = await account.create(title="Shared", to={"listId": list_id})
    await share(account, list_id, stranger)

    async def excerpt(socket: Socket) -> str | None:
        await entered(entry(stranger, NotificationKind.COMPLETED, subject=todo["id"]))
        announce([UUID(stranger.id)])
        body = (await socket.next())["payload"]["data"]
        return str(body["notifications"]["excerpt"])

    async with connected(address, stranger.token) as socket:
        await socket.subscribe("subscription { notifications { id excerpt } }")
        await watched(stranger)
        assert await excerpt(socket) == "Shared"
        await unshare(account, list_id, stranger)
        assert await excerpt(socket) == "None"
