"""CHANGES_RETENTION_DAYS: what the log forgets, and what that means to who comes back."""

from uuid import UUID

from tests.support.accounts import Account
from tests.support.spans import tell
from todo_gql.changelog.retention import purge_changes
from todo_gql.database.connection import fetch

FEED = "query ($after: String) { changes(after: $after) { nodes { cursor } } changeCursor }"
AGE = "UPDATE changes SET at = at - make_interval(days => 10) WHERE owner_id = $1 AND seq = ANY($2)"
AGE_SPANS = "UPDATE spans SET at = at - make_interval(days => 10) WHERE owner_id = $1"


async def seqs(account: Account) -> list[int]:
    """The numbers of the changes that are kept."""
    rows = await fetch("SELECT seq FROM changes WHERE owner_id = $1 ORDER BY seq", UUID(account.id))
    return [row["seq"] for row in rows]


async def test_only_old_changes_are_forgotten(account: Account, stranger: Account) -> None:
    """Only old changes of every owner are purged; the feed's rest and newest cursor stay."""
    # Other tests may have left old ones.
    await purge_changes(9)
    for owner in (account, stranger):
        await owner.create_many([{"title": "A"}] * 4)
        await fetch(AGE, UUID(owner.id), [1, 2])
    before = await account.data(FEED)
    assert await purge_changes(9) == 4
    assert await seqs(account) == await seqs(stranger) == [3, 4]
    after = await account.data(FEED)
    assert after["changes"]["nodes"] == before["changes"]["nodes"][2:]
    assert after["changeCursor"] == before["changeCursor"]
    first, second = (node["cursor"] for node in before["changes"]["nodes"][:2])
    error = await account.error(FEED, after=first)
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "reason": "RESYNC_REQUIRED"}
    assert (await account.data(FEED, after=second))["changes"] == after["changes"]


async def test_all_may_be_forgotten(account: Account) -> None:
    """The newest cursor is good all the same, and numbers go on."""
    await account.create_many([{"title": "A"}] * 3)
    await fetch(AGE, UUID(account.id), [1, 2, 3])
    cursor = (await account.data(FEED))["changeCursor"]
    assert await purge_changes(9) == 3
    assert (await account.data(FEED, after=cursor))["changes"]["nodes"] == []
    await account.create()
    assert len((await account.data(FEED, after=cursor))["changes"]["nodes"]) == 1
    assert await seqs(account) == [4]


async def test_no_gap_is_made(account: Account) -> None:
    """A change that a clock put too far back stays for as long as those before it."""
    await account.create_many([{"title": "A"}] * 4)
    await fetch(AGE, UUID(account.id), [1, 3])
    assert await purge_changes(9) == 1
    assert await seqs(account) == [2, 3, 4]


async def test_by_default_nothing_is_forgotten(account: Account) -> None:
    """The log is kept for ever."""
    await account.create()
    await fetch("UPDATE changes SET at = 'epoch' WHERE owner_id = $1", UUID(account.id))
    assert await purge_changes(None) == 0
    assert await seqs(account) == [1]


async def test_spans_are_forgotten_in_their_turn(account: Account, stranger: Account) -> None:
    """Old spans go with the old changes around them, and the feed goes on after the last one that went."""
    await purge_changes(9)
    for number in range(2):
        await account.create_many([{"title": "A"}] * 2)
        await stranger.create()
        await tell(account, stranger)
        if number == 0:
            await fetch(AGE, UUID(account.id), [1, 2])
            await fetch(AGE_SPANS, UUID(account.id))
    whole = (await account.data(FEED))["changes"]["nodes"]
    assert len(whole) == 6
    assert await purge_changes(9) == 3
    assert await seqs(account) == [4, 5]
    rest = (await account.data(FEED, after=whole[2]["cursor"]))["changes"]["nodes"]
    assert rest == whole[3:] == (await account.data(FEED))["changes"]["nodes"]
    error = await account.error(FEED, after=whole[1]["cursor"])
    assert error["extensions"]["reason"] == "RESYNC_REQUIRED"


async def test_a_new_span_outlasts_older_numbers(account: Account, stranger: Account) -> None:
    """A change after a span that isn't old stays, so that the feed has no gap."""
    await purge_changes(9)
    await account.create()
    await stranger.create()
    await tell(account, stranger)
    await account.create()
    await fetch(AGE, UUID(account.id), [1, 3])
    assert await purge_changes(9) == 1
    assert await seqs(account) == [3]
    assert len((await account.data(FEED))["changes"]["nodes"]) == 2
