"""What schemathesis is to find in order: loaded by it, in its own environment."""

import json
import re
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

# What a client may do wrong, or may not do; anything else is the server's fault.
CODES = {
    "BAD_USER_INPUT",
    "COST_LIMIT",
    "FORBIDDEN",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "UNAUTHENTICATED",
}
# What only drivers, tracebacks and statements say.
INNER = re.compile(
    r"asyncpg|psycopg|postgres|tortoise|traceback|\.py\b|object at 0x|relation \"|\bSELECT .* FROM\b",
    re.IGNORECASE,
)

DURATIONS = st.from_regex(r"[-+]?P(\d{1,4}[DW]|T\d{1,4}[HMS])", fullmatch=True) | st.text(
    max_size=20
)
# The other scalars are known by their names.
schemathesis.graphql.scalar("Duration", DURATIONS.map(nodes.String))


@schemathesis.check
def answered_in_order(_context: Any, response: Any, _case: Any) -> None:
    """A status below 500, errors with a client's code, and no word of what is inside."""
    assert response.status_code < 500, f"status {response.status_code}"
    answer = json.loads(response.content)
    for error in answer.get("errors", ()):
        assert error["extensions"]["code"] in CODES, error
        assert not INNER.search(error["message"]), error
