"""What an update changes, and what it leaves: whatever is sent, of one todo or of many."""

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from graphql import GraphQLInputObjectType
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.support.accounts import ERRORS, Account
from tests.support.operations import SCHEMA

State: TypeAlias = dict[str, Any]
"""A todo as the API shows it, its tags by their names."""

UPDATE = (
    "mutation ($id: ID!, $input: TodoUpdateInput!) {"
    f" todoUpdate(id: $id, input: $input) {{ todo {{ id }} {ERRORS} }} }}"
)
UPDATE_MANY = (
    "mutation ($ids: [ID!]!, $action: TodoBulkAction!) {"
    f" todoBulkUpdate(ids: $ids, action: $action) {{ processed updated {ERRORS} }} }}"
)
ACTION_BY_STATUS = {
    "PENDING": "REOPENED",
    "IN_PROGRESS": "STARTED",
    "COMPLETED": "COMPLETED",
    "CANCELLED": "CANCELLED",
}
# Texts that are stored with the white space around them.
AS_TYPED = {"description"}
# What follows from the other fields, and what no change row speaks of.
DERIVED = {"isOverdue", "isCompleted", "version", "updatedAt"}

printable = st.characters(codec="utf-8", exclude_categories=["Cc"])
titles = st.text(printable, min_size=1, max_size=200).filter(lambda text: text.strip())
descriptions = st.text(printable | st.sampled_from("\t\n"), max_size=300)
# So far from now that no test run makes a todo overdue.
moments = st.datetimes().filter(lambda moment: moment.year in {*range(2, 2020), *range(2100, 9999)})


def written(moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[str]:
    """Moments as the API writes them."""
    return moments.map(lambda moment: moment.isoformat(timespec="microseconds") + "Z")


# Whatever starts, starts before it is due.
due = moments.filter(lambda moment: moment.year > 1000)
starts = moments.filter(lambda moment: moment.year < 1000)
minutes = st.integers(0, 2**31 - 1)
tag_names = st.lists(st.sampled_from(["a", "b", "büro", "c", "home", "日本"]), max_size=4)
statuses = st.sampled_from(sorted(ACTION_BY_STATUS))
priorities = st.sampled_from(["LOW", "MEDIUM", "HIGH", "URGENT"])
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(printable, max_size=20)
)
values_of_json = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(printable, max_size=5), inner)
    ),
    max_leaves=8,
)
# What may be sent for each field of TodoUpdateInput, null where it clears.
SENT: dict[str, st.SearchStrategy[Any]] = {
    "title": titles,
    "description": st.none() | descriptions,
    "status": statuses,
    "priority": priorities,
    "dueAt": st.none() | written(due),
    "estimatedMinutes": st.none() | minutes,
    "actualMinutes": st.none() | minutes,
    "tags": st.none() | tag_names,
    "metadata": st.none() | st.dictionaries(st.text(printable, max_size=5), values_of_json),
    "dueDate": st.none() | due.map(lambda moment: moment.date().isoformat()),
    "dueTimeZone": st.none() | st.sampled_from(["Europe/Berlin", "Asia/Tokyo", "UTC"]),
    "startAt": st.none() | written(starts),
    "startDate": st.none() | starts.map(lambda moment: moment.date().isoformat()),
    # Each of them chooses every day. `test_recurrence.py` tries what moves the dates.
    "recurrence": st.none()
    | st.fixed_dictionaries(
        {
            "rule": st.sampled_from(["FREQ=DAILY", "FREQ=DAILY;COUNT=5"]),
            "mode": st.sampled_from(["SCHEDULE", "COMPLETION"]),
            "timeZone": st.just("UTC"),
            "catchesUp": st.booleans(),
        }
    ),
    # Who may be one follows from the list: `test_assignees.py` tries that.
    "assigneeId": st.none(),
}
OBJECTS = {
    "tags": "tags { name }",
    "recurrence": "recurrence { rule mode timeZone anchor done catchesUp }",
    "assigneeId": "assigneeId: assignee { id }",
}
# A moment, and the day in place of it.
PAIRS = (("dueAt", "dueDate"), ("startAt", "startDate"))
READ = f"""
query ($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Todo {{
      {" ".join(OBJECTS.get(name, name) for name in SENT)}
      id completedAt isOverdue isCompleted version createdAt updatedAt deletedAt
      history(first: 1) {{ nodes {{ action at fields {{ name before after }} }} }}
    }}
  }}
}}
"""
# What each action of a bulk update may be given.
ACTIONS: dict[str, st.SearchStrategy[Any]] = {
    "setStatus": statuses,
    "setPriority": priorities,
    "addTags": tag_names,
    "removeTags": tag_names,
}


def together(sent: State) -> State:
    """What can be sent at once of it.

    A moment or a day, a zone with the moment that it is of, and a recurrence with a due date, of what isn't
    completed with it.
    """
    sent = dict(sent)
    for moment, day in PAIRS:
        if sent.get(moment) and sent.get(day):
            del sent[moment]
    if not sent.get("dueAt") and sent.get("dueTimeZone"):
        del sent["dueTimeZone"]
    due_dates = [sent[name] for name in ("dueAt", "dueDate") if name in sent]
    if not any(due_dates) and (due_dates or sent.get("recurrence")):
        sent["recurrence"] = None
    return without_completion(sent) if sent.get("recurrence") else sent


def without_completion(sent: State) -> State:
    """The same if it completes nothing, so that no todo moves to another occurrence."""
    return {name: value for name, value in sent.items() if value != "COMPLETED"}


updates = st.fixed_dictionaries({}, optional=SENT).map(together)
actions = st.sampled_from(sorted(ACTIONS)).flatmap(
    lambda name: st.fixed_dictionaries({name: ACTIONS[name]})
)
# The account stays; what is in it is read before each example.
with_one_account = examples(suppress_health_check=[HealthCheck.function_scoped_fixture])


def input_fields(name: str) -> set[str]:
    """The fields of an input type."""
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLInputObjectType)
    return set(kind.fields)


async def read(account: Account, ids: Iterable[str]) -> list[State]:
    """The todos with these ids, with the newest line of their history."""
    states: list[State] = (await account.data(READ, ids=list(ids)))["nodes"]
    for state in states:
        state["tags"] = [tag["name"] for tag in state["tags"]]
        state["metadata"] = exact(state["metadata"])
        for change in state["history"]["nodes"][0]["fields"]:
            if change["name"] == "metadata":
                change |= {moment: exact(change[moment]) for moment in ("before", "after")}
            if change["name"] == "recurrence":
                for moment in ("before", "after"):
                    (change[moment] or {}).pop("time", None)
    return states


def exact(value: Any) -> Any:
    """A JSON value whose numbers are what their digits say: 1e16 and 10000000000000000 are one."""
    return json.loads(json.dumps(value), parse_int=Decimal, parse_float=Decimal)


def stored(sent: State) -> State:
    """What is to be read after this was sent: cleared where null, text and tags in normal form."""
    kept = {
        name: value.strip() if isinstance(value, str) and name not in AS_TYPED else value
        for name, value in sent.items()
    }
    if "tags" in sent:
        kept["tags"] = sorted(set(sent["tags"] or ()))
    if "metadata" in sent:
        kept["metadata"] = exact(sent["metadata"] or {})
    for pair in PAIRS:
        for one, other in (pair, pair[::-1]):
            if sent.get(one):
                kept[other] = None
    if sent.get("recurrence"):
        anchor = (sent.get("dueAt") or sent["dueDate"])[: len("2026-11-30")]
        kept["recurrence"] = {**sent["recurrence"], "anchor": anchor, "done": 0}
    return kept


def after_action(before: State, action: State) -> State:
    """What a bulk action is to change of a todo."""
    [(name, given)] = action.items()
    match name:
        case "setStatus":
            return {"status": given}
        case "setPriority":
            return {"priority": given}
        case "addTags":
            return {"tags": sorted({*before["tags"], *given})}
    return {"tags": sorted({*before["tags"]} - {*given})}


def check(before: State, changes: State, after: State) -> bool:
    """Whether the todo changed, having checked that it did as the changes say and not otherwise.

    The change row is to say exactly that, too.
    """
    expected = before | changes
    if expected["dueAt"] is None:
        expected["dueTimeZone"] = None
    newest = after["history"]["nodes"][0]
    if expected["status"] != before["status"]:
        expected["completedAt"] = after["updatedAt"] if expected["status"] == "COMPLETED" else None
    changed = {
        name: {"name": name, "before": before[name], "after": expected[name]}
        for name in sorted(before.keys() - DERIVED - {"history"})
        if before[name] != expected[name]
    }
    if changed:
        assert after["updatedAt"] > before["updatedAt"]
        expected |= {"version": before["version"] + 1, "updatedAt": after["updatedAt"]}
        action = ACTION_BY_STATUS[expected["status"]] if "status" in changed else "UPDATED"
        row = {"action": action, "at": after["updatedAt"], "fields": list(changed.values())}
        expected["history"] = {"nodes": [row]}
    expected["isCompleted"] = expected["status"] == "COMPLETED"
    is_open = expected["status"] in {"PENDING", "IN_PROGRESS"}
    due_at = expected["dueAt"] or expected["dueDate"]
    expected["isOverdue"] = is_open and bool(due_at) and due_at < "2050"
    assert after == expected
    assert newest == expected["history"]["nodes"][0]
    return bool(changed)


def test_every_field_and_action_is_tried() -> None:
    """A field that is new in the schema needs values here."""
    for samples, kind in ((SENT, "TodoUpdateInput"), (ACTIONS, "TodoBulkAction")):
        missing = input_fields(kind) - set(samples)
        assert not missing, f"{kind} has new fields, give SENT or ACTIONS values of: {missing}"
        assert set(samples) <= input_fields(kind)


@with_one_account
@given(first=updates, second=updates)
async def test_an_update_changes_what_is_sent_and_nothing_else(
    account: Account, first: State, second: State
) -> None:
    """An update changes what is sent, version and updatedAt, and nothing when repeated."""
    ids = [(await account.create())["id"] for _ in range(2)]
    for sent in (first, second, second):
        before, bystander = await read(account, ids)
        if before["recurrence"] and sent.get("recurrence", before):
            sent = without_completion(sent)  # noqa: PLW2901 - it takes its place
        payload = (await account.data(UPDATE, id=ids[0], input=sent))["todoUpdate"]
        assert payload["errors"] == []
        after, untouched = await read(account, ids)
        check(before, stored(sent), after)
        assert untouched == bystander


@pytest.mark.parametrize("number", [1e16, 6.984042558642598e16, -1.8e19, 1e22, -0.0, 1.0, 5e-324])
async def test_a_number_that_is_sent_again_is_no_change(account: Account, number: float) -> None:
    """A number that is sent again is no change, however the database writes it."""
    sent = {"metadata": {"number": [number]}}
    id = (await account.create(**sent))["id"]
    before = await read(account, [id])
    assert before[0]["metadata"] == exact(sent["metadata"])
    await account.data(UPDATE, id=id, input=sent)
    assert await read(account, [id]) == before


@with_one_account
@given(updates_of_each=st.lists(updates, min_size=1, max_size=3), action=actions)
async def test_a_bulk_action_changes_what_it_says_and_nothing_else(
    account: Account, updates_of_each: list[State], action: State
) -> None:
    """A bulk action changes what it says in each of its todos, and nothing in others."""
    ids = [(await account.create())["id"] for _ in updates_of_each]
    for id, sent in zip(ids, updates_of_each, strict=True):
        if "COMPLETED" in action.values():
            sent.pop("recurrence", None)
        await account.data(UPDATE, id=id, input=sent)
    bystander = (await account.create(tags=["a", "home"]))["id"]
    *before, other = await read(account, [*ids, bystander])
    payload = (await account.data(UPDATE_MANY, ids=ids, action=action))["todoBulkUpdate"]
    assert payload["errors"] == []
    *after, untouched = await read(account, [*ids, bystander])
    changed = [
        check(old, after_action(old, action), new) for old, new in zip(before, after, strict=True)
    ]
    assert (payload["processed"], payload["updated"]) == (len(ids), sum(changed))
    assert untouched == other
