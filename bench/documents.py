"""How long the worst documents take to be read, and what limits cost a request that keeps to them.

Ends with status 1 when a document takes 40 ms or more to be answered or refused, or counting a
request 5 µs or more.
"""

import statistics
import sys
import time
from collections.abc import Callable
from uuid import uuid4

from graphql import get_introspection_query

from todo_gql.documents.parsing import Document, DocumentParser
from todo_gql.http.graphql.rate_limit import RequestRateLimit
from todo_gql.schema import graphql_schema
from todo_gql.security.authentication import Viewer
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

LONGEST_MS, LONGEST_US = 40.0, 5.0
TIMES, MANY = 5, 100_000


def fan(length: int, inside: str = "") -> str:
    """Fragments of which each spreads the next twice."""
    spread = " ".join(
        f"fragment F{n} on User {{ {inside} ...F{n + 1} ...F{n + 1} }}" for n in range(length)
    )
    return f"{{ viewer {{ ...F0 }} }} {spread} fragment F{length} on User {{ id }}"


def each(number: int, written: Callable[[int], str]) -> str:
    """So many parts of a document, each by its number."""
    return " ".join(map(written, range(number)))


LONG = 32_000
USER, OBJECTS, LEAVES = "{ viewer { id } }", "viewer { id } " * 220, "id " * 900
DOCUMENTS = {
    "a page of todos": "{ todos(first: 20) { nodes { id title tags { name } } totalCount } }",
    "introspection": get_introspection_query(),
    "2^18 spreads": fan(18, "a: stats { total }"),
    "2^90 spreads": fan(90),
    "a field 990 times": f"{{ viewer {{ {'id ' * 990} }} }}",
    "an object 140 times": "{ " + "viewer { stats { total } } " * 140 + "}",
    "an object 30 times": "{ " + "viewer { stats { total } } " * 30 + "}",
    "60 fragments": f"{{ viewer {{ {each(60, lambda n: f'...F{n}')} }} }} "
    + each(60, lambda n: f"fragment F{n} on User {{ id }}"),
    "60 that conflict": f"{{ viewer {{ {each(60, lambda n: f'...F{n}')} }} }} "
    + each(60, lambda n: f"fragment F{n} on User {{ a: {('id', 'username')[n % 2]} }}"),
    "120 operations": each(120, lambda n: f"query Q{n} {USER}"),
    "300 without names": "{ a } " * 300,
    "unused objects": f"{USER} fragment F on Query {{ {OBJECTS} }}",
    "unused leaves": f"{USER} fragment F on User {{ {LEAVES} }}",
    "cyclic objects": f"{{ ...F }} fragment F on Query {{ ...F {OBJECTS} }}",
    "cyclic clique": "{ viewer { ...F0 } } "
    + each(20, lambda n: f"fragment F{n} on User {{ {each(20, lambda m: f'...F{m}')} }}"),
    "on another type": f"{{ viewer {{ ... on Query {{ {OBJECTS} }} }} }}",
    "unions": "{ node(id: 1) { " + "... on Todo { id } " * 150 + "} }",
    "900 unknown fields": f"{{ viewer {{ {each(900, lambda n: f'usernam{n}')} }} }}",
    "300 unknown inputs": f"{{ todos(filter: {{ {each(300, lambda n: f's{n}: 1')} }}) {{ totalCount }} }}",
    "230 unknown members": f"{{ todos(sort: [{each(230, lambda n: f'{{field: T{n}}}')}]) {{ totalCount }} }}",
    "450 unknown directives": f"{{ viewer {{ id {each(450, lambda n: f'@inclued{n}')} }} }}",
    "450 directives": f"{{ viewer {{ id {'@skip ' * 450} }} }}",
    "240 variables": f"query ({each(240, lambda n: f'$v{n}: Int')}) {USER}",
    "480 undefined": f"{{ nodes(ids: [{each(480, lambda n: f'$v{n}')}]) {{ id }} }}",
    "operations by variables": each(60, lambda n: f"query Q{n} {{ ...F }}")
    + f" fragment F on Query {{ nodes(ids: [{'$v ' * 250}]) {{ id }} }}",
    "deep lists": "{ "
    + each(2, lambda _: f"a: nodes(ids: {'[' * 190}{']' * 190}) {{ id }}")
    + " }",
    "long lists": "{ " + each(2, lambda _: f"a: nodes(ids: [{'1 ' * 450}]) {{ id }}") + " }",
    "nested filters": f"{{ todos(filter: {'{not: ' * 190}{{}}{'}' * 190}) {{ totalCount }} }}",
    "32 KB of lines, 900 errors": f"{{ viewer {{ {chr(10) * 25_000} {each(900, lambda n: f'x{n}')} }} }}",
    "32 KB of lines, 190 names": chr(10) * 28_000 + "query Q { a } " * 190,
    "32 KB of escapes": f'{{ todo(id: "{chr(92) + "n"}" ) {{ id }} }}'.replace(
        chr(92) + "n", (chr(92) + "n") * (LONG // 2)
    ),
    "32 KB of a block": f'{{ todo(id: """{chr(10) * LONG}""") {{ id }} }}',
    "32 KB of a name": f"{{ viewer {{ {'u' * LONG} }} }}",
    "32 KB of a member": f"{{ todos(sort: [{{field: {'T' * LONG}}}]) {{ totalCount }} }}",
    "32 KB of digits": f"{{ todos(first: {'9' * LONG}) {{ totalCount }} }}",
    "32 KB of comments": "{" + "#\n" * (LONG // 2) + " viewer { id } }",
    "256 KB": f'{{ todo(id: "{"x" * 250_000}") {{ id }} }}',
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
    parser = DocumentParser(graphql_schema(), settings)
    slowest = 0.0
    # What is made once isn't any document's.
    parser.parse(USER)
    for name, text in DOCUMENTS.items():
        read = parser.parse(text)
        taken = milliseconds(lambda text=text: parser.parse(text))  # type: ignore[misc]  # bound now
        slowest = max(slowest, taken)
        outcome = "read" if isinstance(read, Document) else f"refused: {read[0]['message'][:50]!r}"
        print(f"{name:27} {taken:7.1f} ms  {outcome}")
    limits, viewers = (
        RateLimits(settings),
        [Viewer(uuid4(), uuid4(), "", is_superuser=False) for _ in range(1000)],
    )

    def count_many() -> None:
        for n in range(MANY):
            rate_limit = RequestRateLimit(limits, viewers[n % 1000], None)
            rate_limit.count_request()
            rate_limit.count_cost(10)
            assert rate_limit.headers

    one = milliseconds(count_many) * 1000 / MANY
    print(f"{'counting a request':27} {one:7.1f} µs")
    return 1 if slowest >= LONGEST_MS or one >= LONGEST_US else 0


if __name__ == "__main__":
    sys.exit(main())
