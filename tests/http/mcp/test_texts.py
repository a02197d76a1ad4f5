"""The words of results: what a failed call says of what was done, and how data are outlined."""

import pytest

from todo_gql.api.errors import OUTCOME_UNKNOWN
from todo_gql.http.mcp.calls import Outcome, Problem
from todo_gql.http.mcp.texts import outline, text_of
from todo_gql.http.mcp.tools import load_tools
from todo_gql.schema import graphql_schema

TOOLS = load_tools(graphql_schema())


def test_a_write_of_unknown_outcome_is_not_said_to_have_failed() -> None:
    """A write that may have been done says so, and is not advised to be repeated."""
    lost = Problem("UNAVAILABLE", "The connection was lost.", (), {"reason": OUTCOME_UNKNOWN})
    outcome = Outcome(None, [lost], has_failed=True, is_unknown=True)
    assert text_of(TOOLS["create_todos"], {}, outcome).splitlines() == [
        "It isn't known whether this was done.",
        "- UNAVAILABLE: The connection was lost.",
        "Read what is stored before you call again.",
    ]


def test_a_refused_write_changed_nothing() -> None:
    """A write that was refused says that nothing was changed, and what to do."""
    away = Problem("UNAVAILABLE", "The database can't be reached.")
    outcome = Outcome(None, [away], has_failed=True)
    text = text_of(TOOLS["create_todos"], {}, outcome)
    assert text.splitlines()[0] == "Nothing was changed."
    assert text.splitlines()[-1] == "Call again in a few seconds."
    assert text_of(TOOLS["get_todo"], {}, outcome).startswith("Nothing can be shown.")


def test_undo_is_offered_to_whom_it_is_open() -> None:
    """A write names the cursor of undo, unless the token doesn't open undo."""
    payload = {"results": [], "processed": 1, "updated": 1, "undoCursor": "abc", "errors": []}
    outcome = Outcome({"todoBulkDelete": payload}, [], has_failed=False)
    tool = TOOLS["delete_todos"]
    assert text_of(tool, {}, outcome).startswith(
        'Done. 1 changed. undo takes it back with the cursor "abc".'
    )
    assert text_of(tool, {}, outcome, can_undo=False).startswith(
        "Done. 1 changed. The user can take it back, but not by this token."
    )


def test_many_problems_are_counted() -> None:
    """Beyond 20 problems the others are counted."""
    problems = [Problem("NOT_FOUND", "There is none.", ("ids", str(n))) for n in range(23)]
    text = text_of(TOOLS["delete_todos"], {}, Outcome(None, problems, has_failed=True))
    assert text.count("NOT_FOUND at ids.") == 20
    assert "- and 3 more." in text


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"a": None, "b": [], "c": {}, "d": "", "e": {"f": None}}, []),
        ({"a": 0, "b": False, "c": 0.0}, ["a: 0", "b: false", "c: 0.0"]),
        ({"list": {"id": "1", "name": "Home"}}, ["list: Home (1)"]),
        ({"tags": [{"name": "a"}, {"name": "b"}]}, ["tags: a, b"]),
        ({"body": "one\ntwo"}, ["body: one", "    two"]),
        ({"nodes": [{"a": 1, "b": 2}, {"a": 3}]}, ["nodes:", "  - a: 1", "    b: 2", "  - a: 3"]),
        ({"days": ["MO", "TU"]}, ["days:", "  - MO", "  - TU"]),
    ],
)
def test_data_are_outlined(value: object, lines: list[str]) -> None:
    """An outline has a line for each value, and none for what is empty."""
    assert "\n".join(outline(value)) == "\n".join(lines)
