"""Days and moments of todos: which go together, what follows from them, and in which zone they count."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import ERRORS, Account
from tests.support.clocks import Clock
from tests.support.recounts import wrong_counts
from todo_gql.api.time_zones import time_zone
from todo_gql.database.connection import fetchrow
from todo_gql.features.todos import state

DATES = "dueAt dueDate dueTimeZone startAt startDate"
SET_ZONE = """
mutation ($zone: TimeZone) { profileUpdate(input: { timeZone: $zone }) { errors { code } } }
"""
CREATE = (
    "mutation ($input: TodoCreateInput!) { todoCreate(input: $input) {"
    f" todo {{ id version isOverdue {DATES} }} {ERRORS} }} }}"
)
CREATE_MANY = (
    "mutation ($inputs: [TodoCreateInput!]!) { todoBulkCreate(inputs: $inputs, onError: SKIP_FAILED) {"
    f" results {{ todo {{ {DATES} }} {ERRORS} }} }} }}"
)
UPDATE = (
    "mutation ($id: ID!, $input: TodoUpdateInput!) { todoUpdate(id: $id, input: $input) {"
    f" todo {{ id version isOverdue {DATES} }} {ERRORS} }} }}"
)
HISTORY = """
query ($id: ID!) {
  todo(id: $id) { history(first: 1) { nodes { action fields { name before after } } } }
}
"""
WHEREVER = """
query ($id: ID!) {
  todo(id: $id) { isOverdue history(first: 2) { nodes { todo { isOverdue } } } }
  node(id: $id) { ... on Todo { isOverdue } }
  nodes(ids: [$id]) { ... on Todo { isOverdue } }
  todos { nodes { isOverdue } }
}
"""
CONFLICT = """
mutation ($id: ID!) {
  todoUpdate(id: $id, input: {}, expectedVersion: 99) {
    errors { ... on ConflictError { current { ... on Todo { isOverdue } } } }
  }
}
"""
SORTED = """
query ($sort: [TodoSort!], $first: Int, $after: String, $last: Int, $before: String) {
  todos(sort: $sort, first: $first, after: $after, last: $last, before: $before) {
    nodes { title } pageInfo { hasNextPage endCursor }
  }
}
"""
NONE = dict.fromkeys(DATES.split())
MOMENT, LATER = "2027-03-05T12:00:00.000000Z", "2027-03-06T12:00:00.000000Z"
DAY, NEXT_DAY = "2027-03-05", "2027-03-06"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of operations."""
    return Clock(monkeypatch)


async def create(account: Account, **values: Any) -> dict[str, Any]:
    """The payload of creating a todo."""
    data = await account.data(CREATE, input={"title": "A", **values})
    return dict(data["todoCreate"])


async def created(account: Account, **values: Any) -> str:
    """The id of a new todo."""
    payload = await create(account, **values)
    assert payload["errors"] == []
    return str(payload["todo"]["id"])


async def update(account: Account, id: str, **values: Any) -> dict[str, Any]:
    """The payload of updating a todo."""
    return dict((await account.data(UPDATE, id=id, input=values))["todoUpdate"])


def dates(payload: dict[str, Any]) -> dict[str, Any]:
    """The dates of a todo that has any, in a payload without errors."""
    assert payload["errors"] == []
    return {name: payload["todo"][name] for name in NONE if payload["todo"][name] is not None}


async def days(id: str) -> tuple[str, str]:
    """The days on which a todo is due and starts, as they are stored."""
    row = await fetchrow("SELECT due_on, start_on FROM todos WHERE id = $1", UUID(id))
    assert row is not None
    return str(row["due_on"]), str(row["start_on"])


@pytest.mark.parametrize(
    "sent",
    [
        {"dueDate": DAY},
        {"dueAt": MOMENT},
        {"dueAt": MOMENT, "dueTimeZone": "Asia/Tokyo"},
        {"startDate": DAY},
        {"startAt": MOMENT},
        {"startAt": MOMENT, "dueAt": MOMENT},
        {"startDate": DAY, "dueDate": DAY},
        {"startDate": DAY, "dueAt": MOMENT, "dueTimeZone": "Europe/Berlin"},
        {"startAt": MOMENT, "dueDate": DAY},
        {"dueDate": "0001-01-01"},
        {"dueDate": "9999-12-31", "startDate": "0001-01-01"},
        {"dueAt": "0001-01-01T00:00:00.000001Z", "dueTimeZone": "America/Lima"},
        {"dueAt": "9999-12-31T23:59:59.999998Z", "dueTimeZone": "Asia/Tokyo"},
    ],
)
async def test_dates_are_stored_logged_and_cleared(account: Account, sent: dict[str, Any]) -> None:
    """Dates read as they were sent, by each mutation that sets them, and so does their log."""
    payload = await create(account, **sent)
    assert dates(payload) == sent
    id = payload["todo"]["id"]
    [result] = (await account.data(CREATE_MANY, inputs=[{"title": "B", **sent}]))["todoBulkCreate"][
        "results"
    ]
    assert result == {"todo": NONE | sent, "errors": []}
    expected = [{"name": name, "before": None, "after": sent[name]} for name in sorted(sent)]
    [change] = (await account.data(HISTORY, id=id))["todo"]["history"]["nodes"]
    assert [field for field in change["fields"] if field["name"] in NONE] == expected
    assert dates(await update(account, id, **sent)) == sent
    assert dates(await update(account, id, **NONE)) == {}
    payload = await update(account, id, **sent)
    assert (dates(payload), payload["todo"]["version"]) == (sent, 3)
    [change] = (await account.data(HISTORY, id=id))["todo"]["history"]["nodes"]
    assert (change["action"], change["fields"]) == ("UPDATED", expected)
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize(
    ("stored", "sent", "expected"),
    [
        ({"dueAt": MOMENT}, {"dueDate": DAY}, {"dueDate": DAY}),
        ({"dueAt": MOMENT, "dueTimeZone": "Asia/Tokyo"}, {"dueDate": DAY}, {"dueDate": DAY}),
        ({"dueDate": DAY}, {"dueAt": MOMENT}, {"dueAt": MOMENT}),
        ({"dueDate": DAY}, {"dueAt": MOMENT, "dueDate": None}, {"dueAt": MOMENT}),
        ({"dueDate": DAY}, {"dueAt": None}, {"dueDate": DAY}),
        ({"dueAt": MOMENT}, {"dueDate": None}, {"dueAt": MOMENT}),
        ({"dueAt": MOMENT, "dueTimeZone": "Asia/Tokyo"}, {"dueAt": None}, {}),
        (
            {"dueAt": MOMENT, "dueTimeZone": "Asia/Tokyo"},
            {"dueAt": LATER},
            {"dueAt": LATER, "dueTimeZone": "Asia/Tokyo"},
        ),
        (
            {"dueAt": MOMENT},
            {"dueTimeZone": "Asia/Tokyo"},
            {"dueAt": MOMENT, "dueTimeZone": "Asia/Tokyo"},
        ),
        (
            {"dueAt": MOMENT, "dueTimeZone": "Asia/Tokyo"},
            {"dueTimeZone": None},
            {"dueAt": MOMENT},
        ),
        ({"dueDate": DAY}, {"dueTimeZone": None}, {"dueDate": DAY}),
        ({"startAt": MOMENT}, {"startDate": DAY}, {"startDate": DAY}),
        ({"startDate": DAY}, {"startAt": MOMENT}, {"startAt": MOMENT}),
    ],
)
async def test_a_moment_and_a_day_take_turns(
    account: Account, stored: dict[str, Any], sent: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A day clears the moment and a moment the day; a zone goes with the moment that it is of."""
    id = await created(account, **stored)
    assert dates(await update(account, id, **sent)) == expected
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"dueAt": MOMENT, "dueDate": DAY}, "dueDate"),
        ({"startAt": MOMENT, "startDate": DAY}, "startDate"),
        ({"dueTimeZone": "Asia/Tokyo"}, "dueTimeZone"),
        ({"dueDate": DAY, "dueTimeZone": "Asia/Tokyo"}, "dueTimeZone"),
        ({"dueAt": MOMENT, "startAt": LATER}, "startAt"),
        ({"dueAt": MOMENT, "startAt": "2027-03-05T12:00:00.000001Z"}, "startAt"),
        ({"dueAt": MOMENT, "startDate": NEXT_DAY}, "startDate"),
        ({"dueDate": DAY, "startDate": NEXT_DAY}, "startDate"),
        ({"dueDate": DAY, "startAt": LATER}, "startAt"),
        # In Honolulu it is still the day before.
        (
            {
                "dueAt": "2027-03-06T01:00:00.000000Z",
                "dueTimeZone": "Pacific/Honolulu",
                "startDate": NEXT_DAY,
            },
            "startDate",
        ),
    ],
)
async def test_dates_that_exclude_each_other_are_refused(
    account: Account, sent: dict[str, Any], field: str
) -> None:
    """A moment and a day at once, a zone of nothing and a start after the due date are refused at the later field."""
    payload = await create(account, **sent)
    error = ("INVALID", ["input", field])
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [error]
    results = (await account.data(CREATE_MANY, inputs=[{"title": "B"}, {"title": "C", **sent}]))[
        "todoBulkCreate"
    ]["results"]
    assert [[(one["code"], one["path"]) for one in result["errors"]] for result in results] == [
        [],
        [("INVALID", ["inputs", "1", field])],
    ]
    id = await created(account)
    payload = await update(account, id, **sent)
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [error]
    assert dates(await update(account, id, title="Another")) == {}


@pytest.mark.parametrize(
    ("stored", "sent", "field"),
    [
        ({"dueDate": DAY}, {"dueTimeZone": "Asia/Tokyo"}, "dueTimeZone"),
        (
            {"dueAt": MOMENT, "dueTimeZone": "Asia/Tokyo"},
            {"dueAt": None, "dueTimeZone": "Europe/Berlin"},
            "dueTimeZone",
        ),
        ({"startDate": NEXT_DAY}, {"dueDate": DAY}, "dueDate"),
        ({"startAt": LATER}, {"dueAt": MOMENT}, "dueAt"),
        ({"dueDate": DAY}, {"startAt": LATER}, "startAt"),
        (
            {"startDate": NEXT_DAY, "dueAt": "2027-03-06T01:00:00.000000Z"},
            {"dueTimeZone": "Pacific/Honolulu"},
            "dueTimeZone",
        ),
    ],
)
async def test_an_update_is_refused_by_what_is_stored(
    account: Account, stored: dict[str, Any], sent: dict[str, Any], field: str
) -> None:
    """What is sent has to go with the dates that stay; the error is at what was sent."""
    id = await created(account, **stored)
    payload = await update(account, id, **sent)
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [
        ("INVALID", ["input", field])
    ]
    payload = await update(account, id, title="Another")
    assert (dates(payload), payload["todo"]["version"]) == (stored, 2)


async def test_a_moment_has_its_writers_zone(account: Account) -> None:
    """A moment without a zone gets that of the profile, and has it when the profile gets another."""
    await account.data(SET_ZONE, zone="Asia/Tokyo")
    due = {"dueAt": "2027-03-05T20:00:00.000000Z"}
    payload = await create(account, **due)
    tokyo = due | {"dueTimeZone": "Asia/Tokyo"}
    assert dates(payload) == tokyo
    timed = payload["todo"]["id"]
    dated = await created(account, dueDate=DAY)
    assert await days(timed) == ("2027-03-06", "None")
    assert await days(dated) == ("2027-03-05", "None")
    await account.data(SET_ZONE, zone="America/Lima")
    payload = await update(account, timed, **due)
    assert (dates(payload), payload["todo"]["version"]) == (tokyo, 1)
    payload = await update(account, timed, dueAt=LATER)
    assert dates(payload) == {"dueAt": LATER, "dueTimeZone": "Asia/Tokyo"}
    payload = await update(account, dated, **due)
    assert dates(payload) == due | {"dueTimeZone": "America/Lima"}
    [result] = (await account.data(CREATE_MANY, inputs=[{"title": "B", **due}]))["todoBulkCreate"][
        "results"
    ]
    assert result["todo"] == NONE | due | {"dueTimeZone": "America/Lima"}
    await account.data(SET_ZONE, zone=None)
    assert dates(await create(account, **due)) == due


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Asia/Tokyo", "Europe/Berlin", None])
async def test_a_moment_beside_a_day_is_on_the_writers_day(
    account: Account, zone: str | None
) -> None:
    """A start at the last moment of the day that a todo is due is no start after it."""
    await account.data(SET_ZONE, zone=zone)
    end = datetime(2027, 3, 6, tzinfo=time_zone(zone)).astimezone(UTC)
    last = end - timedelta(microseconds=1)
    assert (await create(account, dueDate=DAY, startAt=last.isoformat()))["errors"] == []
    [error] = (await create(account, dueDate=DAY, startAt=end.isoformat()))["errors"]
    assert error["path"] == ["input", "startAt"]


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Africa/Cairo", "Australia/Lord_Howe"])
async def test_days_follow_from_the_packaged_zones(
    account: Account, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """The stored day of a moment is that of the program's database of zones, whatever PostgreSQL's says."""
    moment = datetime(2027, 4, 30, 3, 30, tzinfo=UTC)
    sent = {"dueAt": moment.isoformat(), "startAt": moment.isoformat(), "dueTimeZone": zone}
    expected = str(moment.astimezone(time_zone(zone)).date())
    assert await days(await created(account, **sent)) == (expected, expected)
    west = timezone(timedelta(hours=-12))
    monkeypatch.setattr(state, "time_zone", lambda _name: west)
    id = await created(account, **sent)
    assert await days(id) == ("2027-04-29", "2027-04-29")
    # On the same day as before.
    await update(account, id, dueAt=(moment + timedelta(minutes=5)).isoformat())
    assert await days(id) == ("2027-04-29", "2027-04-29")
    await update(account, id, dueAt=(moment + timedelta(days=1)).isoformat())
    assert await days(id) == ("2027-04-30", "2027-04-29")


@pytest.mark.parametrize(
    ("stored", "due_at", "expected"),
    [
        ({"dueDate": DAY}, LATER, ({"dueAt": LATER}, NEXT_DAY)),
        ({"dueAt": MOMENT, "dueTimeZone": "Asia/Tokyo"}, None, ({}, "None")),
        (
            {"dueAt": MOMENT, "dueTimeZone": "Asia/Tokyo"},
            "2027-03-05T20:00:00.000000Z",
            (
                {"dueAt": "2027-03-05T20:00:00.000000Z", "dueTimeZone": "Asia/Tokyo"},
                NEXT_DAY,
            ),
        ),
        ({"dueAt": MOMENT}, "2027-03-05T20:00:00.000000Z", None),
    ],
)
async def test_the_release_before_moves_a_due_date(
    account: Account,
    stored: dict[str, Any],
    due_at: str | None,
    expected: tuple[dict[str, Any], str] | None,
) -> None:
    """A write that knows moments only leaves dates that go together, and their day."""
    id = await created(account, **stored)
    await fetchrow(
        "UPDATE todos SET due_at = $2::text::timestamptz WHERE id = $1", UUID(id), due_at
    )
    payload = await update(account, id, title="Another")
    after, day = expected or ({"dueAt": due_at}, DAY)
    assert (dates(payload), (await days(id))[0]) == (after, day)


async def test_what_is_overdue_follows_the_viewers_zone(account: Account, clock: Clock) -> None:
    """A todo due on a day is overdue by the zone of its viewer, wherever it is read."""
    clock.set("2026-11-29T22:30:00Z")
    for zone, is_overdue in (("Europe/Berlin", False), ("Asia/Tokyo", True), (None, False)):
        await account.data(SET_ZONE, zone=zone)
        payload = await create(account, dueDate="2026-11-29")
        id = payload["todo"]["id"]
        found = [payload["todo"], (await update(account, id, title="Another"))["todo"]]
        data = await account.data(WHEREVER, id=id)
        found += [data["todo"], data["node"], *data["nodes"], *data["todos"]["nodes"]]
        found += [change["todo"] for change in data["todo"]["history"]["nodes"]]
        found += [(await account.data(CONFLICT, id=id))["todoUpdate"]["errors"][0]["current"]]
        assert [todo["isOverdue"] for todo in found] == [is_overdue] * 9
        await account.data("mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }", id=id)


@pytest.mark.parametrize("field", ["DUE", "START"])
@pytest.mark.parametrize("nulls", ["FIRST", "LAST"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_days_sort_with_moments_first(
    account: Account, field: str, nulls: str, direction: str
) -> None:
    """Todos sort by day, on each day by moments and then those without, page by page both ways."""
    name = field.lower()
    in_order = [
        {f"{name}Date": "0001-01-01"},
        {f"{name}At": "2027-03-05T00:00:00Z"},
        {f"{name}At": "2027-03-05T23:59:59.999999Z"},
        {f"{name}Date": DAY},
        {f"{name}At": "2027-03-06T00:00:00Z"},
        {f"{name}Date": NEXT_DAY},
    ]
    inputs = [{"title": str(number), **sent} for number, sent in enumerate(in_order)]
    await account.create_many([*reversed(inputs), {"title": "never"}])
    titles = [str(number) for number in range(len(in_order))]
    expected = titles if direction == "ASC" else titles[::-1]
    expected = ["never", *expected] if nulls == "FIRST" else [*expected, "never"]
    sort = [{"field": field, "direction": direction, "nulls": nulls}]
    forwards, after = list[str](), None
    while True:
        page = (await account.data(SORTED, sort=sort, first=2, after=after))["todos"]
        forwards += [node["title"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    page = (await account.data(SORTED, sort=sort, last=5, before=after))["todos"]
    backwards = [node["title"] for node in page["nodes"]]
    assert (forwards, backwards) == (expected, expected[: len(backwards)][-5:])
