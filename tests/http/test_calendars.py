"""Calendar feeds over HTTP: what programs that read one again and again get, and what nobody learns."""

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from tests.support.accounts import Account, registered, visiting
from tests.support.calendars import FEEDS, make_feed, read_feed
from tests.support.repeating import SET_ZONE
from tests.support.statements import Statements
from todo_gql.app import create_app
from todo_gql.database.connection import fetch
from todo_gql.security.rate_limits import CALENDAR_READS
from todo_gql.settings import Settings

TOMORROW = (datetime.now(UTC) + timedelta(1)).date().isoformat()


async def test_the_answer_is_a_calendar(account: Account) -> None:
    """A program gets the type, refresh interval and version that it goes by, and nothing may store it."""
    await account.create(title="Pay", dueDate=TOMORROW)
    answer = await read_feed(account, await make_feed(account, label="Office"))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    lines = answer.text.split("\r\n")
    assert lines[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert {
        *("NAME:Office", "X-WR-CALNAME:Office", "SUMMARY:Pay"),
        *("REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H"),
    } <= set(lines)


async def test_an_unchanged_calendar_is_not_sent_again(account: Account) -> None:
    """Whoever has the current version gets 304, until a todo, the zone or the feed itself is another one."""
    await account.create(dueDate=TOMORROW)
    feed = await make_feed(account)
    tag = (await read_feed(account, feed)).headers["ETag"]
    for sent in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        answer = await read_feed(account, feed, If_None_Match=sent)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == tag
    assert (await read_feed(account, feed, If_None_Match='"x"')).status_code == 200
    await account.create(dueDate=TOMORROW)
    changed = await read_feed(account, feed, If_None_Match=tag)
    assert changed.status_code == 200
    await account.data(SET_ZONE, zone="Asia/Tokyo")
    moved = await read_feed(account, feed, If_None_Match=changed.headers["ETag"])
    assert moved.status_code == 200
    other = await read_feed(account, await make_feed(account))
    assert len({tag, changed.headers["ETag"], moved.headers["ETag"], other.headers["ETag"]}) == 4


async def test_head_tells_the_version_without_the_calendar(account: Account) -> None:
    """HEAD has the headers of GET, and no body."""
    feed = await make_feed(account)
    answer = await account.http.head(urlsplit(feed["url"]).path)
    assert (answer.status_code, answer.content) == (200, b"")
    # No length is better than one that isn't that of GET (RFC 9110, section 8.6).
    assert "Content-Length" not in answer.headers
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["ETag"] == (await read_feed(account, feed)).headers["ETag"]


async def test_a_large_calendar_is_compressed(account: Account) -> None:
    """A program that accepts gzip gets it, with the same version."""
    await account.create_many(
        [{"title": f"Todo {number}", "dueDate": TOMORROW} for number in range(100)]
    )
    feed = await make_feed(account)
    plain = await read_feed(account, feed, Accept_Encoding="identity")
    path = urlsplit(feed["url"]).path
    async with account.http.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["ETag"] == plain.headers["ETag"]
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert gzip.decompress(raw) == plain.content
    assert len(raw) * 5 < len(plain.content)


async def test_whatever_opens_nothing_has_one_answer(account: Account) -> None:
    """Unknown, malformed and deleted addresses can't be told apart."""
    secret = urlsplit((await make_feed(account))["url"]).path.rpartition("/")[2]
    answers = [
        await account.http.get(f"/calendars/{name}")
        for name in ("a" * 43 + ".ics", "x", secret.removesuffix(".ics"), f"x{secret}")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.text for answer in answers} == {"There is no calendar here.\n"}
    posted = await account.http.post(f"/calendars/{secret}")
    assert posted.status_code == 405


async def test_it_takes_few_statements(
    account: Account, recorded: Callable[[], AbstractContextManager[Statements]]
) -> None:
    """A calendar is two statements, an unchanged one is one, and once a minute another notes the reading."""
    await account.create(dueDate=TOMORROW)
    feed = await make_feed(account)
    with recorded() as first:
        tag = (await read_feed(account, feed)).headers["ETag"]
    with recorded() as second:
        await read_feed(account, feed)
    with recorded() as third:
        await read_feed(account, feed, If_None_Match=tag)
    assert [len(each.texts) for each in (first, second, third)] == [3, 2, 1]


async def test_when_it_was_read_is_exact_to_the_minute(account: Account) -> None:
    """The owner sees when a program last read the feed, in whole minutes."""
    feed = await make_feed(account)
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    await read_feed(account, feed)
    [shown] = (await account.data(FEEDS))["calendarFeeds"]
    read_at = datetime.fromisoformat(shown["lastReadAt"])
    assert read_at.second == read_at.microsecond == 0
    assert before <= read_at <= datetime.now(UTC)
    await fetch(
        "UPDATE calendar_feeds SET last_read_at = last_read_at - interval '1 hour' WHERE owner_id = $1",
        UUID(account.id),
    )
    await read_feed(account, feed)
    [shown] = (await account.data(FEEDS))["calendarFeeds"]
    assert datetime.fromisoformat(shown["lastReadAt"]) >= read_at


@pytest.mark.usefixtures("app")
async def test_a_feed_is_read_only_so_often(settings: Settings, database_url: str) -> None:
    """Each feed has a limit of its own, after which programs are told how long to wait."""
    limited = settings.model_copy(update={"rate_limit_requests": 1_000})
    app = create_app(limited, database_url)
    async with visiting(app) as client:
        account = await registered(client)
        feed, other = await make_feed(account), await make_feed(account)
        for _ in range(CALENDAR_READS):
            assert (await read_feed(account, feed)).status_code == 200
        refused = await read_feed(account, feed)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= limited.rate_limit_period
        assert (await read_feed(account, other)).status_code == 200


@pytest.mark.usefixtures("app")
async def test_unknown_addresses_are_limited_by_network(
    settings: Settings, database_url: str
) -> None:
    """Whoever tries many addresses is refused as one who sends many requests."""
    app = create_app(settings.model_copy(update={"rate_limit_requests": 5}), database_url)
    async with visiting(app) as client:
        statuses = [(await client.http.get(f"/calendars/{n}.ics")).status_code for n in range(6)]
    assert statuses == [404] * 5 + [429]
