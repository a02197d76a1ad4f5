"""What members are notified of is shown, mailed and pushed as long as they see it."""

from datetime import timedelta
from uuid import UUID

from tests.support.accounts import Account
from tests.support.inboxes import entered, entry
from tests.support.lists import make_list
from tests.support.reminders import put_reminders, reminded_of
from tests.support.sharing import share, unshare
from todo_gql.database.connection import fetchrow
from todo_gql.database.models import NotificationKind
from todo_gql.features.notifications.email.contents import contents_of
from todo_gql.features.push.messages import SELECT_NOTIFICATION, push_message
from todo_gql.features.reminders.firing import fire_due_reminders
from todo_gql.inbox.preferences import preferences_of

INBOX = "{ notifications { nodes { id subject { id } excerpt actor { username } } } }"


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
    user_id, entry_id = UUID(stranger.id), UUID(shown["id"])

    async def words() -> list[str | None]:
        contents = await contents_of(user_id, [entry_id], await preferences_of(user_id))
        row = await fetchrow(SELECT_NOTIFICATION, user_id, entry_id)
        assert row is not None
        message = push_message(row)
        return [*(line["title"] for line in contents.rows), message.body if message else None]

    assert await words() == ["Shared", "Shared"]
    await unshare(account, list_id, stranger)
    assert await words() == [None]
    [hidden] = (await stranger.data(INBOX))["notifications"]["nodes"]
    assert hidden == {"id": shown["id"], "subject": None, "excerpt": None, "actor": None}
