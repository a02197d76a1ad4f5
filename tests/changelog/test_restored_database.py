"""A database put back to an earlier time, whose change log then grows again: nothing is skipped.

A standby that is promoted without the last commits does the same to those who follow.
"""

import asyncio
import json
import subprocess
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import PASSWORD, REGISTER, Account
from tests.support.processes import Server, started
from tests.support.subscribers import Socket, connected
from todo_gql.changelog import feed_registry
from todo_gql.changelog.cursors import cursor_of
from todo_gql.changelog.retention import purge_changes
from todo_gql.database.connection import fetch
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.embedded_postgres.programs import installation

FEED = """
query ($after: String) {
  changes(after: $after) {
    nodes { cursor todoId } edges { cursor } pageInfo { endCursor hasNextPage }
  }
  changeCursor
}
"""
CREATE = 'mutation ($id: ID!) { todoCreate(input: { id: $id, title: "A" }) { todo { id } } }'
RESYNC = {"code": "BAD_USER_INPUT", "reason": "RESYNC_REQUIRED"}
AGE = "UPDATE changes SET at = at - make_interval(days => 10) WHERE owner_id = $1"


async def undo(account: Account, number: int, forgotten: UUID | None = None) -> None:
    """Put an account's log back to when it had so many changes, as a restored backup does."""
    owner = UUID(account.id)
    await fetch("DELETE FROM changes WHERE owner_id = $1 AND seq > $2", owner, number)
    await fetch(
        "DELETE FROM todos t WHERE owner_id = $1 AND NOT EXISTS ("
        "SELECT FROM changes c WHERE c.owner_id = t.owner_id AND c.todo_id = t.id)",
        owner,
    )
    await fetch("UPDATE feeds SET seq = $2 WHERE owner_id = $1", owner, number)
    await fetch(
        "UPDATE users SET change_seq = $2, mirrored_seq = $2, forgotten_change_id = $3 WHERE id = $1",
        owner,
        number,
        forgotten,
    )


async def made(account: Account, number: int) -> list[str]:
    """The ids of so many new todos."""
    return [todo["id"] for todo in await account.create_many([{"title": "A"}] * number)]


async def cursors(account: Account, after: str | None = None) -> list[str]:
    """The cursors of the changes after one."""
    nodes = (await account.data(FEED, after=after))["changes"]["nodes"]
    return [node["cursor"] for node in nodes]


async def todo_ids(account: Account, after: str | None = None) -> list[str]:
    """The todos that the changes after a cursor are of."""
    nodes = (await account.data(FEED, after=after))["changes"]["nodes"]
    return [node["todoId"] for node in nodes]


async def asks_to_load_again(account: Account, cursor: str, address: str) -> bool:
    """Whether a cursor is refused, by the query and by the subscription alike."""
    answer = await account.execute(FEED, {"after": cursor})
    refused = "errors" in answer and answer["errors"][0]["extensions"] == RESYNC
    async with connected(address, account.token) as one:
        await one.subscribe(after=cursor)
        if not refused:
            following = await todo_ids(account, cursor)
            events = await one.changes(len(following))
            assert [event.get("todoId") for event in events] == following
            # A refusal would come before the answer to what is asked later.
            await one.settled()
            return False
        event = (await one.next())["payload"]["data"]["changes"]
        assert event["__typename"] == "ResyncRequired"
        assert event["cursor"] == (await account.data("{ changeCursor }"))["changeCursor"]
        assert await one.next() == {"id": "1", "type": "complete"}
    return True


def without_mark(cursor: str) -> str:
    """The cursor as versions gave it that knew the number alone."""
    content = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return urlsafe_b64encode(json.dumps(content[:2]).encode()).decode().rstrip("=")


@pytest.mark.parametrize("grown", [0, 2, 3, 9])
async def test_a_cursor_that_was_undone_asks_to_load_again(
    account: Account, address: str, grown: int
) -> None:
    """A cursor that was undone asks to load again, however far the log has grown since."""
    await made(account, 2)
    kept = await cursors(account)
    await made(account, 3)
    page = await account.data(FEED, after=kept[-1])
    undone = {
        *(node["cursor"] for node in page["changes"]["nodes"]),
        *(edge["cursor"] for edge in page["changes"]["edges"]),
        page["changes"]["pageInfo"]["endCursor"],
        page["changeCursor"],
    }
    assert len(undone) == 3
    await undo(account, 2)
    new = await made(account, grown) if grown else []
    for cursor in undone:
        assert await asks_to_load_again(account, cursor, address)
    for number, cursor in enumerate(kept):
        assert (await todo_ids(account, cursor))[1 - number :] == new
        assert not await asks_to_load_again(account, cursor, address)


async def test_a_cursor_of_a_tag_renamed_is_undone_too(account: Account, address: str) -> None:
    """A cursor of a renamed tag is undone too, whichever write made the change."""
    todo = await account.create(tags=["old"])
    rename = 'mutation ($id: ID!) { tagRename(id: $id, name: "new") { tag { id } } }'
    await account.data(rename, id=todo["tags"][0]["id"])
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    await undo(account, 1)
    await made(account, 1)
    assert await asks_to_load_again(account, cursor, address)


async def test_cursors_of_earlier_versions_go_on_working(account: Account, address: str) -> None:
    """They tell the number alone, and are good as far as that goes."""
    ids = await made(account, 3)
    first, second, third = await cursors(account)
    assert await todo_ids(account, without_mark(first)) == ids[1:]
    assert await todo_ids(account, without_mark(third)) == []
    assert await todo_ids(account, cursor_of(UUID(account.id), 0)) == ids
    async with connected(address, account.token) as one:
        await one.subscribe(after=without_mark(second))
        assert [event["cursor"] for event in await one.changes(1)] == [third]
    history = "query ($id: ID!, $after: String) { todo(id: $id) { history(after: $after) { nodes { id } } } }"
    for after in (first, without_mark(first)):
        assert (await account.data(history, id=ids[0], after=after))["todo"]["history"] == {
            "nodes": []
        }


@pytest.mark.parametrize(
    "content",
    [[], [1, None], [1, 2], [1, ["x"]], [1, "x", "y"], [None, "x"], ["1", "x"], [1.0], [1, ""]],
)
async def test_a_forged_cursor_asks_to_load_again(
    account: Account, address: str, content: list[Any]
) -> None:
    """A forged cursor asks to load again, whatever is written in it."""
    await made(account, 2)
    [signature, *_] = json.loads(urlsafe_b64decode(cursor_of(UUID(account.id), 1) + "=="))
    text = json.dumps([signature, *content])
    forged = urlsafe_b64encode(text.encode()).decode().rstrip("=")
    assert await asks_to_load_again(account, forged, address)


async def test_what_was_forgotten_is_still_told_apart(account: Account, address: str) -> None:
    """The change before the oldest kept may be gone on from, unless it was another one."""
    await made(account, 2)
    undone = (await cursors(account))[-1]
    await undo(account, 0)
    ids = await made(account, 2)
    last = (await cursors(account))[-1]
    await fetch(AGE, UUID(account.id))
    assert await purge_changes(9) >= 2
    for after in (last, (await account.data("{ changeCursor }"))["changeCursor"]):
        assert await todo_ids(account, after) == []
        assert not await asks_to_load_again(account, after, address)
    assert await asks_to_load_again(account, undone, address)
    ids = await made(account, 1)
    assert await todo_ids(account, last) == ids
    assert await asks_to_load_again(account, undone, address)


async def test_what_an_earlier_version_forgot_is_trusted(account: Account, address: str) -> None:
    """A cursor of a change that retention deleted is trusted, as nothing is left to compare."""
    await made(account, 2)
    cursor = (await cursors(account))[-1]
    await fetch("DELETE FROM changes WHERE owner_id = $1", UUID(account.id))
    assert not await asks_to_load_again(account, cursor, address)
    ids = await made(account, 1)
    assert await todo_ids(account, cursor) == ids


async def resynced(one: Socket, account: Account) -> None:
    """What a follower is told whose log was undone."""
    [event] = await one.changes(1)
    newest = (await account.data("{ changeCursor }"))["changeCursor"]
    assert (event["__typename"], event["cursor"]) == ("ResyncRequired", newest)
    assert await one.next() == {"id": "1", "type": "complete"}


@pytest.mark.parametrize("grown", [0, 1, 3, 5])
async def test_followers_are_told_when_their_log_is_undone(
    account: Account, address: str, grown: int
) -> None:
    """Connected followers are told when their log is undone, be it shorter, as long or longer."""
    await made(account, 2)
    async with connected(address, account.token) as one, connected(address, account.token) as two:
        for each in (one, two):
            await each.subscribe()
            await each.settled()
        await made(account, 3)
        for each in (one, two):
            await each.changes(3)
        await undo(account, 2)
        # Nobody hears of what another process writes until the log is looked at.
        if grown:
            await made(account, grown)
        await feed_registry.feeds().poll()
        for each in (one, two):
            await resynced(each, account)
        await one.subscribe()
        await one.settled()
        [id] = await made(account, 1)
        assert [event["todoId"] for event in await one.changes(1)] == [id]


async def test_a_new_follower_is_not_given_what_was_undone(account: Account, address: str) -> None:
    """A new follower isn't sent undone changes, though they are still cached for others."""
    await made(account, 2)
    start = (await account.data("{ changeCursor }"))["changeCursor"]
    async with connected(address, account.token) as old, connected(address, account.token) as new:
        await old.subscribe()
        await old.settled()
        await made(account, 3)
        await old.changes(3)
        await undo(account, 2)
        await new.subscribe(after=start)
        told = await new.next()
        events = []
        while told["type"] == "next":
            events.append(told["payload"]["data"]["changes"])
            told = await new.next()
        assert events[-1]["__typename"] == "ResyncRequired"
        await resynced(old, account)
        await new.subscribe(after=events[-1]["cursor"])
        await new.settled()
        [id] = await made(account, 1)
        assert [event["todoId"] for event in await new.changes(1)] == [id]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server on a PostgreSQL of its own, and where that is."""
    folder = tmp_path_factory.mktemp("restored")
    with EmbeddedPostgres(folder / "data", durable=False) as url:
        settings = {"DATABASE_URL": url, "SECRET_KEY": "x" * 32, "LOG_LEVEL": "ERROR"}
        with started(folder / "log", "--migrate", settings=settings) as server:
            server.wait_until_ready()
            yield server, url


def run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs."""
    subprocess.run([installation() / "bin" / program, *arguments], check=True)


async def test_a_dump_restored_under_a_running_server_skips_nothing(
    installed: tuple[Server, str], tmp_path: Path
) -> None:
    """Followers and cursors of the time between are sent to load again; those before go on."""
    server, url = installed
    name = f"user-{uuid4().hex[:12]}"
    sent = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    token = server.execute(REGISTER, input=sent)["register"]["tokens"]["accessToken"]

    def create() -> str:
        id = str(uuid4())
        server.execute(CREATE, token, id=id)
        return id

    def read(**given: str) -> dict[str, Any]:
        return server.execute(FEED, token, **given)

    for _ in range(2):
        create()
    before = read()["changeCursor"]
    run("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}", url)
    address = server.address.removeprefix("http://").removesuffix("/graphql")
    async with connected(address, token) as one:
        await one.subscribe(after=before)
        undone_ids = [create() for _ in range(3)]
        assert [event["todoId"] for event in await one.changes(3)] == undone_ids
        undone = read()["changeCursor"]
        options = ("--clean", "--if-exists", "--single-transaction")
        await asyncio.to_thread(
            run, "pg_restore", *options, f"--dbname={url}", str(tmp_path / "dump")
        )
        ids = [create() for _ in range(5)]
        [event] = await one.changes(1)
        assert event["__typename"] == "ResyncRequired"
        assert await one.next() == {"id": "1", "type": "complete"}
        await one.subscribe(id="2", after=undone)
        assert [event["__typename"] for event in await one.changes(1)] == ["ResyncRequired"]
    assert [node["todoId"] for node in read(after=before)["changes"]["nodes"]] == ids
    with pytest.raises(AssertionError, match="RESYNC_REQUIRED"):
        read(after=undone)
