"""How somebody is notified: what is stored, what is refused, and when the digest is due."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from todo_gql.api.time_zones import time_zone
from todo_gql.database.connection import fetch
from todo_gql.inbox.preferences import Preferences

PARTS = "kinds { kind email push } quietHours { weekday from to } digestAt digestDays"
READ = f"{{ notificationPreferences {{ {PARTS} }} }}"
UPDATE = f"""
mutation ($input: NotificationPreferencesInput!) {{
  notificationPreferencesUpdate(input: $input) {{
    preferences {{ {PARTS} }} errors {{ code path }}
  }}
}}
"""
NIGHT = {"weekday": 1, "from": "22:00", "to": "07:00"}


async def update(account: Account, **values: Any) -> dict[str, Any]:
    """The payload of changing preferences."""
    payload = await account.data(UPDATE, input=values)
    return dict(payload["notificationPreferencesUpdate"])


async def read(account: Account) -> dict[str, Any]:
    """The stored preferences."""
    return dict((await account.data(READ))["notificationPreferences"])


async def test_defaults(account: Account) -> None:
    """Everything is mailed, what concerns the person alone is pushed, and there is no digest."""
    preferences = await read(account)
    kinds = {one["kind"]: (one["email"], one["push"]) for one in preferences.pop("kinds")}
    pushed = {"ASSIGNED", "MENTIONED", "REMINDER", "INVITED", "SECURITY"}
    assert {kind for kind, (_, push) in kinds.items() if push} == pushed
    assert all(email for email, _ in kinds.values())
    assert len(kinds) == 9
    assert preferences == {"quietHours": [], "digestAt": None, "digestDays": [1, 2, 3, 4, 5, 6, 7]}


async def test_partial_updates(account: Account) -> None:
    """What is absent stays as it is, and null clears."""
    kinds = [{"kind": "REMINDER", "push": False}, {"kind": "JOB", "push": True, "email": None}]
    await update(account, kinds=kinds, digestAt="08:00", digestDays=[5, 1])
    await update(account, quietHours=[NIGHT], kinds=[{"kind": "REMINDER", "email": False}])
    stored = await read(account)
    by_kind = {one["kind"]: (one["email"], one["push"]) for one in stored["kinds"]}
    assert by_kind["REMINDER"] == (False, False)
    assert by_kind["JOB"] == (True, True)
    assert stored["quietHours"] == [NIGHT]
    assert (stored["digestAt"], stored["digestDays"]) == ("08:00", [1, 5])
    answer = await update(account, kinds=None, quietHours=None, digestAt=None, digestDays=None)
    assert answer["preferences"] == await read(account)
    assert (answer["preferences"]["quietHours"], answer["preferences"]["digestAt"]) == ([], None)
    assert answer["preferences"]["digestDays"] == [1, 2, 3, 4, 5, 6, 7]
    pushed = {one["kind"]: one["push"] for one in answer["preferences"]["kinds"]}
    assert (pushed["REMINDER"], pushed["JOB"]) == (True, False)


async def test_update_of_nothing(account: Account) -> None:
    """An empty input changes nothing and shows the preferences."""
    before = await read(account)
    assert await update(account) == {"preferences": before, "errors": []}


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"kinds": [{"kind": "SECURITY", "email": False}]}, "INVALID", "kinds 0 email"),
        ({"kinds": [{"kind": "SECURITY", "push": False}]}, "INVALID", "kinds 0 push"),
        ({"kinds": [{"kind": "JOB"}, {"kind": "JOB"}]}, "INVALID", "kinds 1 kind"),
        ({"kinds": [{"kind": "JOB"}] * 10}, "TOO_MANY", "kinds"),
        ({"quietHours": [NIGHT | {"weekday": 0}]}, "OUT_OF_RANGE", "quietHours 0 weekday"),
        ({"quietHours": [NIGHT, NIGHT | {"weekday": 8}]}, "OUT_OF_RANGE", "quietHours 1 weekday"),
        ({"quietHours": [NIGHT | {"from": "24:00"}]}, "INVALID", "quietHours 0 from"),
        ({"quietHours": [NIGHT | {"to": "7:00"}]}, "INVALID", "quietHours 0 to"),
        ({"quietHours": [NIGHT | {"to": "07:00:00"}]}, "INVALID", "quietHours 0 to"),
        (
            {"quietHours": [NIGHT | {"to": "\u0660\u0667:\u0660\u0660"}]},
            "INVALID",
            "quietHours 0 to",
        ),
        ({"quietHours": [NIGHT] * 29}, "TOO_MANY", "quietHours"),
        ({"digestAt": "noon"}, "INVALID", "digestAt"),
        ({"digestAt": ""}, "INVALID", "digestAt"),
        ({"digestAt": "08:00\n"}, "INVALID", "digestAt"),
        ({"digestDays": [1, 0]}, "OUT_OF_RANGE", "digestDays 1"),
        ({"digestDays": [1, 2, 1]}, "INVALID", "digestDays 2"),
        ({"digestDays": [1] * 8}, "TOO_MANY", "digestDays"),
    ],
)
async def test_refused_values(account: Account, values: Any, code: str, path: str) -> None:
    """Each wrong value is an error with its code and path, and nothing is stored."""
    before = await read(account)
    answer = await update(account, **({"digestAt": "09:00"} | values))
    assert answer == {
        "preferences": None,
        "errors": [{"code": code, "path": ["input", *path.split()]}],
    }
    assert await read(account) == before


async def test_all_problems_are_reported(account: Account) -> None:
    """Problems of several values are reported together."""
    answer = await update(account, digestAt="x", digestDays=[9], quietHours=[NIGHT | {"to": "x"}])
    assert [error["path"][1:] for error in answer["errors"]] == [
        ["quietHours", "0", "to"],
        ["digestAt"],
        ["digestDays", "0"],
    ]


async def next_digest(account: Account) -> datetime | None:
    """When the next digest is due."""
    [row] = await fetch(
        "SELECT next_digest_at FROM notification_preferences WHERE owner_id = $1", UUID(account.id)
    )
    due: datetime | None = row["next_digest_at"]
    return due


async def test_next_digest_follows_the_zone(account: Account) -> None:
    """The digest is due at the person's hour, also after they have moved."""
    await update(account, digestAt="08:00")
    due = await next_digest(account)
    assert due is not None
    assert due > datetime.now(UTC)
    assert (due.hour, due.minute) == (8, 0)
    move = 'mutation { profileUpdate(input: { timeZone: "Asia/Tokyo" }) { errors { code } } }'
    await account.data(move)
    moved = await next_digest(account)
    assert moved is not None
    assert moved.astimezone(time_zone("Asia/Tokyo")).hour == 8
    await update(account, digestAt=None)
    assert await next_digest(account) is None


@pytest.mark.parametrize(
    ("zone", "at", "days", "now", "due"),
    [
        # 2026-11-30 is a Monday.
        ("Europe/Berlin", "08:00", [1, 2], "2026-11-30T06:59Z", "2026-11-30T07:00Z"),
        ("Europe/Berlin", "08:00", [1, 2], "2026-11-30T07:00Z", "2026-12-01T07:00Z"),
        ("Europe/Berlin", "08:00", [1], "2026-11-30T07:00Z", "2026-12-07T07:00Z"),
        ("Asia/Tokyo", "08:00", [2], "2026-11-30T12:00Z", "2026-11-30T23:00Z"),
        # Clocks skip 02:30 on 28 March 2027, and show it twice on 31 October.
        ("Europe/Berlin", "02:30", [7], "2027-03-27T12:00Z", "2027-03-28T01:30Z"),
        ("Europe/Berlin", "02:30", [7], "2027-10-30T12:00Z", "2027-10-31T00:30Z"),
        ("Europe/Berlin", "02:30", [7], "2027-10-31T00:30Z", "2027-11-07T01:30Z"),
        ("UTC", "08:00", [], "2026-11-30T06:00Z", None),
        ("UTC", None, [1], "2026-11-30T06:00Z", None),
    ],
)
def test_when_a_digest_is_due(
    zone: str, at: str | None, days: list[int], now: str, due: str | None
) -> None:
    """The next digest is on the next of its days, at its hour by the wall clock."""
    row = {
        "time_zone": zone,
        "kinds": None,
        "quiet_hours": None,
        "digest_at": at,
        "digest_days": str(days),
    }
    found = Preferences.of_row(row).next_digest_after(datetime.fromisoformat(now))
    assert found == (due and datetime.fromisoformat(due))
