"""Connections end when what opened them does: within five seconds, with 4403."""

import asyncio
import contextlib
import time
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import jwt
import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.accounts import PASSWORD, Account
from tests.support.subscribers import CHANGES, Socket, connected, streaming
from tests.support.waiting import PutForward
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.administration import AccountChanges, administer
from todo_gql.http.graphql.connections import CHECK_SECONDS, Connections
from todo_gql.security.tokens import HEADER, _access_key
from todo_gql.settings import Settings

LOGIN = """
mutation ($input: LoginInput!) { login(input: $input) { tokens { accessToken } errors { code } } }
"""


async def another_device(account: Account) -> str:
    """The access token of another session of the account."""
    sent = {"usernameOrEmail": account.username, "password": PASSWORD}
    return str((await account.data(LOGIN, input=sent))["login"]["tokens"]["accessToken"])


def token_until(moment: int, account: Account, settings: Settings) -> str:
    """An access token of the account that expires at a moment."""
    claims = jwt.decode(account.token, options={"verify_signature": False})
    return jwt.encode({**claims, "exp": moment}, _access_key(settings), headers=HEADER)


async def log_out(account: Account) -> None:
    """Sign out."""
    await account.data("mutation { logout { ok } }")


async def revoke(account: Account) -> None:
    """End this session from another device."""
    sessions = (await account.data("{ sessions { id isCurrent } }"))["sessions"]
    [id] = [session["id"] for session in sessions if session["isCurrent"]]
    revoke = "mutation ($id: ID!) { sessionRevoke(id: $id) { ok } }"
    answer = await account.execute(revoke, {"id": id}, await another_device(account))
    assert answer["data"]["sessionRevoke"]["ok"]


async def change_password(account: Account) -> None:
    """Change the password on another device."""
    change = "mutation ($i: PasswordChangeInput!) { passwordChange(input: $i) { errors { code } } }"
    sent = {"currentPassword": PASSWORD, "newPassword": "Battery2staple"}
    answer = await account.execute(change, {"i": sent}, await another_device(account))
    assert answer["data"]["passwordChange"]["errors"] == []


async def be_disabled(account: Account) -> None:
    """Have an administrator disable the account."""
    await administer(UUID(account.id), AccountChanges(is_active=False))


async def leave(account: Account) -> None:
    """Delete the account."""
    delete = "mutation ($p: String!) { accountDelete(currentPassword: $p) { ok } }"
    assert (await account.data(delete, p=PASSWORD))["accountDelete"]["ok"]


async def vanish(account: Account) -> None:
    """Be deleted for good."""
    await fetch("DELETE FROM users WHERE id = $1", UUID(account.id))


async def closes_at(one: Socket, query: str) -> None:
    """Ask something, and have nothing but the end of the connection for an answer."""
    answers: list[Any] = []
    with contextlib.suppress(ConnectionClosed):
        await one.subscribe(query)
        answers.append(await one.next())
    assert answers == []
    assert (await one.close_code())[0] == 4403


WAYS = (log_out, revoke, change_password, be_disabled, leave, vanish)


async def test_whoever_is_signed_out_is_disconnected(
    address: str, new_account: Any, put_forward: PutForward
) -> None:
    """Every kind of sign-out closes the connection, and event streams say UNAUTHENTICATED."""
    assert 2 * CHECK_SECONDS < 5
    accounts = {way: await new_account() for way in WAYS}
    staying = await new_account()
    async with AsyncExitStack() as stack:
        sockets: dict[Any, Socket] = {}
        for way, account in accounts.items():
            sockets[way] = await stack.enter_async_context(connected(address, account.token))
            await sockets[way].subscribe()
            await sockets[way].settled()
        stream = await stack.enter_async_context(streaming(address, accounts[log_out].token))
        other = await stack.enter_async_context(connected(address, staying.token))
        for way, account in accounts.items():
            await way(account)
        put_forward(CHECK_SECONDS)
        codes = await asyncio.gather(*(one.close_code() for one in sockets.values()))
        assert {code for code, _ in codes} == {4403}
        name, body = await stream.next()
        assert (name, body["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        assert await stream.next() == ("complete", None)
        await other.settled()


async def test_a_token_is_good_for_as_long_as_it_says(
    account: Account,
    address: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    put_forward: PutForward,
) -> None:
    """A connection ends with its token, though the session goes on: come back with a new one.

    So does an event stream, and isn't complete.
    """
    soon = int(time.time()) + 60
    later = soon + 60
    token = token_until(later, account, settings)
    async with (
        connected(address, token_until(soon, account, settings)) as first,
        connected(address, token) as one,
        connected(address, account.token) as other,
        streaming(address, token) as stream,
    ):
        monkeypatch.setattr("time.time", lambda: later - 1)
        put_forward(CHECK_SECONDS)
        assert (await first.close_code())[0] == 4403
        # The same look has seen it, and has left it alone.
        await one.settled()
        monkeypatch.setattr("time.time", lambda: later)
        put_forward(CHECK_SECONDS)
        assert (await one.close_code())[0] == 4403
        name, body = await stream.next()
        assert (name, body["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        with pytest.raises(EOFError):
            await stream.next()
        await other.settled()


async def test_nobody_becomes_anonymous_on_an_open_connection(
    account: Account, address: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked after the token has expired, or its session is over, closes the connection.

    Though nobody has looked whether it is.
    """

    async def look_away(_: Connections) -> None:
        """End nothing."""

    monkeypatch.setattr(Connections, "_end_expired", look_away)
    moment = int(time.time()) + 60
    async with connected(address, token_until(moment, account, settings)) as one:
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda: moment - 1)
            await one.settled()
            patch.setattr("time.time", lambda: moment)
            await closes_at(one, "{ viewer { id } }")
    for query in ("{ viewer { id } }", "mutation { logout { ok } }", CHANGES):
        token = await another_device(account)
        async with connected(address, token) as one:
            await one.settled()
            answer = await account.execute("mutation { logout { ok } }", token=token)
            assert answer["data"]["logout"]["ok"]
            await closes_at(one, query)
