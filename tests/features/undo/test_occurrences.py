"""Undo of completed occurrences of repeating todos."""

from uuid import UUID, uuid4

from tests.support.accounts import Account
from tests.support.recounts import wrong_counts
from tests.support.repeating import (
    PAST,
    SKIP,
    TODO,
    UNDO,
    UNDO_OCCURRENCE,
    codes,
    complete,
    completed,
    create,
    repeating,
    statuses,
    subtask,
    update,
)


async def undo_occurrence(account: Account, id: str) -> dict[str, object]:
    """The payload of taking a completion back."""
    return dict((await account.data(UNDO_OCCURRENCE, id=id))["todoUndoOccurrence"])


async def copies(account: Account, id: str) -> int:
    """How many completed occurrences a todo has outside the trash."""
    todo = (await account.data(PAST, id=id))["todo"]
    return int(todo["recurrence"]["past"]["totalCount"])


async def test_a_completion_is_undone_whole(account: Account) -> None:
    """Undo of a completion moves the todo back and its copy to the trash; undone again, it is completed."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04", startDate="2027-01-01")
    payload = await complete(account, todo["id"])
    undone = (await account.data(UNDO, cursor=payload["undoCursor"]))["todoUndo"]
    assert [result["errors"] for result in undone["results"]] == [[], []]
    after = (await account.data(TODO, id=todo["id"]))["todo"]
    assert after | {"version": 1} == todo
    assert await copies(account, todo["id"]) == 0
    redone = (await account.data(UNDO, cursor=undone["undoCursor"]))["todoUndo"]
    assert [result["errors"] for result in redone["results"]] == [[], []]
    assert (await account.data(TODO, id=todo["id"]))["todo"]["dueDate"] == "2027-01-05"
    assert await copies(account, todo["id"]) == 1
    assert await wrong_counts(UUID(account.id)) == {}


async def test_an_occurrence_is_undone_by_its_copy(account: Account) -> None:
    """The todo is due, begun and repeats as before, and keeps what was changed of it since."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04", startDate="2027-01-01")
    child = await subtask(account, todo["id"])
    other = await subtask(account, todo["id"])
    await completed(account, child)
    await update(account, todo["id"], status="IN_PROGRESS", actualMinutes=5)
    copy = (await complete(account, todo["id"]))["completedOccurrence"]
    await update(account, todo["id"], title="Water all of them")
    await update(account, other, status="IN_PROGRESS")
    payload = await undo_occurrence(account, copy["id"])
    assert payload["errors"] == []
    after = payload["todo"]
    assert isinstance(after, dict)
    expected = {"dueDate": "2027-01-04", "startDate": "2027-01-01", "status": "IN_PROGRESS"}
    assert expected.items() <= after.items()
    assert (after["title"], after["actualMinutes"]) == ("Water all of them", 5)
    assert after["recurrence"]["done"] == 0
    assert await statuses(account, child, other) == ["COMPLETED", "IN_PROGRESS"]
    assert await copies(account, todo["id"]) == 0
    assert await wrong_counts(UUID(account.id)) == {}
    # Once is enough.
    assert codes(await undo_occurrence(account, copy["id"])) == [("NOT_FOUND", ["id"])]
    # It is a mutation, which is undone as others are.
    again = (await account.data(UNDO, cursor=payload["undoCursor"]))["todoUndo"]
    assert [result["errors"] for result in again["results"]] == [[], [], []]
    assert await copies(account, todo["id"]) == 1


async def test_occurrences_are_undone_last_first(account: Account) -> None:
    """An earlier completion than the last one is a conflict that shows the todo; the last one isn't."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    first = (await complete(account, todo["id"]))["completedOccurrence"]["id"]
    second = (await complete(account, todo["id"]))["completedOccurrence"]["id"]
    payload = await undo_occurrence(account, first)
    assert codes(payload) == [("CONFLICT", ["id"])]
    errors = payload["errors"]
    assert isinstance(errors, list)
    assert errors[0]["current"]["id"] == todo["id"]
    assert codes(await undo_occurrence(account, second)) == []
    payload = await undo_occurrence(account, first)
    assert isinstance(payload["todo"], dict)
    assert payload["todo"]["dueDate"] == "2027-01-04"
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_moved_or_missing_todo_is_a_conflict(account: Account) -> None:
    """A completion stays if the due date or the rule has changed since, or the todo is in the trash."""
    delete = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"
    for change in ({"dueDate": "2027-01-09"}, {"recurrence": {"rule": "FREQ=WEEKLY"}}, None):
        todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
        copy = (await complete(account, todo["id"]))["completedOccurrence"]["id"]
        if change:
            await update(account, todo["id"], **change)
        else:
            await account.data(delete, id=todo["id"])
        assert codes(await undo_occurrence(account, copy)) == [("CONFLICT", ["id"])]


async def test_only_completed_occurrences_can_be_undone(account: Account) -> None:
    """Any other todo is INVALID, and one that isn't there is NOT_FOUND."""
    plain = (await create(account))["todo"]["id"]
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    for id, code in [
        (plain, "INVALID"),
        (todo["id"], "INVALID"),
        (str(uuid4()), "NOT_FOUND"),
        ("x", "NOT_FOUND"),
    ]:
        assert codes(await undo_occurrence(account, id)) == [(code, ["id"])]


async def test_one_of_many_completions_is_undone_alone(account: Account) -> None:
    """The others of todos that were completed together stay completed."""
    first = await repeating(account, "FREQ=DAILY", "2027-01-04")
    second = await repeating(account, "FREQ=DAILY", "2027-01-04")
    await account.data(
        "mutation ($ids: [ID!]!) { todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED }) {"
        " updated } }",
        ids=[first["id"], second["id"]],
    )
    past = (await account.data(PAST, id=second["id"]))["todo"]["recurrence"]["past"]
    assert codes(await undo_occurrence(account, past["nodes"][0]["id"])) == []
    assert [
        (await account.data(TODO, id=todo["id"]))["todo"]["dueDate"] for todo in (first, second)
    ] == ["2027-01-05", "2027-01-04"]
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_skip_is_undone(account: Account) -> None:
    """Undo of a skip makes the todo due and its subtasks as they were."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    child = await subtask(account, todo["id"])
    await completed(account, child)
    cursor = (await account.data(SKIP, id=todo["id"]))["todoSkip"]["undoCursor"]
    assert await statuses(account, child) == ["PENDING"]
    undone = (await account.data(UNDO, cursor=cursor))["todoUndo"]
    assert [result["errors"] for result in undone["results"]] == [[], []]
    assert (await account.data(TODO, id=todo["id"]))["todo"]["dueDate"] == "2027-01-04"
    assert await statuses(account, child) == ["COMPLETED"]
    assert await wrong_counts(UUID(account.id)) == {}
