"""Subscribing browsers to pushes: what is accepted, what is shown of it, and when it ends."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.account_operations import LOGOUT, another_session
from tests.support.accounts import PASSWORD, Account, Client, visiting
from tests.support.push_services import Browser, base64url
from todo_gql.app import create_app
from todo_gql.database.connection import fetch
from todo_gql.features.push.tasks import delete_without_session
from todo_gql.settings import Settings

SUBSCRIBE = """
mutation ($input: PushSubscribeInput!) {
  pushSubscribe(input: $input) { ok errors { code message path } }
}
"""
SUBSCRIPTIONS = "{ pushSubscriptions { id userAgent createdAt lastError } }"
UNSUBSCRIBE = """
mutation ($id: ID!) { pushUnsubscribe(id: $id) { ok errors { code path } } }
"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on PushSubscription { userAgent } } }"


CHANGE_PASSWORD = """
mutation ($input: PasswordChangeInput!) { passwordChange(input: $input) { user { id } errors { code } } }
"""


async def elsewhere(account: Account) -> Account:
    """The same account in another session."""
    return replace(account, token=(await another_session(account))["accessToken"])


def browser(endpoint: str | None = None) -> Browser:
    """A browser at a push service that no test sends to."""
    return Browser(endpoint or f"https://push.example.com/send/{uuid4().hex}")


async def subscribe(account: Account, one: Browser, **changes: str) -> list[dict[str, Any]]:
    """Subscribe a browser; the errors."""
    payload = (await account.data(SUBSCRIBE, input=one.input | changes))["pushSubscribe"]
    assert payload["ok"] is (payload["errors"] == [])
    return list(payload["errors"])


async def subscriptions(account: Account) -> list[dict[str, Any]]:
    """The account's subscriptions."""
    return list((await account.data(SUBSCRIPTIONS))["pushSubscriptions"])


async def stored(account: Account) -> list[Any]:
    """The rows of the account."""
    return await fetch("SELECT * FROM push_subscriptions WHERE owner_id = $1", UUID(account.id))


async def test_a_browser_subscribes(account: Account) -> None:
    """A browser that subscribed is in the list, can be read by its id, and shows none of its secrets."""
    account.http.headers["User-Agent"] = "Firefox/150"
    one = browser()
    assert await subscribe(account, one) == []
    [shown] = await subscriptions(account)
    assert shown["userAgent"] == "Firefox/150"
    assert shown["lastError"] is None
    node = (await account.data(NODE, id=shown["id"]))["node"]
    assert node == {"id": shown["id"], "userAgent": "Firefox/150"}
    [row] = await stored(account)
    assert (row["endpoint"], row["p256dh"], row["auth"]) == tuple(one.input.values())


async def test_the_public_key_is_that_of_the_settings(account: Account) -> None:
    """The key that browsers subscribe with follows from VAPID_PRIVATE_KEY."""
    # Both are in RFC 8291, appendix A.
    assert (await account.data("{ pushPublicKey }"))["pushPublicKey"] == (
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
    )


async def test_the_same_endpoint_again_updates_it(account: Account) -> None:
    """A browser that subscribes again with other keys stays one subscription, without its last error."""
    one = browser()
    assert await subscribe(account, one) == []
    [before] = await subscriptions(account)
    await fetch("UPDATE push_subscriptions SET last_error = 'x' WHERE id = $1", UUID(before["id"]))
    assert await subscribe(account, Browser(one.endpoint, auth=b"other 16 secrets")) == []
    assert await subscriptions(account) == [before]
    [row] = await stored(account)
    assert row["auth"] == base64url(b"other 16 secrets")


async def test_keys_may_be_padded(account: Account) -> None:
    """Keys with the padding of base64 are accepted, and stored without."""
    one = browser()
    padded = {"p256dh": one.input["p256dh"] + "=", "auth": one.input["auth"] + "=="}
    assert await subscribe(account, one, **padded) == []
    [row] = await stored(account)
    assert (row["p256dh"], row["auth"]) == (one.input["p256dh"], one.input["auth"])


POINT = browser().point


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"endpoint": ""}, "INVALID", "endpoint"),
        ({"endpoint": "push"}, "INVALID", "endpoint"),
        ({"endpoint": "http://push.example.com/x"}, "INVALID", "endpoint"),
        ({"endpoint": "https://push.example.com:25/x"}, "INVALID", "endpoint"),
        ({"endpoint": "https://a:b@push.example.com/x"}, "INVALID", "endpoint"),
        ({"endpoint": "https://push.example.com/\x00"}, "INVALID", "endpoint"),
        ({"endpoint": "https://10.0.0.1/x"}, "INVALID", "endpoint"),
        ({"endpoint": "https://[::ffff:127.0.0.1]/x"}, "INVALID", "endpoint"),
        ({"endpoint": "https://169.254.169.254/latest/meta-data"}, "INVALID", "endpoint"),
        ({"endpoint": f"https://push.example.com/{'x' * 2000}"}, "TOO_LONG", "endpoint"),
        ({"p256dh": ""}, "INVALID", "p256dh"),
        ({"p256dh": "no key"}, "INVALID", "p256dh"),
        ({"p256dh": base64url(POINT[1:])}, "INVALID", "p256dh"),
        ({"p256dh": base64url(POINT[:-1] + bytes([POINT[-1] ^ 1]))}, "INVALID", "p256dh"),
        ({"p256dh": base64url(b"\x02" + POINT[1:33])}, "INVALID", "p256dh"),
        ({"p256dh": base64url(b"\x04" + bytes(64))}, "INVALID", "p256dh"),
        ({"p256dh": "A" * 100_000}, "INVALID", "p256dh"),
        ({"auth": ""}, "INVALID", "auth"),
        ({"auth": base64url(b"x" * 15)}, "INVALID", "auth"),
        ({"auth": base64url(b"x" * 17)}, "INVALID", "auth"),
        ({"auth": "+/+/+/+/+/+/+/+/+/+/+w"}, "INVALID", "auth"),
        ({"auth": "ä" * 22}, "INVALID", "auth"),
    ],
)
async def test_what_no_browser_sends_is_refused(
    account: Account, changes: dict[str, str], code: str, path: str
) -> None:
    """An endpoint or key that can't be one has an error at its path, and nothing is stored."""
    [error] = await subscribe(account, browser(), **changes)
    assert (error["code"], error["path"]) == (code, ["input", path])
    assert await stored(account) == []


async def test_all_problems_are_reported_together(account: Account) -> None:
    """Each value that is wrong has an error of its own."""
    errors = await subscribe(account, browser(), endpoint="x", p256dh="x", auth="x")
    assert [error["path"][1] for error in errors] == ["endpoint", "p256dh", "auth"]


async def test_twenty_browsers_are_enough(account: Account) -> None:
    """The 21st browser is refused until another one is unsubscribed; one of the 20 may subscribe again."""
    browsers = [browser() for _ in range(20)]
    for one in browsers:
        assert await subscribe(account, one) == []
    [error] = await subscribe(account, browser())
    assert (error["code"], error["path"]) == ("TOO_MANY", ["input"])
    assert await subscribe(account, browsers[3]) == []
    shown = await subscriptions(account)
    assert len(shown) == 20
    payload = await account.data(UNSUBSCRIBE, id=shown[0]["id"])
    assert payload["pushUnsubscribe"] == {"ok": True, "errors": []}
    assert await subscribe(account, browser()) == []


@pytest.mark.parametrize("id", ["no id", "01890000-0000-7000-8000-000000000000", "another's"])
async def test_only_ones_own_are_unsubscribed(account: Account, stranger: Account, id: str) -> None:
    """An id that isn't one of the viewer's subscriptions is not found, another person's too."""
    assert await subscribe(stranger, browser()) == []
    if id == "another's":
        id = (await subscriptions(stranger))[0]["id"]
    payload = (await account.data(UNSUBSCRIBE, id=id))["pushUnsubscribe"]
    assert payload == {"ok": False, "errors": [{"code": "NOT_FOUND", "path": ["id"]}]}
    assert len(await subscriptions(stranger)) == 1


async def test_a_browser_belongs_to_who_subscribed_last(
    account: Account, stranger: Account
) -> None:
    """A browser that two people use shows the notifications of the one who subscribed it last."""
    shared, own = browser(), browser()
    assert await subscribe(account, shared) == []
    assert await subscribe(account, own) == []
    assert await subscribe(stranger, shared) == []
    [left] = await stored(account)
    assert left["endpoint"] == own.endpoint
    assert len(await subscriptions(stranger)) == 1


async def test_signing_out_ends_it(account: Account) -> None:
    """A subscription is deleted when its session ends, and those of other sessions stay."""
    other = await elsewhere(account)
    assert await subscribe(account, browser()) == []
    assert await subscribe(other, browser()) == []
    await account.data(LOGOUT)
    assert len(await subscriptions(other)) == 1
    assert len(await stored(other)) == 1
    # A new password ends all sessions but the one that sets it.
    third = await elsewhere(account)
    assert await subscribe(third, browser()) == []
    passwords = {"currentPassword": PASSWORD, "newPassword": "Another1horse"}
    assert (await third.data(CHANGE_PASSWORD, input=passwords))["passwordChange"]["user"]
    assert len(await subscriptions(third)) == 1
    assert len(await stored(third)) == 1


async def test_an_expired_session_ends_it(account: Account) -> None:
    """A subscription of a session that has expired isn't shown, nor counted, and is deleted later."""
    other = await elsewhere(account)
    for _ in range(20):
        assert await subscribe(account, browser()) == []
    await fetch(
        "UPDATE sessions SET expires_at = now() - $2::interval WHERE owner_id = $1 AND id IN"
        " (SELECT session_id FROM push_subscriptions WHERE owner_id = $1)",
        UUID(account.id),
        timedelta(seconds=1),
    )
    assert await subscriptions(other) == []
    assert await delete_without_session() >= 20
    assert await stored(other) == []
    assert await subscribe(other, browser()) == []


async def test_signed_out_nobody_subscribes(client: Client) -> None:
    """Subscribing, the key for it, and reading subscriptions need a session."""
    for query in (SUBSCRIBE, SUBSCRIPTIONS, "{ pushPublicKey }"):
        answer = await client.execute(query, {"input": browser().input} if "$" in query else None)
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_server_without_a_key_sends_no_pushes(
    settings: Settings, database_url: str, account: Account
) -> None:
    """Browsers find no public key, and can't subscribe, where no VAPID key is set."""
    off = create_app(settings.model_copy(update={"vapid_private_key": None}), database_url)
    async with visiting(off) as client:
        there = replace(account, http=client.http)
        assert (await there.data("{ pushPublicKey }")) == {"pushPublicKey": None}
        [error] = await subscribe(there, browser())
        assert (error["code"], error["path"]) == ("INVALID", ["input"])
        assert "no push messages" in error["message"]
    assert await stored(account) == []
