"""Repeating todos: what is stored, what completing, skipping and previewing do, and what is refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import ERRORS, Account
from tests.support.recounts import wrong_counts
from tests.support.reminders import add, relative
from tests.support.repeating import (
    COMPLETE,
    PAST,
    PREVIEW,
    SET_ZONE,
    SKIP,
    TODO,
    UNDO,
    codes,
    complete,
    completed,
    create,
    due,
    repeating,
    statuses,
    subtask,
    update,
)
from tests.support.subscribers import connected
from todo_gql.database.connection import fetch


@pytest.mark.parametrize(
    ("rule", "first", "following"),
    [
        ("FREQ=MONTHLY", "2027-01-31", ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("FREQ=YEARLY", "2028-02-29", ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2027-07-31", ["2027-08-31", "2027-09-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2027-01-31", ["2027-03-31", "2027-05-31"]),
        ("FREQ=WEEKLY;BYDAY=MO,FR", "2027-01-01", ["2027-01-04", "2027-01-08"]),
        (
            "FREQ=DAILY",
            "2027-03-27T01:30:00Z",
            ["2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z", "2027-03-30T00:30:00Z"],
        ),
    ],
)
async def test_completing_leads_to_the_next_occurrence(
    account: Account, rule: str, first: str, following: list[str]
) -> None:
    """Each completion ahead of time moves the todo to the day that the rule has next."""
    values = {"dueTimeZone": "Europe/Berlin"} if "T" in first else {}
    todo = await repeating(account, rule, first, **values)
    assert due(todo) == first
    for number, day in enumerate(following):
        at = todo["recurrence"]["next"][0]
        assert day in (at["date"], str(at["at"]).replace(".000000Z", "Z"))
        todo = await completed(account, todo["id"])
        assert (due(todo), todo["status"], todo["completedAt"]) == (day, "PENDING", None)
        assert todo["recurrence"]["done"] == number + 1
    assert await wrong_counts(UUID(account.id)) == {}


async def test_completing_leaves_a_copy(account: Account) -> None:
    """The copy is a completed todo with the values of its occurrence, last in its list, which repeats no more."""
    values = {
        "tags": ["home"],
        "description": "All of them",
        "estimatedMinutes": 5,
        "startDate": "2027-01-02",
        "metadata": {"a": 1},
    }
    todo = await repeating(account, "FREQ=WEEKLY", "2027-01-04", **values)
    await update(account, todo["id"], actualMinutes=7, status="IN_PROGRESS")
    payload = await complete(account, todo["id"])
    after, copy = payload["todo"], payload["completedOccurrence"]
    assert payload["errors"] == []
    assert (after["id"], after["dueDate"], after["startDate"]) == (
        todo["id"],
        "2027-01-11",
        "2027-01-09",
    )
    assert (after["status"], after["actualMinutes"]) == ("PENDING", None)
    assert copy["id"] != todo["id"]
    assert (copy["status"], copy["dueDate"], copy["startDate"]) == (
        "COMPLETED",
        "2027-01-04",
        "2027-01-02",
    )
    assert (copy["recurrence"], copy["actualMinutes"], copy["tags"]) == (
        None,
        7,
        [{"name": "home"}],
    )
    assert copy["completedAt"] is not None
    log = await fetch(
        "SELECT todo_id, action, first_seq FROM changes WHERE owner_id = $1 ORDER BY seq DESC LIMIT 2",
        UUID(account.id),
    )
    assert [(str(row["todo_id"]), row["action"]) for row in log] == [
        (copy["id"], 0),
        (todo["id"], 1),
    ]
    assert log[0]["first_seq"] == log[1]["first_seq"]
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize("road", ["todoUpdate", "todoBulkUpdate"])
async def test_all_roads_to_completion_move_on(account: Account, road: str) -> None:
    """A status that is set completes an occurrence as todoComplete does, for one todo or for many."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    plain = (await create(account))["todo"]["id"]
    if road == "todoUpdate":
        payload = await update(account, todo["id"], status="COMPLETED", title="Watered")
        assert payload["completedOccurrence"]["title"] == "Watered"
    else:
        data = await account.data(
            "mutation ($ids: [ID!]!) { todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED }) {"
            " updated results { todo { id status dueDate } } } }",
            ids=[todo["id"], plain],
        )
        assert data["todoBulkUpdate"] == {
            "updated": 2,
            "results": [
                {"todo": {"id": todo["id"], "status": "PENDING", "dueDate": "2027-01-05"}},
                {"todo": {"id": plain, "status": "COMPLETED", "dueDate": None}},
            ],
        }
    past = (await account.data(PAST, id=todo["id"]))["todo"]["recurrence"]["past"]
    assert past["totalCount"] == 1
    assert [node["dueDate"] for node in past["nodes"]] == ["2027-01-04"]
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_dry_run_of_a_completion_leaves_nothing(account: Account) -> None:
    """A dry run shows the next occurrence, and stores neither it nor a copy."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    data = await account.data(
        "mutation ($ids: [ID!]!) { todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED },"
        " dryRun: true) { results { todo { dueDate } } } }",
        ids=[todo["id"]],
    )
    assert data["todoBulkUpdate"]["results"] == [{"todo": {"dueDate": "2027-01-05"}}]
    assert (await account.data(TODO, id=todo["id"]))["todo"] == todo
    past = (await account.data(PAST, id=todo["id"]))["todo"]["recurrence"]["past"]
    assert past["totalCount"] == 0


async def test_what_was_created_as_completed_stays_so(account: Account) -> None:
    """A todo that is created as COMPLETED repeats only once it is opened again."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04", status="COMPLETED")
    assert (todo["status"], todo["dueDate"], todo["recurrence"]["done"]) == (
        *("COMPLETED", "2027-01-04", 0),
    )
    assert (await completed(account, todo["id"]))["version"] == todo["version"]
    reopened = (await update(account, todo["id"], status="PENDING"))["todo"]
    assert reopened["dueDate"] == "2027-01-04"
    assert due(await completed(account, todo["id"])) == "2027-01-05"


async def test_a_cancelled_todo_is_only_cancelled(account: Account) -> None:
    """A status other than COMPLETED moves no date."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    payload = await update(account, todo["id"], status="CANCELLED")
    assert payload["completedOccurrence"] is None
    assert (payload["todo"]["status"], payload["todo"]["dueDate"]) == ("CANCELLED", "2027-01-04")


@pytest.mark.parametrize("mode", ["SCHEDULE", "COMPLETION"])
async def test_the_last_occurrence_completes_the_todo(account: Account, mode: str) -> None:
    """A todo whose rule has no further day is completed itself, without a copy, and keeps its rule."""
    todo = await repeating(account, "FREQ=DAILY;COUNT=2", "2027-01-04", recurrence={"mode": mode})
    assert (await completed(account, todo["id"]))["status"] == "PENDING"
    payload = await complete(account, todo["id"])
    assert payload["completedOccurrence"] is None
    after = payload["todo"]
    assert (after["status"], after["recurrence"]["done"]) == ("COMPLETED", 2)
    assert after["recurrence"]["next"] == []
    assert (await update(account, todo["id"], status="PENDING"))["todo"]["dueDate"] == after[
        "dueDate"
    ]
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize("catches_up", [False, True])
async def test_what_was_missed_is_left_out_unless_it_is_to_be_caught_up(
    account: Account, catches_up: bool
) -> None:
    """A late completion leads past today; with catchesUp it leads to the day after the one that was due."""
    today = datetime.now(UTC).date()
    first = today - timedelta(9)
    todo = await repeating(account, "FREQ=DAILY", str(first), recurrence={"catchesUp": catches_up})
    expected = first + timedelta(1) if catches_up else today + timedelta(1)
    assert due(await completed(account, todo["id"])) == str(expected)


async def test_completion_mode_counts_from_the_day_of_completion(account: Account) -> None:
    """The next due date is an interval after the completion, whatever was due, at the same time of day."""
    todo = await repeating(
        account,
        *("FREQ=WEEKLY;INTERVAL=2", "2027-05-05T07:15:00Z"),
        dueTimeZone="Asia/Tokyo",
        recurrence={"mode": "COMPLETION"},
    )
    expected = (datetime.now(UTC) + timedelta(hours=9)).date() + timedelta(14)
    assert due(await completed(account, todo["id"])) == f"{expected}T07:15:00Z"


async def test_subtasks_are_to_be_done_again(account: Account) -> None:
    """The subtasks of a repeating todo are PENDING at its next occurrence, each by a change of its own."""
    todo = await repeating(account, "FREQ=WEEKLY", "2027-01-04")
    child = await subtask(account, todo["id"])
    grandchild = await subtask(account, child)
    await completed(account, child)
    payload = await complete(account, todo["id"])
    assert payload["errors"] == []
    assert await statuses(account, child, grandchild) == ["PENDING", "PENDING"]
    assert await wrong_counts(UUID(account.id)) == {}
    # Undone, they are as they were.
    undone = (await account.data(UNDO, cursor=payload["undoCursor"]))["todoUndo"]
    assert [result["errors"] for result in undone["results"]] == [[], [], [], []]
    assert await statuses(account, child, grandchild) == ["COMPLETED", "COMPLETED"]
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_repeating_subtask_ends_with_its_parent(account: Account) -> None:
    """A subtask that is completed since its parent is leaves no copy, and moves to no other day."""
    parent = (await create(account))["todo"]["id"]
    child = await repeating(account, "FREQ=DAILY", "2027-01-04", to={"parentId": parent})
    await completed(account, parent)
    after = (await account.data(TODO, id=child["id"]))["todo"]
    assert (after["status"], after["dueDate"]) == ("COMPLETED", "2027-01-04")
    # By itself it goes on, and its copy is at the top.
    await update(account, child["id"], status="PENDING")
    copy = (await complete(account, child["id"]))["completedOccurrence"]["id"]
    data = await account.data("query ($id: ID!) { todo(id: $id) { parent { id } } }", id=copy)
    assert data["todo"]["parent"] is None
    assert await wrong_counts(UUID(account.id)) == {}


async def test_skipping_moves_on_without_a_copy(account: Account) -> None:
    """A skipped occurrence isn't counted, and leaves nothing; the last one can't be skipped."""
    todo = await repeating(account, "FREQ=DAILY;COUNT=2", "2027-01-04", startDate="2027-01-03")
    payload = (await account.data(SKIP, id=todo["id"]))["todoSkip"]
    assert payload["errors"] == []
    after = payload["todo"]
    assert (after["dueDate"], after["startDate"], after["recurrence"]["done"]) == (
        *("2027-01-05", "2027-01-04", 0),
    )
    payload = (await account.data(SKIP, id=todo["id"]))["todoSkip"]
    assert codes(payload) == [("INVALID", ["id"])]
    assert "last one" in payload["errors"][0]["message"]
    stale = (await account.data(SKIP, id=todo["id"], version=1))["todoSkip"]
    assert codes(stale) == [("CONFLICT", ["expectedVersion"])]
    past = (await account.data(PAST, id=todo["id"]))["todo"]["recurrence"]["past"]
    assert past["totalCount"] == 0
    assert await wrong_counts(UUID(account.id)) == {}


async def test_what_does_not_repeat_cannot_be_skipped(account: Account) -> None:
    """TodoSkip refuses a todo that doesn't repeat, one that isn't open, and one that isn't there."""
    plain = (await create(account))["todo"]["id"]
    done = await repeating(account, "FREQ=DAILY", "2027-01-04", status="COMPLETED")
    for id, expected in [
        (plain, ("INVALID", ["id"])),
        (done["id"], ("INVALID", ["id"])),
        (str(uuid4()), ("NOT_FOUND", ["id"])),
    ]:
        assert codes((await account.data(SKIP, id=id))["todoSkip"]) == [expected]


async def test_the_snooze_ends_with_the_occurrence(account: Account) -> None:
    """A todo that was put off is shown again once it is completed or skipped."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    for move in (COMPLETE, SKIP):
        await fetch(
            "INSERT INTO snoozes (owner_id, todo_id, person_id, until)"
            " VALUES ($1, $2, $1, now() + interval '1 day')",
            *(UUID(account.id), UUID(todo["id"])),
        )
        await account.data(move, id=todo["id"])
        rows = await fetch("SELECT FROM snoozes WHERE todo_id = $1", UUID(todo["id"]))
        assert rows == []


async def test_reminders_follow_the_occurrence(account: Account) -> None:
    """A relative reminder fires for the next occurrence once one is completed, and the copy has none."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    await add(account, todo["id"], relative("PT9H"))
    payload = await complete(account, todo["id"])
    reminders = "query ($id: ID!) { todo(id: $id) { reminders { firesAt } } }"
    found = (await account.data(reminders, id=todo["id"]))["todo"]["reminders"]
    assert [one["firesAt"] for one in found] == ["2027-01-05T09:00:00.000000Z"]
    copy = payload["completedOccurrence"]["id"]
    assert (await account.data(reminders, id=copy))["todo"]["reminders"] == []


async def test_a_retry_of_a_completion_is_a_conflict(account: Account) -> None:
    """Whoever sends a completion again, with the version that was seen, is shown what is stored."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    await complete(account, todo["id"], todo["version"])
    again = await complete(account, todo["id"], todo["version"])
    assert codes(again) == [("CONFLICT", ["expectedVersion"])]
    assert again["errors"][0]["current"]["id"] == todo["id"]
    past = (await account.data(PAST, id=todo["id"]))["todo"]["recurrence"]["past"]
    assert past["totalCount"] == 1


async def test_of_twenty_racers_one_takes_the_step(account: Account) -> None:
    """One of those who complete a version of a todo at once does, and all others are shown what is stored."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    payloads = await asyncio.gather(*(complete(account, todo["id"], 1) for _ in range(20)))
    won = [payload for payload in payloads if not payload["errors"]]
    assert [payload["todo"]["dueDate"] for payload in won] == ["2027-01-05"]
    lost = [payload for payload in payloads if payload["errors"]]
    assert len(lost) == 19
    assert {error["code"] for payload in lost for error in payload["errors"]} == {"CONFLICT"}
    assert {payload["errors"][0]["current"]["id"] for payload in lost} == {todo["id"]}
    past = (await account.data(PAST, id=todo["id"]))["todo"]["recurrence"]["past"]
    assert past["totalCount"] == 1
    assert await wrong_counts(UUID(account.id)) == {}


async def test_past_occurrences_are_paged(account: Account) -> None:
    """The copies are listed newest first, page by page, without those in the trash."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    for _ in range(4):
        await completed(account, todo["id"])
    first = (await account.data(PAST, id=todo["id"], first=3))["todo"]["recurrence"]["past"]
    assert [node["dueDate"] for node in first["nodes"]] == [
        *("2027-01-07", "2027-01-06", "2027-01-05"),
    ]
    assert first["totalCount"] == 4
    assert first["pageInfo"]["hasNextPage"]
    await account.data(
        "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }",
        id=first["nodes"][0]["id"],
    )
    cursor = first["pageInfo"]["endCursor"]
    rest = (await account.data(PAST, id=todo["id"], first=3, after=cursor))["todo"]["recurrence"]
    assert [node["dueDate"] for node in rest["past"]["nodes"]] == ["2027-01-04"]
    assert rest["past"]["totalCount"] == 3
    assert not rest["past"]["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never"),
        ("FREQ=DAILY;BYHOUR=9", "BYHOUR"),
        ("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO"),
        ("FREQ=HOURLY", "FREQ"),
        ("FREQ=DAILY; COUNT=3", "no part of a rule"),
        ("FREQ=DAILY;UNTIL=20270101", "no day"),
        ("X" * 501, "500"),
        ("", "empty"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused_with_its_path(
    account: Account, rule: str, reason: str
) -> None:
    """A refused rule is an error at the rule, in each mutation that takes one; a preview refuses it, too."""
    recurrence = {"rule": rule}
    payload = await create(account, recurrence=recurrence, dueDate="2027-02-01")
    assert codes(payload) == [("INVALID", ["input", "recurrence", "rule"])]
    assert reason in payload["errors"][0]["message"]
    todo = (await create(account, dueDate="2027-02-01"))["todo"]["id"]
    payload = await update(account, todo, recurrence=recurrence)
    assert codes(payload) == [("INVALID", ["input", "recurrence", "rule"])]
    data = await account.data(
        f"mutation ($inputs: [TodoCreateInput!]!) {{ todoBulkCreate(inputs: $inputs) {{"
        f" results {{ {ERRORS} }} }} }}",
        inputs=[{"title": "A", "recurrence": recurrence, "dueDate": "2027-02-01"}],
    )
    [result] = data["todoBulkCreate"]["results"]
    assert codes(result) == [("INVALID", ["inputs", "0", "recurrence", "rule"])]
    answer = await account.execute(PREVIEW, {"input": recurrence, "dueDate": "2027-02-01"})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert reason in answer["errors"][0]["message"]


async def test_days_of_a_schedule_do_not_count_from_completion(account: Account) -> None:
    """COMPLETION refuses the parts of a rule that name days."""
    recurrence = {"rule": "FREQ=WEEKLY;BYDAY=MO", "mode": "COMPLETION"}
    payload = await create(account, recurrence=recurrence, dueDate="2027-02-01")
    assert codes(payload) == [("INVALID", ["input", "recurrence", "rule"])]


async def test_a_due_date_outside_the_rule_moves_to_its_first_day(account: Account) -> None:
    """The first due date is a day of the rule; without one that is sent, it is one from today on."""
    todo = await repeating(account, "FREQ=WEEKLY;BYDAY=MO;COUNT=3", "2027-01-01")
    assert (todo["dueDate"], todo["recurrence"]["anchor"]) == ("2027-01-04", "2027-01-04")
    todo = await repeating(
        account, "FREQ=DAILY;INTERVAL=3", "2027-01-01T09:00:00Z", dueTimeZone="Asia/Tokyo"
    )
    assert (due(todo), todo["dueTimeZone"]) == ("2027-01-01T09:00:00Z", "Asia/Tokyo")
    assert todo["recurrence"]["timeZone"] == "Asia/Tokyo"
    await account.data(SET_ZONE, zone="Pacific/Kiritimati")
    todo = await repeating(account, "FREQ=DAILY")
    today = (datetime.now(UTC) + timedelta(hours=14)).date()
    assert todo["dueDate"] == str(today)
    assert todo["recurrence"]["timeZone"] == "Pacific/Kiritimati"
    plain = (await create(account))["todo"]["id"]
    assert (await update(account, plain, recurrence={"rule": "FREQ=DAILY"}))["todo"][
        "dueDate"
    ] == str(today)


async def test_putting_one_occurrence_off_leaves_the_pattern(account: Account) -> None:
    """A due date that is changed alone is that of one occurrence; the next ones are those of the rule."""
    todo = await repeating(account, "FREQ=WEEKLY", "2027-01-04")
    moved = (await update(account, todo["id"], dueDate="2027-01-06"))["todo"]
    assert moved["recurrence"]["anchor"] == "2027-01-04"
    assert due(await completed(account, todo["id"])) == "2027-01-11"


async def test_a_rule_that_changes_begins_at_the_due_date(account: Account) -> None:
    """Another rule counts from the due date on; the same one, or another mode, goes on as it did."""
    todo = await repeating(account, "FREQ=MONTHLY", "2027-01-31")
    moved = await completed(account, todo["id"])
    same = (await update(account, todo["id"], recurrence={"rule": "freq=monthly;"}))["todo"]
    assert same["version"] == moved["version"]
    stored = {"rule": moved["recurrence"]["rule"], "catchesUp": True}
    other = (await update(account, todo["id"], recurrence=stored))["todo"]["recurrence"]
    assert (other["anchor"], other["done"], other["catchesUp"]) == ("2027-01-31", 1, True)
    new = (await update(account, todo["id"], recurrence={"rule": "FREQ=WEEKLY"}))["todo"]
    assert (new["recurrence"]["anchor"], new["recurrence"]["done"]) == ("2027-02-28", 0)
    assert [one["date"] for one in new["recurrence"]["next"]] == ["2027-03-07", "2027-03-14"]
    none = (await update(account, todo["id"], recurrence=None))["todo"]
    assert (none["recurrence"], none["dueDate"]) == (None, "2027-02-28")
    assert (await completed(account, todo["id"]))["status"] == "COMPLETED"


async def test_a_repeating_todo_keeps_a_due_date(account: Account) -> None:
    """The due date can be cleared only together with the recurrence."""
    todo = await repeating(account, "FREQ=WEEKLY", "2027-01-04T10:00:00Z")
    payload = await update(account, todo["id"], dueAt=None)
    assert codes(payload) == [("INVALID", ["input", "dueAt"])]
    payload = await update(account, todo["id"], dueAt=None, recurrence=None)
    assert payload["errors"] == []
    assert (payload["todo"]["dueAt"], payload["todo"]["recurrence"]) == (None, None)


@pytest.mark.parametrize(
    ("due_values", "start_values", "expected"),
    [
        (
            {"dueDate": "2027-01-31"},
            {"startDate": "2027-01-29"},
            {"dueDate": "2027-02-28", "startDate": "2027-02-26"},
        ),
        (
            {"dueAt": "2027-03-24T08:00:00Z", "dueTimeZone": "Europe/Berlin"},
            {"startAt": "2027-03-24T07:00:00Z"},
            {"dueAt": "2027-03-31T07:00:00.000000Z", "startAt": "2027-03-31T06:00:00.000000Z"},
        ),
        (
            {"dueAt": "2027-03-24T08:00:00Z", "dueTimeZone": "Europe/Berlin"},
            {"startDate": "2027-03-20"},
            {"dueAt": "2027-03-31T07:00:00.000000Z", "startDate": "2027-03-27"},
        ),
    ],
)
async def test_the_start_stays_as_long_before_the_due(
    account: Account,
    due_values: dict[str, str],
    start_values: dict[str, str],
    expected: dict[str, str],
) -> None:
    """The start moves with the due date, by what clocks show, over changes of the clock, too."""
    rule = "FREQ=MONTHLY" if "dueDate" in due_values else "FREQ=WEEKLY"
    todo = await repeating(account, rule, **due_values, **start_values)
    after = await completed(account, todo["id"])
    assert {name: after[name] for name in expected} == expected


async def test_a_start_at_the_beginning_of_the_calendar_stays(account: Account) -> None:
    """A start that can't move to an earlier day stays where it is."""
    todo = await repeating(
        account,
        *("FREQ=DAILY", "2099-01-01"),
        startDate="0001-01-01",
        recurrence={"mode": "COMPLETION"},
    )
    assert (await completed(account, todo["id"]))["startDate"] == "0001-01-01"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"input": {"rule": "FREQ=MONTHLY"}, "dueDate": "2026-01-31", "first": 4},
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        ),
        (
            {"input": {"rule": "FREQ=WEEKLY;BYDAY=MO;COUNT=2"}, "dueDate": "2027-01-01"},
            ["2027-01-04", "2027-01-11"],
        ),
        (
            {
                "input": {"rule": "FREQ=DAILY", "timeZone": "Europe/Berlin"},
                "dueAt": "2027-03-27T01:30:00Z",
                "first": 3,
            },
            ["2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"],
        ),
        (
            {
                "input": {"rule": "FREQ=MONTHLY;COUNT=3", "mode": "COMPLETION"},
                "dueDate": "2027-01-31",
            },
            ["2027-01-31", "2027-02-28", "2027-03-28"],
        ),
        ({"input": {"rule": "FREQ=DAILY"}, "dueDate": "9999-12-31"}, ["9999-12-31"]),
    ],
)
async def test_a_preview_shows_the_first_due_dates(
    account: Account, variables: dict[str, Any], expected: list[str]
) -> None:
    """A preview has the first due date and those that follow it, without storing anything."""
    found = (await account.data(PREVIEW, **variables))["recurrencePreview"]
    shown = [(one["at"] or one["date"]).replace(".000000Z", "Z") for one in found]
    assert shown == expected


async def test_a_preview_is_limited(account: Account) -> None:
    """A preview has 5 due dates unless asked for another number up to 100, and takes one due date."""
    variables: dict[str, Any] = {"input": {"rule": "FREQ=DAILY"}}
    today = datetime.now(UTC).date()
    found = (await account.data(PREVIEW, **variables))["recurrencePreview"]
    assert [one["date"] for one in found] == [str(today + timedelta(day)) for day in range(5)]
    assert len((await account.data(PREVIEW, **variables, first=100))["recurrencePreview"]) == 100
    for wrong in (
        {"first": 0},
        {"first": 101},
        {"dueDate": "2027-01-01", "dueAt": "2027-01-01T00:00:00Z"},
    ):
        answer = await account.execute(PREVIEW, variables | wrong)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_the_log_has_the_recurrence(account: Account) -> None:
    """The change log has a recurrence as one value, before and after, and in a new todo's entry."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    await completed(account, todo["id"])
    data = await account.data(
        "query ($id: ID!) { todo(id: $id) { history { nodes { action fields { name before after } } } } }",
        id=todo["id"],
    )
    step, new = data["todo"]["history"]["nodes"]
    stored = {
        "rule": "FREQ=DAILY",
        "mode": "SCHEDULE",
        "timeZone": "UTC",
        "anchor": "2027-01-04",
        "time": None,
        "done": 0,
        "catchesUp": False,
    }
    assert {"name": "recurrence", "before": None, "after": stored} in new["fields"]
    assert step == {
        "action": "UPDATED",
        "fields": [
            {"name": "dueDate", "before": "2027-01-04", "after": "2027-01-05"},
            {"name": "recurrence", "before": stored, "after": stored | {"done": 1}},
        ],
    }


async def test_repeating_todos_are_filtered(account: Account) -> None:
    """IsRecurring finds the todos that repeat, or all others: completed copies are among these."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    copy = (await complete(account, todo["id"]))["completedOccurrence"]["id"]
    for value, expected in ((True, [todo["id"]]), (False, [copy])):
        data = await account.data(
            "query ($value: Boolean) { todos(filter: { isRecurring: $value }) { nodes { id } } }",
            value=value,
        )
        assert [node["id"] for node in data["todos"]["nodes"]] == expected


async def test_a_subscription_follows_what_repeats(account: Account, address: str) -> None:
    """A filtered subscription is sent a todo that repeats no more, and one that begins to."""
    async with connected(address, account.token) as one:
        await one.subscribe(filter={"isRecurring": True})
        await one.settled()
        todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
        events = await one.changes(1)
        await update(account, todo["id"], recurrence=None)
        events += await one.changes(1)
        await update(account, todo["id"], title="Not any more")
        await update(account, todo["id"], recurrence={"rule": "FREQ=WEEKLY"})
        events += await one.changes(1)
    assert [event["matches"] for event in events] == [True, False, True]


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ({"startDate": "2999-01-05"}, "2999-01-11"),
        ({"startAt": "2999-01-11T23:00:00Z"}, "2999-01-18"),
        ({"startDate": "2026-01-05"}, None),
    ],
)
async def test_what_has_no_due_date_is_due_from_its_start_on(
    account: Account, start: dict[str, str], first: str | None
) -> None:
    """A recurrence alone has its first day on or after today and the start, in the writer's zone."""
    await account.data(SET_ZONE, zone="Europe/Berlin")
    recurrence = {"rule": "FREQ=WEEKLY;BYDAY=FR"}
    made = (await create(account, recurrence=recurrence, **start))["todo"]
    plain = (await create(account, **start))["todo"]
    changed = (await update(account, plain["id"], recurrence=recurrence))["todo"]
    assert made["dueDate"] == changed["dueDate"]
    assert first in (None, made["dueDate"])
    assert made["dueDate"] >= max(datetime.now(UTC).date().isoformat(), *start.values())[:10]
    assert made["recurrence"]["anchor"] == made["dueDate"]
