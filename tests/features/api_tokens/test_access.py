"""What API tokens have of their own: when access by them ends, their limits, and when they were used."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import PASSWORD, Account, NewAccount, visiting
from tests.support.api_tokens import created, issued, issued_with_id
from tests.support.subscribers import CHANGES, connected, opened, streaming
from tests.support.waiting import PutForward, until
from todo_gql.app import create_app
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.administration import AccountChanges, administer
from todo_gql.http.graphql.connections import CHECK_SECONDS
from todo_gql.security.api_tokens import revoke_api_tokens
from todo_gql.security.authentication import Viewer, authenticate, open_session_ids, viewer_cache
from todo_gql.security.token_uses import TokenUses, token_uses
from todo_gql.settings import Settings

VIEWER = "{ viewer { id } }"
USED = "SELECT last_used_at FROM api_tokens WHERE id = $1"
End = Callable[[Account, UUID], Awaitable[object]]


async def revoke(account: Account, token_id: UUID) -> None:
    """Revoke the token."""
    query = "mutation ($id: ID!) { apiTokenRevoke(id: $id) { ok } }"
    assert (await account.data(query, id=str(token_id)))["apiTokenRevoke"]["ok"]


async def expire(_account: Account, token_id: UUID) -> None:
    """Have the token expire."""
    await fetch("UPDATE api_tokens SET expires_at = now() WHERE id = $1", token_id)


async def change_password(account: Account, _token_id: UUID) -> None:
    """Change the password, as somebody does whose password is known to others."""
    change = "mutation ($i: PasswordChangeInput!) { passwordChange(input: $i) { errors { code } } }"
    sent = {"currentPassword": PASSWORD, "newPassword": "Battery2staple"}
    assert (await account.data(change, i=sent))["passwordChange"]["errors"] == []


async def end_all(account: Account, _token_id: UUID) -> None:
    """Sign out everywhere."""
    await account.data("mutation { logout(everywhere: true) { ok } }")


async def be_disabled(account: Account, _token_id: UUID) -> None:
    """Have an administrator disable the account."""
    await administer(UUID(account.id), AccountChanges(is_active=False))


async def leave(account: Account, _token_id: UUID) -> None:
    """Delete the account, which signing in again would bring back."""
    delete = "mutation ($p: String!) { accountDelete(currentPassword: $p) { ok } }"
    assert (await account.data(delete, p=PASSWORD))["accountDelete"]["ok"]


async def vanish(account: Account, _token_id: UUID) -> None:
    """Be deleted for good."""
    await fetch("DELETE FROM users WHERE id = $1", UUID(account.id))


ENDS: tuple[End, ...] = (revoke, expire, change_password, end_all, be_disabled, leave, vanish)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_access_by_a_token_ends(account: Account, end: End) -> None:
    """No request is answered by a token once that is ended, whatever ended it."""
    token, token_id = await issued_with_id(account)
    assert (await account.execute(VIEWER, None, token))["data"]["viewer"] == {"id": account.id}
    await end(account, token_id)
    assert (await account.execute(VIEWER, None, token))["data"]["viewer"] is None


async def test_what_is_open_by_a_token_ends_with_it(
    address: str, new_account: NewAccount, put_forward: PutForward
) -> None:
    """Sockets are closed with 4403 at the next check, and event streams say UNAUTHENTICATED."""
    async with AsyncExitStack() as stack:
        sockets, streams, ends = [], [], []
        for end in ENDS:
            account = await new_account()
            token, token_id = await issued_with_id(account, "TODOS_READ")
            socket = await stack.enter_async_context(connected(address, token))
            await socket.subscribe()
            await socket.settled()
            streams.append(await stack.enter_async_context(streaming(address, token)))
            sockets.append(socket)
            ends.append((end, account, token_id))
        staying = await new_account()
        other = await stack.enter_async_context(connected(address, await issued(staying)))
        for end, account, token_id in ends:
            await end(account, token_id)
        put_forward(CHECK_SECONDS)
        codes = await asyncio.gather(*(one.close_code() for one in sockets))
        assert [code for code, _ in codes] == [4403] * len(ENDS)
        for stream in streams:
            name, body = await stream.next()
            assert (name, body["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
            # An event stream of a token that has expired isn't complete: its client may have a new token.
        await other.settled()


async def test_a_socket_ends_when_its_token_expires(
    address: str, account: Account, put_forward: PutForward
) -> None:
    """A connection lasts no longer than its token, which was good when it began."""
    token = await issued(account, expires_in=timedelta(seconds=2))
    async with connected(address, token) as socket:
        await asyncio.sleep(0)
        code, _ = await socket.close_code()
    assert code == 4403


async def test_a_bad_token_begins_no_socket(address: str, account: Account) -> None:
    """A token that opens nothing ends the connection with 4403, so that a client tries with another."""
    token, token_id = await issued_with_id(account)
    await revoke_api_tokens(UUID(account.id), only=token_id)
    viewer_cache.invalidate(UUID(account.id))
    async with opened(address) as socket:
        await socket.send(type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert (await socket.close_code())[0] == 4403


async def test_a_token_under_a_name_that_is_not_read_is_refused(
    address: str, account: Account
) -> None:
    """A client that sends its API token by another name isn't taken for somebody who is signed out."""
    async with opened(address) as socket:
        await socket.send(type="connection_init", payload={"apiKey": await issued(account)})
        assert (await socket.close_code())[0] == 4400


async def test_a_socket_refuses_what_a_scope_is_missing_for(address: str, account: Account) -> None:
    """A subscription and a query without their scopes end alone, with FORBIDDEN and the scope."""
    token = await issued(account, "PROFILE_READ")
    async with connected(address, token) as socket:
        await socket.subscribe(CHANGES, "1")
        await socket.subscribe("{ todos { nodes { id } } }", "2")
        answers = {answer["id"]: answer for answer in (await socket.next(), await socket.next())}
        for id, field in (("1", "changes"), ("2", "todos")):
            assert answers[id]["type"] == "error"
            [error] = answers[id]["payload"]
            assert error["path"] == [field]
            assert error["extensions"]["requiredScope"] == "TODOS_READ"
        assert await socket.execute(VIEWER) == {"data": {"viewer": {"id": account.id}}}


async def test_an_event_stream_refuses_what_a_scope_is_missing_for(
    address: str, account: Account
) -> None:
    """A subscription over an event stream without its scope is FORBIDDEN, and completes."""
    async with streaming(address, await issued(account, "PROFILE_READ")) as stream:
        name, body = await stream.next()
        assert (name, body["errors"][0]["extensions"]["requiredScope"]) == ("next", "TODOS_READ")
        assert await stream.next() == ("complete", None)


async def test_a_token_subscribes_to_what_its_scope_opens(address: str, account: Account) -> None:
    """Changes reach a socket of a token, and an event shows its todo."""
    async with connected(address, await issued(account, "TODOS_READ")) as socket:
        await socket.subscribe()
        await socket.settled()
        todo = await account.create(title="Milk")
        [change] = await socket.changes(1)
        assert (change["todoId"], change["todo"]["title"]) == (todo["id"], "Milk")


async def test_each_token_has_limits_of_its_own(
    settings: Settings, database_url: str, account: Account
) -> None:
    """What one token uses up is left to another, and to the person's sessions."""
    limits = {"rate_limit_requests": 3, "rate_limit_cost": 1_000}
    one, other = await issued(account), await issued(account)
    limited = create_app(settings.model_copy(update=limits), database_url)
    async with visiting(limited) as client:
        for left in (2, 1, 0):
            answer = await client.post(VIEWER, None, one)
            assert answer.headers["ratelimit"].startswith(f'"requests";r={left};')
        assert (await client.post(VIEWER, None, one)).status_code == 429
        for token in (other, account.token):
            answer = await client.post(VIEWER, None, token)
            assert answer.status_code == 200
            assert answer.headers["ratelimit"].startswith('"requests";r=2;')


async def test_a_refused_operation_counts_as_a_request(
    settings: Settings, database_url: str, account: Account
) -> None:
    """FORBIDDEN has the headers of the limits, and costs a request."""
    limited = create_app(settings.model_copy(update={"rate_limit_requests": 2}), database_url)
    token = await issued(account, "TODOS_READ")
    async with visiting(limited) as client:
        assert (
            (await client.post(VIEWER, None, token))
            .headers["ratelimit"]
            .startswith('"requests";r=1')
        )
        assert (await client.post(VIEWER, None, token)).status_code == 403
        assert (await client.post(VIEWER, None, token)).status_code == 429


async def test_each_token_has_connections_of_its_own(
    address: str, account: Account, settings: Settings
) -> None:
    """A token may have as many sockets as a person, beside theirs."""
    token = await issued(account)
    async with AsyncExitStack() as stack:
        for _ in range(settings.connections_per_user):
            await stack.enter_async_context(connected(address, token))
        async with opened(address) as one_more:
            payload = {"authorization": f"Bearer {token}"}
            await one_more.send(type="connection_init", payload=payload)
            assert (await one_more.close_code())[0] == 1013
        await stack.enter_async_context(connected(address, account.token))
        await stack.enter_async_context(connected(address, await issued(account)))


async def test_the_use_of_a_token_is_noted_to_the_minute(account: Account) -> None:
    """A use is shown by its minute, soon after, and never by the request itself."""
    token, token_id = await issued_with_id(account)
    await account.execute(VIEWER, None, token)
    await token_uses.store()
    [row] = await fetch(USED, token_id)
    moment: datetime = row["last_used_at"]
    assert (moment.second, moment.microsecond) == (0, 0)
    [shown] = (await account.data("{ apiTokens { lastUsedAt } }"))["apiTokens"]
    assert datetime.fromisoformat(shown["lastUsedAt"]) == moment


async def test_a_use_is_stored_once_a_minute(account: Account, recorded: Any) -> None:
    """A token that is used all the time causes one write a minute in a process."""
    _, token_id = await issued_with_id(account)
    uses = TokenUses()
    with recorded() as statements:
        for _ in range(3):
            uses.note(UUID(account.id), token_id)
            await uses.store()
    assert sum("UPDATE api_tokens" in text for text in statements.texts) == 1


async def test_a_use_that_could_not_be_stored_stays_noted(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A use isn't lost while the database is away, and no request fails for it."""
    _, token_id = await issued_with_id(account)
    uses = TokenUses()
    uses.note(UUID(account.id), token_id)

    async def unreachable(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr("todo_gql.security.token_uses.fetch", unreachable)
        with pytest.raises(ConnectionResetError):
            await uses.store()
    await uses.store()
    [row] = await fetch(USED, token_id)
    assert row["last_used_at"] is not None


async def test_the_connections_of_tokens_and_sessions_are_told_apart(
    account: Account, settings: Settings
) -> None:
    """Which are still open is looked up in the table of each."""
    token = (await created(account))["secret"]
    viewers = [await authenticate(text, settings) for text in (token, account.token)]
    present: list[Viewer] = [viewer for viewer in viewers if viewer]
    ids = {viewer.session_id for viewer in present}
    assert len(ids) == 2
    assert await open_session_ids(present) == ids
    await revoke_api_tokens(UUID(account.id))
    assert await open_session_ids(present) == {present[1].session_id}


async def test_an_open_socket_counts_as_use(
    address: str, account: Account, put_forward: PutForward
) -> None:
    """A token by which a socket stays open is in use, though nothing is asked."""
    token, token_id = await issued_with_id(account)
    async with connected(address, token):
        await token_uses.store()
        await fetch("UPDATE api_tokens SET last_used_at = NULL WHERE id = $1", token_id)

        async def is_noted() -> bool:
            put_forward(CHECK_SECONDS)
            return token_id in token_uses._noted or bool((await fetch(USED, token_id))[0][0])

        await until(is_noted)
