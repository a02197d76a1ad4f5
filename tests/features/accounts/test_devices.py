"""The devices that a user is signed in on."""

from tests.support.account_operations import REVOKE, SESSIONS
from tests.support.accounts import PASSWORD, Account, Client

LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { tokens { accessToken refreshToken } } }"
NOT_FOUND = [{"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["id"]}]


async def sign_in(client: Client, account: Account) -> str:
    """The access token of another device."""
    sent = {"usernameOrEmail": account.username, "password": PASSWORD}
    answer = await client.execute(LOGIN, {"input": sent})
    token: str = answer["data"]["login"]["tokens"]["accessToken"]
    return token


async def test_devices_are_listed_newest_first(account: Account, client: Client) -> None:
    """Each tells what it is and where, and the current one is marked."""
    await sign_in(client, account)
    newest, oldest = (await account.data(SESSIONS))["sessions"]
    assert (newest["isCurrent"], oldest["isCurrent"]) == (False, True)
    assert newest["createdAt"] > oldest["createdAt"]
    assert newest["ipAddress"] == "127.0.0.1"
    assert newest["userAgent"].startswith("python-httpx")
    assert newest["expiresAt"] > newest["lastUsedAt"]


async def test_a_device_that_is_sent_away_is_signed_out_at_once(
    account: Account, client: Client
) -> None:
    """The other devices stay."""
    token = await sign_in(client, account)
    revoked = (await account.data(SESSIONS))["sessions"][0]["id"]
    assert (await account.data(REVOKE, id=revoked))["sessionRevoke"] == {"ok": True, "errors": []}
    assert (await client.execute("{ viewer { id } }", token=token))["data"]["viewer"] is None
    assert [session["isCurrent"] for session in (await account.data(SESSIONS))["sessions"]] == [
        True
    ]


async def test_a_device_can_send_itself_away(account: Account) -> None:
    """That is a logout."""
    [session] = (await account.data(SESSIONS))["sessions"]
    assert (await account.data(REVOKE, id=session["id"]))["sessionRevoke"]["ok"] is True
    assert (await account.error(SESSIONS))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_what_is_no_device_of_the_viewers_is_not_found(
    account: Account, stranger: Account
) -> None:
    """Somebody else's, an ended one and nonsense get one answer."""
    [theirs] = (await stranger.data(SESSIONS))["sessions"]
    for id in (theirs["id"], "nonsense"):
        payload = (await account.data(REVOKE, id=id))["sessionRevoke"]
        assert payload == {"ok": False, "errors": NOT_FOUND}
    assert (await stranger.data(SESSIONS))["sessions"] == [theirs]


async def test_a_device_is_found_by_its_id(account: Account, stranger: Account) -> None:
    """A device is found by its id as a node, by its own user only."""
    [session] = (await account.data(SESSIONS))["sessions"]
    node = "query ($id: ID!) { node(id: $id) { id __typename ... on Session { isCurrent } } }"
    found = {"id": session["id"], "__typename": "Session", "isCurrent": True}
    assert (await account.data(node, id=session["id"]))["node"] == found
    assert (await stranger.data(node, id=session["id"]))["node"] is None
