"""What events say: what happened, and what it is about as its owner sees it when it is sent."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.features.webhooks.conftest import Working
from tests.support.accounts import Account
from tests.support.comments import commented
from tests.support.lists import make_list, make_section, put_in_list, write_list
from tests.support.sharing import share
from tests.support.waiting import until
from tests.support.webhook_endpoints import Endpoints, connect, reply
from tests.support.webhooks import deliveries, hurry, shown, until_attempted, until_idle
from todo_gql.database.connection import fetch
from todo_gql.features.webhooks.bodies import MAX_BODY_BYTES, body_of
from todo_gql.features.webhooks.event_types import EVENT_TYPES

LEAVE = "mutation ($id: ID!) { listLeave(id: $id) { errors { code } } }"


async def test_lists_members_and_comments_are_told(
    account: Account, stranger: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """Events of each kind name what they are about, and show it by the names of the schema."""
    endpoint = await connect(account, endpoints.add("one"))
    made = await make_list(account, name="Sailing")
    section = await make_section(account, made["id"])
    todo = await account.create(title="Knots", to={"listId": made["id"]})
    comment = await commented(account, todo["id"], "Bowline first")
    await share(account, made["id"], stranger)
    await stranger.data(LEAVE, id=made["id"])
    await write_list(account, "listDelete(id: $id)", id=made["id"])
    async with run_workers():
        await until(lambda: len(endpoint.received) == 7)
        await until_idle(endpoint)
    by_type = {message.type: message.data for message in endpoint.received}
    assert endpoint.types[:5] == [
        *("list.created", "list.updated", "todo.created", "comment.created", "member.left")
    ]
    assert set(endpoint.types[5:]) == {"list.deleted", "todo.deleted"}
    assert by_type["list.created"]["list"]["name"] == "Sailing"
    assert by_type["list.updated"]["sectionId"] == section["id"]
    assert by_type["comment.created"]["commentId"] == comment["id"]
    # The todo went to the trash with its list, before the event was sent.
    assert by_type["comment.created"]["comment"] is None
    assert by_type["todo.created"]["todo"]["title"] == "Knots"
    assert by_type["todo.created"]["todo"]["listId"] == made["id"]
    assert by_type["member.left"]["userId"] == stranger.id
    assert by_type["list.deleted"]["list"]["deletedAt"]
    assert set(endpoint.types) <= set(EVENT_TYPES)


async def test_a_comment_has_its_words(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """A comment is sent with its body and author."""
    endpoint = await connect(account, endpoints.add("one"), "comment.*")
    todo = await account.create()
    await commented(account, todo["id"], "Bowline first")
    async with run_workers():
        await until(lambda: len(endpoint.received) == 1)
    [message] = endpoint.received
    assert message.data["comment"]["body"] == "Bowline first"
    assert message.data["comment"]["authorId"] == account.id


async def test_members_are_sent_what_happens_in_lists_of_others(
    account: Account, stranger: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """A webhook follows the feed of its owner, who is in a list of somebody else's."""
    made = await make_list(account)
    await share(account, made["id"], stranger)
    endpoint = await connect(stranger, endpoints.add("one"), "todo.*")
    async with run_workers():
        await account.create(title="Private")
        await account.create(title="Shared", to={"listId": made["id"]})
        await until(lambda: endpoint.titles == ["Shared"])
    cursor = endpoint.received[0].data["cursor"]
    feed = await stranger.data("{ feed { edges { cursor } } }")
    assert cursor in [edge["cursor"] for edge in feed["feed"]["edges"]]


async def test_what_is_seen_no_more_is_not_sent(
    account: Account, stranger: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """Who has left a list is sent nothing of what happened there before, but that they left."""
    made = await make_list(account, name="Zyzzogeton")
    await share(account, made["id"], stranger)
    endpoint = await connect(stranger, endpoints.add("one"))
    todo = await account.create(title="Quixotry", to={"listId": made["id"]})
    await commented(account, todo["id"], "Muzjiks")
    await stranger.data(LEAVE, id=made["id"])
    await stranger.create(title="Own")
    async with run_workers():
        await until(lambda: len(endpoint.received) == 2)
        await until_idle(endpoint)
    assert endpoint.types == ["member.left", "todo.created"]
    sent = orjson.dumps([message.content for message in endpoint.received]).decode()
    assert [word for word in ("Zyzzogeton", "Quixotry", "Muzjiks") if word in sent] == []
    assert endpoint.received[0].data["userId"] == stranger.id


async def test_an_event_that_waits_is_seen_anew(
    account: Account, stranger: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """An event that failed isn't sent again once its owner has left the list, in the line or beside it."""
    made = await make_list(account)
    await share(account, made["id"], stranger)
    head = await connect(stranger, endpoints.add("head", reply(500)), "todo.*")
    aside = await connect(stranger, endpoints.add("aside", *[reply(500)] * 3), "todo.*")
    await account.create(title="Shared", to={"listId": made["id"]})
    async with run_workers():
        await until_attempted(stranger, head, 1)
        for number in (1, 2, 3):
            await until_attempted(stranger, aside, number)
            if number < 3:
                await hurry(aside)
        await stranger.data(LEAVE, id=made["id"])
        await stranger.create(title="Own")
        await hurry(head)
        await hurry(aside)
        await until(lambda: head.titles == aside.titles == ["Own"])

        async def is_given_up() -> bool:
            states = [await deliveries(stranger, one) for one in (head, aside)]
            return all(one[-1]["state"] == "FAILED" for one in states)

        await until(is_given_up)
    for one in (head, aside):
        last = (await deliveries(stranger, one))[-1]["attempts"][-1]
        assert last["error"] == "You can't see it any more."
    assert len(head.refused) == 1
    assert len(aside.refused) == 3


async def test_a_webhook_may_be_for_one_list(
    account: Account, stranger: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """Only what concerns the list is sent, todos moved out of it too; it is disabled once the list is lost."""
    made = await make_list(account)
    await share(account, made["id"], stranger)
    endpoint = await connect(stranger, endpoints.add("one"), listId=made["id"])
    async with run_workers():
        await stranger.create(title="Elsewhere")
        todo = await account.create(title="Here", to={"listId": made["id"]})
        await until(lambda: endpoint.types == ["todo.created"])
        assert (await shown(stranger, endpoint))["list"] == {"id": made["id"]}
        await stranger.data(LEAVE, id=made["id"])
        await until(lambda: endpoint.types == ["todo.created", "member.left"])

        async def is_disabled() -> bool:
            return bool((await shown(stranger, endpoint))["state"] == "DISABLED")

        await until(is_disabled)
    stored = await shown(stranger, endpoint)
    assert stored["disabledBecause"] == "Its list is gone, or you aren't in it any more."
    assert stored["list"] is None
    assert todo["title"] == "Here"


async def test_a_todo_that_leaves_the_list_is_told(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """A webhook for one list is sent that a todo was moved out of it."""
    made, other = await make_list(account), await make_list(account)
    todo = await account.create(to={"listId": made["id"]})
    endpoint = await connect(account, endpoints.add("one"), listId=made["id"])
    async with run_workers():
        await put_in_list(account, [todo["id"]], other["id"])
        await until(lambda: endpoint.types == ["todo.updated"])
    fields = {entry["name"]: entry for entry in endpoint.received[0].data["fields"]}
    assert (fields["listId"]["before"], fields["listId"]["after"]) == (made["id"], other["id"])


async def test_lost_changes_are_told(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """An event says that changes were deleted before they were sent, and the rest follows."""
    endpoint = await connect(account, endpoints.add("one"), "todo.created")
    for title in ("A", "B", "C"):
        await account.create(title=title)
    await fetch(
        "DELETE FROM changes WHERE owner_id = $1 AND seq <= 2",
        UUID(account.id),
    )
    async with run_workers():
        await until(lambda: len(endpoint.received) == 2)
        await until_idle(endpoint)
    assert endpoint.types == ["feed.resync_required", "todo.created"]
    assert endpoint.received[1].data["todo"]["title"] == "C"
    changes = "query ($after: String) { changes(after: $after) { nodes { todo { title } } } }"
    after = endpoint.received[0].data["cursor"]
    nodes = (await account.data(changes, after=after))["changes"]["nodes"]
    assert nodes == [{"todo": {"title": "C"}}]


async def test_long_events_are_shortened(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """The body of the longest todo has less than 20 KB, and says that it is shortened."""
    endpoint = await connect(account, endpoints.add("one"))
    todo = await account.create(
        title="😀" * 200, description="😀" * 5_000, metadata={"long": "x" * 16_000}
    )
    await account.create(title="Short")
    async with run_workers():
        await until(lambda: len(endpoint.received) == 2)
    long, short = endpoint.received
    assert long.size < MAX_BODY_BYTES
    assert long.data["isShortened"]
    assert long.data["todo"]["id"] == todo["id"]
    assert long.data["todo"]["title"] == "😀" * 200
    assert long.data["todo"]["description"] == "😀" * 1_000 + "…"
    assert long.data["todo"]["metadata"] is None
    assert "isShortened" not in short.data


TEXTS = st.text(alphabet=st.sampled_from('a"\\\n😀é'), max_size=5_000)
LONG = st.one_of(
    TEXTS.map(lambda text: text * 3), st.lists(TEXTS, max_size=4), st.dictionaries(TEXTS, TEXTS)
)


@given(before=LONG, after=LONG, text=TEXTS)
def test_no_body_is_too_long(before: Any, after: Any, text: str) -> None:
    """A body has less than 20 KB whatever long values it has, two in a field and three in the todo."""
    data = {
        "fields": [{"name": "description", "before": before, "after": after}],
        "todo": {"description": text, "metadata": before, "title": "x" * 200},
    }
    body = body_of("todo.updated", datetime(2030, 1, 1, tzinfo=UTC), data)
    assert len(body.encode()) < MAX_BODY_BYTES
