"""Feeds in which some numbers are changes in others' lists."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.spans import newest_number, tell
from tests.support.statements import Statements
from todo_gql.changelog.access import LOG_COLUMNS, log_of
from todo_gql.changelog.cursors import LogPosition
from todo_gql.changelog.positions import ChangesLost, changes_after, read_log
from todo_gql.database.connection import fetch

IDS = "SELECT id, seq FROM changes WHERE owner_id = $1 ORDER BY seq"


async def log(account: Account) -> list[UUID]:
    """The ids of an account's own changes."""
    return [row["id"] for row in await fetch(IDS, UUID(account.id))]


async def mixed(account: Account, stranger: Account) -> list[UUID]:
    """The ids of a feed: an own change, two spans of one and of two, and two own changes."""
    await account.create()
    for number in (1, 2):
        await stranger.create_many([{"title": "Theirs"}] * number)
        await tell(account, stranger, number)
    await account.create_many([{"title": "Own"}] * 2)
    (own, *last), (first, *later) = await log(account), await log(stranger)
    return [own, first, *later, *last]


async def read(account: Account, seq: int = 0, limit: int = 100) -> list[tuple[int, UUID]]:
    """The next numbers of a feed, with the ids of the changes."""
    rows = await changes_after(UUID(account.id), LogPosition(seq), limit)
    assert {row["owner_id"] for row in rows} <= {UUID(account.id)}
    return [(row["seq"], row["id"]) for row in rows]


async def test_spans_are_numbers_of_the_feed(account: Account, stranger: Account) -> None:
    """Own changes and those of spans are one sequence without gaps, from wherever it is read."""
    ids = await mixed(account, stranger)
    numbered = list(enumerate(ids, 1))
    assert await read(account) == numbered
    for seq in range(len(ids) + 1):
        for limit in (1, 2, 3):
            assert await read(account, seq, limit) == numbered[seq : seq + limit]


async def test_a_long_span_is_read_in_parts(account: Account, stranger: Account) -> None:
    """A page may begin and end within a span."""
    await stranger.create_many([{"title": "Theirs"}] * 9)
    await tell(account, stranger, 9)
    numbered = list(enumerate(await log(stranger), 1))
    assert await read(account, 2, 4) == numbered[2:6]


async def test_the_end_may_be_in_a_span(account: Account, stranger: Account) -> None:
    """The newest change, and that at a position, are known by their ids wherever they stand."""
    ids = await mixed(account, stranger)
    await stranger.create()
    await tell(account, stranger)
    ids.append((await log(stranger))[-1])
    for seq, id in enumerate(ids, 1):
        position = LogPosition.of(seq, id)
        found = await read_log(UUID(account.id), position)
        assert found.stored == position
        assert found.newest == LogPosition.of(len(ids), ids[-1])
        assert found.oldest == 1
        assert found.continues_from(position)


async def test_another_change_at_a_position_is_a_loss(account: Account, stranger: Account) -> None:
    """A position in a span names its change, as one in the own log does."""
    ids = await mixed(account, stranger)
    for seq in range(1, len(ids) + 1):
        await changes_after(UUID(account.id), LogPosition.of(seq, ids[seq - 1]))
        with pytest.raises(ChangesLost):
            await changes_after(UUID(account.id), LogPosition.of(seq, ids[seq - 2]))


async def test_a_hole_is_a_loss(account: Account, stranger: Account) -> None:
    """A feed begins after changes of spans that are gone."""
    ids = await mixed(account, stranger)
    await fetch("DELETE FROM changes WHERE owner_id = $1 AND seq <= 2", UUID(stranger.id))
    for seq in (0, 1, 2):
        with pytest.raises(ChangesLost):
            await read(account, seq)
    assert await read(account, 3) == list(enumerate(ids, 1))[3:]


async def test_the_end_of_a_feed_may_be_gone(account: Account, stranger: Account) -> None:
    """Who has read all goes on, though the last changes aren't stored any more."""
    await stranger.create()
    await tell(account, stranger)
    await fetch("DELETE FROM changes WHERE owner_id = $1", UUID(stranger.id))
    assert await read(account, 1) == []
    await account.create()
    assert len(await read(account, 1)) == 1


async def test_what_is_after_the_end_is_a_loss(account: Account, stranger: Account) -> None:
    """A position beyond the newest number is of another feed, such as that before a backup."""
    ids = await mixed(account, stranger)
    with pytest.raises(ChangesLost):
        await read(account, len(ids) + 1)


async def test_who_has_no_spans_reads_as_before(
    account: Account, recorded: Callable[[], AbstractContextManager[Statements]]
) -> None:
    """A feed without spans is read by the statement of before there were any."""
    await account.create_many([{"title": "Own"}] * 2)
    statement = log_of(UUID(account.id))
    statement.where(f"c.seq >= {statement.bind(1)}")
    with recorded() as statements:
        assert len(await read(account, 1)) == 1
    assert statements.texts == [statement.select(LOG_COLUMNS, "c.seq", 101)]
    assert statements.texts[0].endswith(
        "FROM changes c WHERE c.owner_id = $1 AND c.seq >= $2 ORDER BY c.seq LIMIT 101"
    )


async def test_numbers_are_those_of_the_feed(account: Account, stranger: Account) -> None:
    """What is told raises the number after which the next own change comes."""
    await mixed(account, stranger)
    before = await newest_number(account)
    await account.create()
    assert await newest_number(account) == before + 1
    assert [seq for seq, _ in await read(account, before)] == [before + 1]
