"""Calendar feeds of an account, and how programs read them."""

from typing import Any
from urllib.parse import urlsplit

import httpx
from icalendar import Calendar

from tests.support.accounts import Account

CREATE_FEED = """
mutation ($label: String, $listIds: [ID!], $asEvents: Boolean! = true) {
  calendarFeedCreate(label: $label, listIds: $listIds, asEvents: $asEvents) {
    feed { id label asEvents url createdAt lastReadAt lists { id } } errors { code message path }
  }
}
"""
FEEDS = "{ calendarFeeds { id label asEvents url createdAt lastReadAt lists { id } } }"
DELETE_FEED = (
    "mutation ($id: ID!) { calendarFeedDelete(id: $id) { ok errors { __typename code path } } }"
)


async def make_feed(account: Account, **values: Any) -> dict[str, Any]:
    """A feed just made, with its address."""
    payload = (await account.data(CREATE_FEED, **values))["calendarFeedCreate"]
    assert payload["errors"] == [], payload
    return dict(payload["feed"])


async def read_feed(account: Account, feed: dict[str, Any], **headers: str) -> httpx.Response:
    """The answer to a program that reads a feed's address."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await account.http.get(urlsplit(feed["url"]).path, headers=names)


async def components(account: Account, feed: dict[str, Any]) -> list[Any]:
    """What the library icalendar reads in a feed."""
    answer = await read_feed(account, feed)
    assert answer.status_code == 200, answer.text
    return list(Calendar.from_ical(answer.content).walk(select=lambda one: "UID" in one))


async def titles(account: Account, feed: dict[str, Any]) -> list[str]:
    """The titles of a feed's entries in their order."""
    return [str(one["SUMMARY"]) for one in await components(account, feed)]
