"""What a call did, in words for whoever reads no structured content: a headline, and an outline of the data."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from todo_gql.http.mcp.calls import Outcome, Problem
from todo_gql.http.mcp.tools import Tool

MAX_PROBLEMS: Final = 20

ADVICE: Final[Mapping[str, str]] = {
    "ALREADY_EXISTS": "It is there already: nothing has to be done again.",
    "BAD_USER_INPUT": "Call again with arguments that the tool's input schema allows.",
    "CONFLICT": "Read it again with get_todo, and decide anew.",
    "COST_LIMIT": "Ask for fewer at once with a smaller `first`.",
    "FORBIDDEN": "Calling again won't help: the user would have to give you another token.",
    "NOT_ALLOWED": "The user's role in this list is too little; calling again won't help.",
    "NOT_FOUND": "Use ids as find_todos, list_lists and list_views show them.",
    "TIMEOUT": "Call again with fewer at once, or later.",
    "UNAUTHENTICATED": "The token is invalid or has been revoked: the user has to make another.",
    "UNAVAILABLE": "Call again in a few seconds.",
}
EMPTY: Final[tuple[object, ...]] = (None, [], {}, "")


def text_of(
    tool: Tool, arguments: Mapping[str, Any], outcome: Outcome, *, can_undo: bool = True
) -> str:
    """What a call did, or why it did nothing and what to do about that.

    `can_undo` is whether the caller's token opens undo, which one that is bound to lists doesn't.
    """
    if outcome.has_failed or outcome.data is None:
        return "\n".join([_failure(tool, outcome), *_problems(outcome)])
    is_dry = arguments.get("dryRun") is True
    lines = [_headline(tool, outcome.data, is_dry=is_dry, can_undo=can_undo)]
    lines += _problems(outcome)
    return "\n".join([*lines, *outline(outcome.data)])


def _failure(tool: Tool, outcome: Outcome) -> str:
    if tool.is_read_only:
        return "Nothing can be shown."
    return "It isn't known whether this was done." if outcome.is_unknown else "Nothing was changed."


def _problems(outcome: Outcome) -> Iterator[str]:
    for problem in outcome.problems[:MAX_PROBLEMS]:
        yield f"- {_problem(problem)}"
    if (more := len(outcome.problems) - MAX_PROBLEMS) > 0:
        yield f"- and {more} more."
    if outcome.is_unknown:
        yield "Read what is stored before you call again."
        return
    for code in dict.fromkeys(problem.code for problem in outcome.problems):
        if advice := ADVICE.get(code):
            yield advice


def _problem(problem: Problem) -> str:
    where = f" at {'.'.join(problem.path)}" if problem.path else ""
    wait = problem.extensions.get("retryAfter")
    return f"{problem.code}{where}: {problem.message}" + (
        f" Call again after {wait} s." if wait else ""
    )


def _headline(tool: Tool, data: Mapping[str, Any], *, is_dry: bool, can_undo: bool) -> str:
    payload = next(iter(data.values()))
    if tool.is_read_only:
        pages = (each for each in data.values() if isinstance(each, dict) and "nodes" in each)
        return next(map(_page, pages), f"{tool.title}:")
    changed = f" {payload['updated']} changed." if "updated" in payload else ""
    if is_dry:
        return f"Dry run: nothing was changed. This is what the call would do:{changed}"
    cursor = payload.get("undoCursor")
    if cursor and not can_undo:
        return f"Done.{changed} The user can take it back, but not by this token."
    if cursor:
        return f'Done.{changed} undo takes it back with the cursor "{cursor}".'
    if "undoCursor" not in payload or payload.get("updated"):
        return f"Done.{changed} undo can't take it back."
    return "Nothing had to be changed."


def _page(connection: Mapping[str, Any]) -> str:
    shown, info = len(connection["nodes"]), connection["pageInfo"]
    total = f" of {connection['totalCount']}" if "totalCount" in connection else ""
    more = f' The next are after "{info["endCursor"]}".' if info["hasNextPage"] else ""
    return f"{shown}{total} shown.{more}"


def outline(value: object, indent: str = "") -> Iterator[str]:
    """Lines of the fields that have values, one under the other, and of the items of lists."""
    if isinstance(value, dict):
        for name, each in value.items():
            if each not in EMPTY and name != "pageInfo":
                yield from _line(f"{indent}{name}:", each, indent)
    elif isinstance(value, list):
        for each in value:
            yield from _item(each, indent)


def _line(label: str, value: object, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list):
        if inline := _inline(value):
            yield f"{label} {inline}"
            return
        if lines := list(outline(value, indent + "  ")):
            yield label
            yield from lines
    else:
        yield f"{label} {_scalar(value, indent)}"


def _item(value: object, indent: str) -> Iterator[str]:
    lines = list(outline(value, indent + "  "))
    if not lines:
        yield f"{indent}- {_scalar(value, indent)}"
        return
    yield f"{indent}- {lines[0].lstrip()}"
    yield from lines[1:]


def _inline(value: object) -> str | None:
    """What is short enough for the line of its name: a list of names, or a name with its id."""
    match value:
        case [{"name": str(), **rest}, *_] if not rest:
            assert isinstance(value, list)
            return ", ".join(str(each["name"]) for each in value)
        case (
            {"id": id, "name": name, **rest}
            | {"id": id, "title": name, **rest}
            | {
                "id": id,
                "username": name,
                **rest,
            }
        ) if not rest:
            return f"{name} ({id})"
    return None


def _scalar(value: object, indent: str) -> str:
    if value is True or value is False:
        return str(value).lower()
    return str(value).replace("\n", f"\n{indent}    ")
