"""Runs the operation of a tool as /graphql does: the same access, limits, costs and errors."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from starlette.types import Scope

from todo_gql.api.errors import OUTCOME_UNKNOWN, Code
from todo_gql.documents.parsing import ErrorEntry, error_entry
from todo_gql.http.graphql.endpoint import GraphQLRoute
from todo_gql.http.graphql.long_responses import ANSWER_TOO_LARGE
from todo_gql.http.graphql.request import BadRequest, GraphQLRequest
from todo_gql.http.graphql.response import Headers, as_json
from todo_gql.http.graphql.results import RequestError
from todo_gql.http.mcp.tools import Tool
from todo_gql.observability.request_record import current_record
from todo_gql.security.grants import TokenGrant

CALLER: Final = "todo_gql.mcp"
"""Where the scope of a request has its `Caller`."""

# What the engine says of a value that a variable can't have.
COERCION: Final = re.compile(
    r"Variable '\$(?P<name>\w+)' has invalid value(?: at (?P<inner>[.\w\[\]]+))?: "
)
STEPS: Final = re.compile(r"\w+")
NO_ARGUMENTS: Final[Mapping[str, Any]] = {}


@dataclass(slots=True)
class Caller:
    """Who sends a request, and in how many bytes; `headers` are what its response gets about limits.

    `grant` is what the token opens, None for that of a session.
    """

    token: str
    grant: TokenGrant | None
    size: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a call did nothing, or a part of it: a code, a message, and what it is about."""

    code: str
    message: str
    path: tuple[str, ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The problem for clients."""
        return {"code": self.code, "message": self.message, "path": list(self.path)} | {
            name: value for name, value in self.extensions.items() if name != "code"
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did: the data of its operation, None if there is none, and its problems.

    It has failed if nothing was done as far as is known; otherwise the problems are those of some of its
    items. `is_unknown` is whether a write may have been done all the same.
    """

    data: dict[str, Any] | None
    problems: list[Problem]
    has_failed: bool
    is_unknown: bool = False


async def run(
    route: GraphQLRoute, scope: Scope, tool: Tool, arguments: Mapping[str, Any] | None
) -> Outcome:
    """Run a tool for the `Caller` of a request. Whatever the API refuses is a problem of the outcome."""
    caller: Caller = scope[CALLER]
    variables = dict(arguments or NO_ARGUMENTS)
    current_record().sensitive_values = caller.token, variables
    if unknown := tool.unknown_arguments(variables):
        known = ", ".join(tool.input_schema["properties"]) or "none"
        message = f"{tool.name} has no such argument; it has {known}."
        return _refused([_invalid(message, unknown[0][:100])])
    request = GraphQLRequest(tool.document, variables, tool.operation_name, caller.size)
    try:
        body, caller.headers = await route.response(scope, request, caller.token)
    except RequestError as error:
        caller.headers = error.headers
        return _refused(map(_problem, error.errors))
    except BadRequest as error:
        return _refused(map(_problem, error.errors))
    if errors := body.get("errors"):
        return _refused(_problem(entry, *map(str, entry.get("path", ()))) for entry in errors)
    # Parts of it are JSON already.
    data: dict[str, Any] = orjson.loads(as_json(body["data"]))
    return _outcome(data)


def _refused(problems: Iterable[Problem]) -> Outcome:
    refused = list(problems)
    return Outcome(None, refused, has_failed=True, is_unknown=any(map(_may_be_done, refused)))


def _may_be_done(problem: Problem) -> bool:
    """Whether a write may have been done though it has a problem: in its commit, its answer, or below its field."""
    is_of_answer = len(problem.path) > 1 and problem.code != Code.BAD_USER_INPUT
    return (
        is_of_answer
        or problem.code == Code.INTERNAL
        or problem.extensions.get("reason") in {OUTCOME_UNKNOWN, ANSWER_TOO_LARGE}
    )


def _invalid(message: str, *path: str) -> Problem:
    return _problem(error_entry(message, Code.BAD_USER_INPUT), *path)


def _problem(entry: ErrorEntry, *path: str) -> Problem:
    """The problem of an entry of `errors`; the path of a wrong argument is taken from its message."""
    message, extensions = entry["message"], entry["extensions"]
    if coercion := COERCION.match(message):
        path = (coercion["name"], *STEPS.findall(coercion["inner"] or ""))
        message = message[coercion.end() :]
    return Problem(extensions["code"], message, path, extensions)


def _outcome(data: dict[str, Any]) -> Outcome:
    """The outcome of an operation without top-level errors, by its first root field."""
    payload = next(iter(data.values()))
    if not payload and not isinstance(payload, list):
        # A null, or an object of another type than the document has fields of.
        message = "There is nothing with this id, or you may not see it."
        return _refused([Problem("NOT_FOUND", message, ("id",))])
    if not isinstance(payload, dict) or "errors" not in payload:
        return Outcome(data, [], has_failed=False)
    refusals = [_user_error(error) for error in payload["errors"]]
    results = [
        _user_error(error) for result in payload.get("results", ()) for error in result["errors"]
    ]
    nothing_done = bool(results) and not payload.get("updated")
    return Outcome(data, [*refusals, *results], has_failed=bool(refusals) or nothing_done)


def _user_error(error: Mapping[str, Any]) -> Problem:
    return Problem(error["code"], error["message"], tuple(error["path"] or ()))
