"""How long the worst documents take to be read, and what limits cost a request that keeps to them.

Ends with status 1 when a document takes 100 ms or more to be answered or refused, or counting a
request 5 µs or more.
"""

import statistics
import sys
import time
from collections.abc import Callable
from uuid import uuid4

from graphql import get_introspection_query

from todo_gql.documents.reading import Document, Documents
from todo_gql.http.meter import Meter
from todo_gql.rate_limits import RateLimits
from todo_gql.schema import graphql_schema
from todo_gql.settings import Settings

LONGEST_MS, LONGEST_US = 100.0, 5.0
TIMES, MANY = 5, 100_000


def fan(length: int, inside: str = "") -> str:
    """Fragments of which each spreads the next twice."""
    spread = " ".join(
        f"fragment F{n} on User {{ {inside} ...F{n + 1} ...F{n + 1} }}" for n in range(length)
    )
    return f"{{ viewer {{ ...F0 }} }} {spread} fragment F{length} on User {{ id }}"


DOCUMENTS = {
    "a page of todos": "{ todos(first: 20) { nodes { id title tags { name } } totalCount } }",
    "introspection": get_introspection_query(),
    "2^18 spreads": fan(18, "a: stats { total }"),
    "2^90 spreads": fan(90),
    "a field 990 times": "{ viewer { " + "id " * 990 + "} }",
    "an object 140 times": "{ " + "viewer { stats { total } } " * 140 + "}",
    "an object 30 times": "{ " + "viewer { stats { total } } " * 30 + "}",
    "100 fragments": "{ viewer { "
    + " ".join(f"...F{n}" for n in range(100))
    + " } }"
    + " ".join(f"fragment F{n} on User {{ id }}" for n in range(100)),
    "120 operations": " ".join(f"query Q{n} {{ viewer {{ id }} }}" for n in range(120)),
}


def milliseconds(work: Callable[[], object]) -> float:
    """The processor time that some work takes, at the median."""
    taken = []
    for _ in range(TIMES):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken) * 1000


def main() -> int:
    """Print what was measured; the exit status."""
    settings = Settings(
        _env_file=None,
        secret_key="a key for measuring that is long enough",
        rate_limit_requests=10**9,
        rate_limit_cost=10**9,
    )
    documents = Documents(graphql_schema(), settings)
    slowest = 0.0
    for name, text in DOCUMENTS.items():
        read = documents.read(text)
        taken = milliseconds(lambda text=text: documents.read(text))  # type: ignore[misc]  # bound now
        slowest = max(slowest, taken)
        outcome = "read" if isinstance(read, Document) else f"refused: {read[0]['message'][:50]}…"
        print(f"{name:20} {taken:7.1f} ms  {outcome}")
    limits, users = RateLimits(settings), [uuid4() for _ in range(1000)]

    def count_many() -> None:
        for n in range(MANY):
            meter = Meter(limits, users[n % 1000], None)
            meter.count_request()
            meter.count_cost(10)
            assert meter.headers

    each = milliseconds(count_many) * 1000 / MANY
    print(f"{'counting a request':20} {each:7.1f} µs")
    return 1 if slowest >= LONGEST_MS or each >= LONGEST_US else 0


if __name__ == "__main__":
    sys.exit(main())
