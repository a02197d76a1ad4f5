"""The operations that are measured, and what a request for each of them is."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

import orjson

from bench.data import Owner

SCALARS = "id title description status priority dueAt completedAt version createdAt updatedAt"


@dataclass(frozen=True, slots=True)
class Operation:
    """A GraphQL operation; `goal` is the milliseconds of CPU that are to be reached."""

    name: str
    title: str
    document: str
    goal: float

    def requests(self, owner: Owner) -> Iterator[bytes]:
        """The HTTP requests for it of one user, without end."""
        for number in count():
            yield request(self.body(owner, number), owner.token)

    def body(self, owner: Owner, number: int) -> bytes:
        """The body of one request."""
        variables: dict[str, object] = {}
        if "$id" in self.document:
            variables = {"id": owner.todo_ids[number % len(owner.todo_ids)]}
        if "$input" in self.document:
            tags = [f"tag {number % 30 + 1}", f"tag {(number + 13) % 30 + 1}"]
            title = f"Buy number {number}"
            variables = {"input": {"id": str(uuid4()), "title": title, "tags": tags}}
        sent = {"query": self.document, "operationName": self.name, "variables": variables}
        return orjson.dumps(sent)


def request(body: bytes, token: str) -> bytes:
    """An HTTP request as a client with a token sends it."""
    return (
        b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        b"accept: application/json\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
        % (token.encode(), len(body), body)
    )


OPERATIONS = [
    Operation("O1", "`{ __typename }`", "query O1 { __typename }", 0.035),
    Operation(
        "O2",
        "one todo by id, with tags",
        f"query O2($id: ID!) {{ todo(id: $id) {{ {SCALARS} tags {{ name }} }} }}",
        0.13,
    ),
    Operation(
        "O3",
        "20 todos, newest first, with tags, and `totalCount`",
        f"query O3 {{ todos(first: 20) {{ nodes {{ {SCALARS} tags {{ name }} }} totalCount }} }}",
        0.36,
    ),
    Operation(
        "O4",
        "100 todos with tags and owner",
        "query O4 { todos(first: 100) {"
        f" nodes {{ {SCALARS} tags {{ name }} owner {{ id username }} }} }} }}",
        1.2,
    ),
    Operation(
        "O5",
        "`stats`: all counts",
        "query O5 { stats { total pending inProgress completed cancelled completionRate overdue"
        " } }",
        0.075,
    ),
    Operation(
        "O6",
        "`todoCreate` with 2 tags",
        "mutation O6($input: TodoCreateInput!) { todoCreate(input: $input) {"
        f" todo {{ {SCALARS} tags {{ name }} }} errors {{ code message path }} }} }}",
        0.215,
    ),
]
KEPT_COUNTS = Operation(
    "O5k",
    "`stats`: the counts that are kept",
    "query O5k { stats { total pending inProgress completed cancelled completionRate } }",
    0.075,
)
BY_NAME = {operation.name: operation for operation in [*OPERATIONS, KEPT_COUNTS]}
