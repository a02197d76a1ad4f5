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
SET_DAYS = (
    "mutation ($input: ProfileUpdateInput!) { profileUpdate(input: $input)"
    f" {{ user {{ timeZone weekStart firstName }} {ERRORS} }} }}"
)


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


async def test_a_profile_has_a_time_zone_and_a_first_day_of_the_week(account: Account) -> None:
    """Both are null at first, change one by one, and null clears them."""
    shown = []
    for sent in (
        {"firstName": "Ada"},
        {"timeZone": "America/St_Johns", "weekStart": 7},
        {"weekStart": 1},
        {"timeZone": None},
    ):
        payload = (await account.data(SET_DAYS, input=sent))["profileUpdate"]
        assert payload["errors"] == []
        shown.append((payload["user"]["timeZone"], payload["user"]["weekStart"]))
    assert shown == [(None, None), ("America/St_Johns", 7), ("America/St_Johns", 1), (None, 1)]
    viewer = (await account.data("{ viewer { timeZone weekStart firstName } }"))["viewer"]
    assert viewer == {"timeZone": None, "weekStart": 1, "firstName": "Ada"}


@pytest.mark.parametrize("day", [0, 8, -1, 2**31 - 1])
async def test_a_week_starts_on_one_of_seven_days(account: Account, day: int) -> None:
    """Another number is out of range, and changes nothing."""
    payload = (await account.data(SET_DAYS, input={"firstName": "Ada", "weekStart": day}))[
        "profileUpdate"
    ]
    [error] = payload["errors"]
    assert (error["code"], error["path"]) == ("OUT_OF_RANGE", ["input", "weekStart"])
    viewer = (await account.data("{ viewer { weekStart firstName } }"))["viewer"]
    assert viewer == {"weekStart": None, "firstName": None}


@pytest.mark.parametrize(
    "zone", ["Mars/Base", "europe/berlin", "", "UTC+1", "+02:00", "../zones", "posixrules"]
)
async def test_a_time_zone_is_one_of_the_iana_database(account: Account, zone: str) -> None:
    """Any other text is no TimeZone at all."""
    error = await account.error(SET_DAYS, input={"timeZone": zone})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "TimeZone" in error["message"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Etc/GMT+12", "Europe/Kiev"])
async def test_every_name_of_the_iana_database_is_a_time_zone(account: Account, zone: str) -> None:
    """Zones without a place and former names too; each is stored as it was sent."""
    payload = (await account.data(SET_DAYS, input={"timeZone": zone}))["profileUpdate"]
    assert payload["user"]["timeZone"] == zone


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
