"""Adding, changing and deleting reminders, and the moments at which they fire."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.accounts import Account
from tests.support.reminders import (
    ADD,
    PARTS,
    PAYLOAD,
    add,
    added,
    let_come,
    put_reminders,
    relative,
    reminded_of,
    stored_reminders,
)
from todo_gql.api.time_zones import time_zone
from todo_gql.database.connection import fetch
from todo_gql.features.reminders.firing import fire_due_reminders

UPDATE = f"mutation ($id: ID!, $input: ReminderInput!) {{ reminderUpdate(id: $id, input: $input) {PAYLOAD} }}"
REMOVE = "mutation ($id: ID!) { reminderDelete(id: $id) { ok errors { __typename code path } } }"
CREATE = f"""
mutation ($input: TodoCreateInput!) {{
  todoCreate(input: $input) {{
    todo {{ id reminders {{ {PARTS} }} }} errors {{ __typename code message path }}
  }}
}}
"""
CREATE_MANY = f"""
mutation ($inputs: [TodoCreateInput!]!, $onError: BulkErrorPolicy!, $dryRun: Boolean!) {{
  todoBulkCreate(inputs: $inputs, onError: $onError, dryRun: $dryRun) {{
    results {{ todo {{ id reminders {{ {PARTS} }} }} errors {{ code path }} }} errors {{ code path }}
  }}
}}
"""
READ = f"query ($id: ID!) {{ todo(id: $id) {{ reminders {{ {PARTS} }} }} }}"
NODE = f"query ($id: ID!) {{ node(id: $id) {{ __typename ... on Reminder {{ {PARTS} }} }} }}"
CHANGE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) { undoCursor errors { code message path } }
}
"""
UNDO = "mutation ($cursor: String!) { todoUndo(cursor: $cursor) { updated errors { code } } }"
TRASH = "mutation ($id: ID!) { todoDelete(id: $id) { todo { reminders { id } } errors { code } } }"
RESTORE = "mutation ($id: ID!) { todoRestore(id: $id) { errors { code } } }"
MOVE_ZONE = """
mutation ($zone: TimeZone) {
  profileUpdate(input: { timeZone: $zone }) { user { timeZone } errors { code } }
}
"""
COUNT = "SELECT count(*) AS number FROM reminders WHERE owner_id = $1"
TODAY = datetime.now(UTC).date()
NEXT_MONTH = TODAY + timedelta(days=30)


def soon(**distance: float) -> datetime:
    """A moment from now on."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**distance)


def written(moment: datetime) -> str:
    """A moment as the API writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def local(day: date, time: str, zone: str) -> str:
    """A time of a day in a zone, as the API writes it."""
    text = f"{day.isoformat()}T{time}"
    return written(datetime.fromisoformat(text).replace(tzinfo=time_zone(zone)))


async def reminders(account: Account, id: str) -> list[dict[str, Any]]:
    """The reminders of a todo."""
    return list((await account.data(READ, id=id))["todo"]["reminders"])


async def fires_at(account: Account, id: str) -> list[str | None]:
    """When the reminders of a todo fire, in their order."""
    return [one["firesAt"] for one in await reminders(account, id)]


async def change(account: Account, id: str, **values: Any) -> str:
    """Update a todo; the cursor to undo it by."""
    payload = (await account.data(CHANGE, id=id, input=values))["todoUpdate"]
    assert payload["errors"] == [], payload
    return str(payload["undoCursor"])


async def test_reminder_at_a_moment(account: Account) -> None:
    """An absolute reminder fires at its moment, and is found by its id and by its todo."""
    todo, at = await account.create(), written(soon(hours=1))
    reminder = await added(account, todo["id"], {"at": at})
    assert reminder == {
        "id": reminder["id"],
        "at": at,
        "anchor": None,
        "offset": None,
        "firesAt": at,
        "firedAt": None,
        "todo": {"id": todo["id"]},
    }
    assert await reminders(account, todo["id"]) == [reminder]
    node = (await account.data(NODE, id=reminder["id"]))["node"]
    assert node == {"__typename": "Reminder", **reminder}


async def test_reminders_of_a_new_todo(account: Account) -> None:
    """A todo is created together with its reminders, in their order."""
    due, at = soon(days=1), written(soon(hours=5))
    sent = {"title": "x", "dueAt": written(due), "reminders": [relative("-PT1H"), {"at": at}]}
    payload = (await account.data(CREATE, input=sent))["todoCreate"]
    assert payload["errors"] == []
    found = payload["todo"]["reminders"]
    assert [one["firesAt"] for one in found] == [written(due - timedelta(hours=1)), at]
    assert await reminders(account, payload["todo"]["id"]) == found


@pytest.mark.parametrize("sent", [None, []])
async def test_todo_without_reminders(account: Account, sent: list[Any] | None) -> None:
    """Null and an empty list are no reminders."""
    todo = await account.create(reminders=sent)
    assert await reminders(account, todo["id"]) == []


PAST = "2020-01-01T00:00:00Z"
REFUSED = [
    ({"at": PAST}, "INVALID", ["at"]),
    (relative("P3661D"), "OUT_OF_RANGE", ["relative", "offset"]),
    (relative("-PT87841H"), "OUT_OF_RANGE", ["relative", "offset"]),
    (relative("P999999999W"), "OUT_OF_RANGE", ["relative", "offset"]),
]


@pytest.mark.parametrize(("sent", "code", "path"), REFUSED)
async def test_reminder_that_can_not_be(
    account: Account, sent: dict[str, Any], code: str, path: list[str]
) -> None:
    """A moment that has passed and an offset beyond ten years are refused with their paths."""
    todo = await account.create()
    kept = await added(account, todo["id"], relative("PT0S"))
    [error] = (await add(account, todo["id"], sent))["errors"]
    assert (error["code"], error["path"]) == (code, ["input", *path])
    payload = (await account.data(UPDATE, id=kept["id"], input=sent))["reminderUpdate"]
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [(code, ["input", *path])]
    assert await reminders(account, todo["id"]) == [kept]
    inputs = {"title": "", "reminders": [relative("PT0S"), sent]}
    payload = (await account.data(CREATE, input=inputs))["todoCreate"]
    assert payload["todo"] is None
    assert [error["path"] for error in payload["errors"]] == [
        ["input", "title"],
        ["input", "reminders", "1", *path],
    ]


@pytest.mark.parametrize("offset", ["", "P", "P1Y", "P1M", "PT1.5H", "1 day", "P1D ", "PT1D"])
async def test_offset_that_is_no_duration(account: Account, offset: str) -> None:
    """What isn't a duration of weeks to seconds is an error of the coercion, which says what is."""
    todo = await account.create()
    error = await account.error(ADD, id=todo["id"], input=relative(offset))
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "weeks, days, hours, minutes and seconds" in error["message"]


@pytest.mark.parametrize(
    "sent", [{}, {"at": None}, {"relative": None}, {"at": PAST} | relative("PT0S")]
)
async def test_reminder_is_either_absolute_or_relative(
    account: Account, sent: dict[str, Any]
) -> None:
    """An input has a moment or a relative one, exactly one of them."""
    todo = await account.create()
    error = await account.error(ADD, id=todo["id"], input=sent)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_ten_reminders_of_a_todo(account: Account) -> None:
    """A todo has ten reminders of one person, however they are added, and room again after a deletion."""
    many = [relative(f"-PT{number}M") for number in range(11)]
    payload = (await account.data(CREATE, input={"title": "x", "reminders": many}))["todoCreate"]
    [error] = payload["errors"]
    assert (error["code"], error["path"]) == ("TOO_MANY", ["input", "reminders"])
    payload = (await account.data(CREATE, input={"title": "x", "reminders": many[:9]}))[
        "todoCreate"
    ]
    id = payload["todo"]["id"]
    payloads = await asyncio.gather(*(add(account, id, many[0]) for _ in range(4)))
    codes = sorted(str([error["code"] for error in one["errors"]]) for one in payloads)
    assert codes == ["['TOO_MANY']"] * 3 + ["[]"]
    assert next(one for one in payloads if one["errors"])["errors"][0]["path"] == ["todoId"]
    assert len(found := await reminders(account, id)) == 10
    assert (await account.data(REMOVE, id=found[0]["id"]))["reminderDelete"]["ok"]
    await added(account, id, many[0])


async def test_reminder_without_its_anchor(account: Account) -> None:
    """A reminder of a todo that isn't due fires at no time, until the todo is."""
    todo = await account.create()
    assert (await added(account, todo["id"], relative("-PT1H")))["firesAt"] is None
    due = soon(days=1)
    await change(account, todo["id"], dueAt=written(due))
    assert await fires_at(account, todo["id"]) == [written(due - timedelta(hours=1))]
    await change(account, todo["id"], dueAt=None)
    assert await fires_at(account, todo["id"]) == [None]


async def test_moment_that_has_passed_does_not_fire(account: Account) -> None:
    """A relative moment that lies in the past at the time of writing is no error, and fires never."""
    todo = await account.create(dueAt=written(soon(minutes=30)))
    assert (await added(account, todo["id"], relative("-PT1H")))["firesAt"] is None
    payload = await account.data(
        CREATE,
        input={"title": "x", "dueAt": written(soon(minutes=30)), "reminders": [relative("-PT1H")]},
    )
    assert payload["todoCreate"]["todo"]["reminders"][0]["firesAt"] is None


async def test_update_replaces_when_it_fires(account: Account) -> None:
    """A relative reminder becomes an absolute one, and back."""
    due, at = soon(days=1), written(soon(hours=2))
    todo = await account.create(dueAt=written(due))
    reminder = await added(account, todo["id"], relative("-PT1H"))

    async def update(sent: dict[str, Any]) -> dict[str, Any]:
        payload = (await account.data(UPDATE, id=reminder["id"], input=sent))["reminderUpdate"]
        assert payload["errors"] == []
        return dict(payload["reminder"])

    absolute = reminder | {"at": at, "anchor": None, "offset": None, "firesAt": at}
    assert await update({"at": at}) == absolute
    assert await update(relative("-PT1H")) == reminder
    assert await reminders(account, todo["id"]) == [reminder]


async def test_deleted_reminder_is_gone(account: Account) -> None:
    """Deleting a reminder twice doesn't find it the second time."""
    todo = await account.create()
    reminder = await added(account, todo["id"], relative("PT0S"))
    first = (await account.data(REMOVE, id=reminder["id"]))["reminderDelete"]
    assert first == {"ok": True, "errors": []}
    again = (await account.data(REMOVE, id=reminder["id"]))["reminderDelete"]
    assert again["ok"] is False
    assert again["errors"] == [{"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["id"]}]
    assert await reminders(account, todo["id"]) == []
    assert (await account.data(NODE, id=reminder["id"]))["node"] is None


async def assert_not_found(account: Account, reminder: str, todo: str) -> None:
    """None of the mutations finds a reminder, or the todo to add one to."""
    sent = relative("PT0S")
    [error] = (await add(account, todo, sent))["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["todoId"])
    [error] = (await account.data(UPDATE, id=reminder, input=sent))["reminderUpdate"]["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["id"])
    [error] = (await account.data(REMOVE, id=reminder))["reminderDelete"]["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["id"])
    assert (await account.data(NODE, id=reminder))["node"] is None


async def test_strangers_find_nothing(account: Account, stranger: Account) -> None:
    """Nobody finds the reminders of others, or adds one to the todos of others."""
    todo = await account.create()
    reminder = await added(account, todo["id"], relative("PT0S"))
    await assert_not_found(stranger, reminder["id"], todo["id"])
    await assert_not_found(stranger, str(uuid4()), "no id")
    assert await reminders(account, todo["id"]) == [reminder]


async def test_reminders_are_the_viewers_own(account: Account, stranger: Account) -> None:
    """Nobody sees the reminders that others have of the same todo, or is limited by them."""
    todo = await account.create()
    [other] = await put_reminders(todo, timedelta(days=-1), person=stranger)
    assert await reminders(account, todo["id"]) == []
    await assert_not_found(account, str(other), "")
    for _ in range(10):
        await added(account, todo["id"], relative("PT0S"))


async def test_todo_in_the_trash(account: Account) -> None:
    """Reminders of a todo in the trash aren't found, are shown with it, and are there again with it."""
    due = soon(days=1)
    todo = await account.create(dueAt=written(due))
    reminder = await added(account, todo["id"], relative("-PT1H"))
    payload = (await account.data(TRASH, id=todo["id"]))["todoDelete"]
    assert payload["todo"]["reminders"] == [{"id": reminder["id"]}]
    await assert_not_found(account, reminder["id"], todo["id"])
    await account.data(RESTORE, id=todo["id"])
    assert await reminders(account, todo["id"]) == [reminder]


async def test_purged_todo_takes_its_reminders_along(account: Account) -> None:
    """Reminders are deleted with their todo."""
    todo = await account.create()
    reminder = await added(account, todo["id"], relative("PT0S"))
    await fetch("DELETE FROM todos WHERE id = $1", todo["id"])
    assert await stored_reminders([reminder["id"]]) == {}


async def test_undo_moves_reminders_back(account: Account) -> None:
    """Undoing a change of the due date moves the reminder back with it."""
    due = soon(days=3)
    todo = await account.create(dueAt=written(due))
    reminder = await added(account, todo["id"], relative("-PT1H"))
    cursor = await change(account, todo["id"], dueAt=written(due + timedelta(days=1)))
    assert (await account.data(UNDO, cursor=cursor))["todoUndo"]["updated"] == 1
    assert await fires_at(account, todo["id"]) == [reminder["firesAt"]]


async def test_moved_reminder_fires_again(account: Account) -> None:
    """A reminder that has fired fires again for another due date, and not for the same one."""
    due = soon(days=1)
    todo = await account.create(dueAt=written(due))
    reminder = await added(account, todo["id"], relative("-PT1H"))
    await let_come([reminder["id"]])
    await fire_due_reminders()
    [fired] = await reminders(account, todo["id"])
    assert fired["firesAt"] is None
    assert fired["firedAt"]
    await change(account, todo["id"], dueAt=written(due + timedelta(days=1)))
    [moved] = await reminders(account, todo["id"])
    assert moved["firesAt"] == written(due + timedelta(hours=23))
    assert moved["firedAt"] == fired["firedAt"]
    assert len(await reminded_of(account)) == 1


async def test_reminders_of_many_new_todos(account: Account) -> None:
    """Todos of a bulk call have their reminders, also in a dry run, which stores none."""
    due, at = soon(days=1), written(soon(hours=1))
    inputs = [
        {"title": "0", "dueAt": written(due), "reminders": [relative("-PT1H"), relative("-PT2H")]},
        {"title": "1"},
        {"title": "2", "reminders": [{"at": at}]},
    ]
    expected = [[written(due - timedelta(hours=n)) for n in (1, 2)], [], [at]]
    for dry_run in (True, False):
        variables = {"inputs": inputs, "onError": "ABORT_ALL", "dryRun": dry_run}
        results = (await account.data(CREATE_MANY, **variables))["todoBulkCreate"]["results"]
        moments = [[one["firesAt"] for one in r["todo"]["reminders"]] for r in results]
        assert moments == expected
        [count] = await fetch(COUNT, account.id)
        assert count["number"] == (0 if dry_run else 3)
    for result, stored in zip(results, expected, strict=True):
        assert await fires_at(account, result["todo"]["id"]) == stored


@pytest.mark.parametrize(("policy", "stored"), [("ABORT_ALL", 0), ("SKIP_FAILED", 1)])
async def test_reminders_of_a_bulk_call_that_fails(
    account: Account, policy: str, stored: int
) -> None:
    """A reminder that can't be fails its todo alone, and is stored only with it."""
    inputs = [
        {"title": "0", "reminders": [relative("PT0S")]},
        {"title": "1", "reminders": [relative("PT0S"), {"at": PAST}]},
    ]
    variables = {"inputs": inputs, "onError": policy, "dryRun": False}
    results = (await account.data(CREATE_MANY, **variables))["todoBulkCreate"]["results"]
    assert [[error["path"] for error in one["errors"]] for one in results] == [
        [],
        [["inputs", "1", "reminders", "1", "at"]],
    ]
    [count] = await fetch(COUNT, account.id)
    assert count["number"] == stored


async def test_second_create_adds_no_reminders(account: Account) -> None:
    """Creating a todo again changes nothing of its reminders."""
    sent = {"title": "x", "id": str(uuid4()), "reminders": [relative("PT0S")]}
    for code in ([], ["ALREADY_EXISTS"]):
        payload = (await account.data(CREATE, input=sent))["todoCreate"]
        assert [error["code"] for error in payload["errors"]] == code
        assert len(payload["todo"]["reminders"]) == 1


async def test_reminder_is_no_change_of_its_todo(account: Account) -> None:
    """Reminders are the person's own: neither the version nor the log of the todo has them."""
    todo = await account.create()
    reminder = await added(account, todo["id"], relative("PT0S"))
    await account.data(REMOVE, id=reminder["id"])
    query = "query ($id: ID!) { todo(id: $id) { version history { totalCount: nodes { id } } } }"
    found = (await account.data(query, id=todo["id"]))["todo"]
    assert found["version"] == 1
    assert len(found["history"]["totalCount"]) == 1


async def test_reminder_relative_to_a_moment(account: Account) -> None:
    """A relative reminder is relative to when the todo is due, unless to its start."""
    due, start = soon(days=3), soon(days=2)
    todo = await account.create(dueAt=written(due), startAt=written(start))
    first = await added(account, todo["id"], relative("-pt015m"))
    assert (first["anchor"], first["offset"], first["at"]) == ("DUE", "-PT15M", None)
    assert first["firesAt"] == written(due - timedelta(minutes=15))
    second = await added(account, todo["id"], relative("PT1H", "START"))
    assert second["firesAt"] == written(start + timedelta(hours=1))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo", None])
async def test_reminder_relative_to_a_day(account: Account, zone: str | None) -> None:
    """Nine hours from a day on are 9:00 of that day in the zone of the person's profile."""
    await account.data(MOVE_ZONE, zone=zone)
    todo = await account.create(dueDate=NEXT_MONTH.isoformat())
    await added(account, todo["id"], relative("PT9H"))
    await added(account, todo["id"], relative("-PT15H"))
    await added(account, todo["id"], relative("-P2DT9H"))
    days = [NEXT_MONTH, NEXT_MONTH - timedelta(days=1), NEXT_MONTH - timedelta(days=3)]
    times = ["09:00", "09:00", "15:00"]
    expected = [local(day, time, zone or "UTC") for day, time in zip(days, times, strict=True)]
    assert await fires_at(account, todo["id"]) == expected


async def test_due_date_moves_reminders(account: Account) -> None:
    """Each write that moves the due date or the start moves what is relative to it, and nothing else."""
    due, start, at = soon(days=5), soon(days=4), written(soon(days=1))
    todo = await account.create(dueAt=written(due), startAt=written(start))
    id = todo["id"]
    for sent in (relative("-PT1H"), relative("PT1H", "START"), {"at": at}):
        await added(account, id, sent)
    later = due + timedelta(days=2)
    await change(account, id, dueAt=written(later))
    hour = timedelta(hours=1)
    assert await fires_at(account, id) == [written(later - hour), written(start + hour), at]
    await change(account, id, startAt=written(due))
    assert await fires_at(account, id) == [written(later - hour), written(due + hour), at]
    await change(account, id, title="Other", priority="HIGH")
    assert await fires_at(account, id) == [written(later - hour), written(due + hour), at]
    await change(account, id, dueDate=NEXT_MONTH.isoformat())
    day = local(NEXT_MONTH - timedelta(days=1), "23:00", "UTC")
    assert await fires_at(account, id) == [day, written(due + hour), at]


async def test_zone_of_the_due_date_moves_reminders(account: Account) -> None:
    """Days before a moment are counted in the zone of the todo, which may change by itself."""
    # The clocks of Berlin go forward on 2027-03-28, those of Tokyo never do.
    due = "2027-03-28T07:00:00Z"
    todo = await account.create(dueAt=due, dueTimeZone="Asia/Tokyo")
    reminder = await added(account, todo["id"], relative("-P1D"))
    assert reminder["firesAt"] == "2027-03-27T07:00:00.000000Z"
    await change(account, todo["id"], dueTimeZone="Europe/Berlin")
    assert await fires_at(account, todo["id"]) == ["2027-03-27T08:00:00.000000Z"]


async def test_late_reminder_stays_due(account: Account) -> None:
    """A reminder that no worker was there for is not lost by a write, unless that moves it."""
    due = soon(days=1)
    todo = await account.create(dueAt=written(due), startAt=written(soon(hours=12)))
    reminder = await added(account, todo["id"], relative("-PT1H"))
    # As if its moment had come while no worker ran.
    passed = due - timedelta(days=2)
    await fetch("UPDATE todos SET due_at = $2 WHERE id = $1", todo["id"], passed)
    late = passed - timedelta(hours=1)
    await fetch("UPDATE reminders SET fires_at = $2 WHERE id = $1", reminder["id"], late)
    await change(account, todo["id"], title="Other", startAt=None)
    await account.data(UPDATE, id=reminder["id"], input=relative("-PT1H"))
    assert await fires_at(account, todo["id"]) == [written(late)]
    await account.data(MOVE_ZONE, zone="Asia/Tokyo")
    assert await fires_at(account, todo["id"]) == [written(late)]
    await change(account, todo["id"], dueAt=written(passed + timedelta(minutes=1)))
    assert await fires_at(account, todo["id"]) == [None]


async def test_reminders_move_with_their_person(account: Account) -> None:
    """Another time zone of the profile moves reminders of days, and leaves those of moments."""
    await account.data(MOVE_ZONE, zone="Europe/Berlin")
    due = soon(days=9)
    day = await account.create(dueDate=NEXT_MONTH.isoformat())
    moment = await account.create(dueAt=written(due))
    at = written(soon(days=1))
    for sent in (relative("PT9H"), {"at": at}):
        await added(account, day["id"], sent)
    await added(account, moment["id"], relative("-PT9H"))
    for zone in ("Asia/Tokyo", None, "America/Los_Angeles", "Europe/Berlin"):
        await account.data(MOVE_ZONE, zone=zone)
        expected = local(NEXT_MONTH, "09:00", zone or "UTC")
        assert await fires_at(account, day["id"]) == [expected, at]
        assert await fires_at(account, moment["id"]) == [written(due - timedelta(hours=9))]


async def test_reminder_fires_once_for_a_day(account: Account) -> None:
    """Whoever travels west on the day of a reminder that has fired isn't reminded again."""
    await account.data(MOVE_ZONE, zone="Pacific/Kiritimati")
    tomorrow = TODAY + timedelta(days=1)
    todo = await account.create(dueDate=tomorrow.isoformat())
    reminder = await added(account, todo["id"], relative("-PT1S"))
    moment = datetime.fromisoformat(local(tomorrow, "00:00", "Pacific/Kiritimati")) - timedelta(
        seconds=1
    )
    await fetch(
        "UPDATE reminders SET fires_at = NULL, fired_at = $2 WHERE id = $1", reminder["id"], moment
    )
    await account.data(MOVE_ZONE, zone="Pacific/Niue")
    assert await fires_at(account, todo["id"]) == [None]


COMPLETE = """
mutation ($id: ID!) {
  todoComplete(id: $id) { todo { dueAt } completedOccurrence { id reminders { id } } errors { code } }
}
"""
TAKE_BACK = "mutation ($id: ID!) { todoUndoOccurrence(id: $id) { errors { code message } } }"


async def test_reminders_of_a_repeating_todo(account: Account) -> None:
    """A reminder goes on to the next occurrence and back, and its copies have none."""
    due = soon(days=2)
    todo = await account.create(dueAt=written(due), recurrence={"rule": "FREQ=DAILY"})
    await added(account, todo["id"], relative("-PT1H"))
    completed = (await account.data(COMPLETE, id=todo["id"]))["todoComplete"]
    assert completed["errors"] == []
    assert completed["completedOccurrence"]["reminders"] == []
    assert await fires_at(account, todo["id"]) == [written(due + timedelta(hours=23))]
    taken_back = await account.data(TAKE_BACK, id=completed["completedOccurrence"]["id"])
    assert taken_back["todoUndoOccurrence"]["errors"] == []
    assert await fires_at(account, todo["id"]) == [written(due - timedelta(hours=1))]
