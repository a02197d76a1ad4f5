"""What users change of their own accounts."""

import pytest

from tests.support.account_operations import ERRORS, login_payload
from tests.support.accounts import PASSWORD, Account, Client

USER = "user { username firstName lastName fullName bio avatarUrl }"
UPDATE = (
    "mutation ($input: ProfileUpdateInput!) { profileUpdate(input: $input)"
    f" {{ {USER} {ERRORS} }} }}"
)
CHANGE_PASSWORD = (
    "mutation ($input: PasswordChangeInput!) { passwordChange(input: $input)"
    f" {{ user {{ id }} {ERRORS} }} }}"
)
VIEWER = "{ viewer { id } }"
NEW_PASSWORD = "Battery2staple"


async def test_a_profile_is_changed_where_something_is_given(account: Account) -> None:
    """What is absent stays, and null clears."""
    first = {"firstName": " Ada ", "lastName": "Lovelace", "bio": "Countess\nof numbers"}
    await account.data(UPDATE, input=first)
    payload = await account.data(UPDATE, input={"lastName": None, "avatarUrl": "https://a.b/c"})
    assert payload["profileUpdate"] == {
        "user": {
            "username": account.username,
            "firstName": "Ada",
            "lastName": None,
            "fullName": "Ada",
            "bio": "Countess\nof numbers",
            "avatarUrl": "https://a.b/c",
        },
        "errors": [],
    }


async def test_all_that_is_wrong_with_a_profile_is_told_at_once(account: Account) -> None:
    """Each problem has its path, and nothing is changed."""
    sent = {
        "firstName": "x" * 101,
        "bio": "\0",
        "avatarUrl": "javascript:alert(1)",
        "lastName": "L",
    }
    payload = (await account.data(UPDATE, input=sent))["profileUpdate"]
    assert payload["user"] is None
    assert {(error["code"], *error["path"]) for error in payload["errors"]} == {
        ("TOO_LONG", "input", "firstName"),
        ("INVALID", "input", "bio"),
        ("INVALID", "input", "avatarUrl"),
    }
    assert (await account.data("{ viewer { lastName } }"))["viewer"]["lastName"] is None


async def test_a_new_password_opens_the_account_and_the_old_one_does_not(
    account: Account, client: Client
) -> None:
    """The session that changed it goes on, and all others have ended."""
    other = await login_payload(client, account)
    sent = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    payload = (await account.data(CHANGE_PASSWORD, input=sent))["passwordChange"]
    assert payload == {"user": {"id": account.id}, "errors": []}
    assert (await account.data(VIEWER))["viewer"] == {"id": account.id}
    token = other["tokens"]["accessToken"]
    assert (await client.execute(VIEWER, token=token))["data"]["viewer"] is None
    assert (await login_payload(client, account))["tokens"] is None
    assert (await login_payload(client, account, NEW_PASSWORD))["errors"] == []


async def test_a_password_is_not_changed_by_who_does_not_know_it(account: Account) -> None:
    """A wrong password and a weak new one are told together."""
    sent = {"currentPassword": "Wrong1password", "newPassword": "weak"}
    payload = (await account.data(CHANGE_PASSWORD, input=sent))["passwordChange"]
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [
        ("TOO_SHORT", ["input", "newPassword"]),
        ("INVALID_CREDENTIALS", ["input", "currentPassword"]),
    ]


@pytest.mark.parametrize("field", ["firstName", "lastName", "bio", "avatarUrl"])
async def test_a_blank_text_clears(account: Account, field: str) -> None:
    """Spaces are no name."""
    await account.data(UPDATE, input={field: "  "})
    assert (await account.data(f"{{ viewer {{ {field} }} }}"))["viewer"] == {field: None}
