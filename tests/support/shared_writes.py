"""Mutations of people who write to the lists that they share, drawn at random."""

import re
from collections.abc import Sequence
from random import Random
from typing import Any, Final, NamedTuple
from uuid import uuid4

DONE: Final = "todo { id } errors { code }"
EACH_DONE: Final = f"results {{ id {DONE} }} errors {{ code }}"
WRITES: Final = {
    "create": f"todoCreate(input: {{ title: $title, tags: [$tag], to: $to }}) {{ {DONE} }}",
    "create in the inbox": f"todoCreate(input: {{ title: $title, tags: [$tag] }}) {{ {DONE} }}",
    "update": f"todoUpdate(id: $id, input: {{ title: $title }}) {{ {DONE} }}",
    "complete": f"todoComplete(id: $id) {{ {DONE} }}",
    "move": f"todoMove(id: $id, to: $to) {{ {DONE} }}",
    "delete": f"todoDelete(id: $id) {{ {DONE} }}",
    "restore": f"todoRestore(id: $id) {{ {DONE} }}",
    "assign": f"todoUpdate(id: $id, input: {{ assigneeId: $userId }}) {{ {DONE} }}",
    "comment": "commentCreate(todoId: $id, input: { body: $title }) { todo: comment { id } errors { code } }",
    "bulk move": f"todoBulkMove(ids: $ids, to: $to, onError: SKIP_FAILED) {{ {EACH_DONE} }}",
    "bulk create": f"todoBulkCreate(inputs: $inputs, onError: SKIP_FAILED) {{ {EACH_DONE} }}",
    "bulk update": f"todoBulkUpdate(ids: $ids, action: {{ addTags: [$tag] }}, onError: SKIP_FAILED) {{ {EACH_DONE} }}",
    "aborted": f"todoBulkUpdate(ids: $failing, action: {{ setPriority: HIGH }}) {{ {EACH_DONE} }}",
    "aborted move": f"todoBulkMove(ids: $failing, to: $to) {{ {EACH_DONE} }}",
}
WEIGHTS: Final = (3, 2, 4, 2, 6, 2, 2, 1, 1, 4, 1, 3, 1, 1)
TODOS_OF_A_WRITE: Final = 4
"""How many todos a mutation of several is of."""

TYPES: Final = {
    "title": "String!",
    "tag": "String!",
    "to": "TodoPlaceInput!",
    "id": "ID!",
    "userId": "ID",
    "ids": "[ID!]!",
    "failing": "[ID!]!",
    "inputs": "[TodoCreateInput!]!",
}


class Drawn(NamedTuple):
    """A mutation whose answer is `payload`: which one of `WRITES` it is, and what to send."""

    name: str
    document: str
    variables: dict[str, Any]


def draw(
    random: Random,
    *,
    todo_ids: Sequence[str],
    list_ids: Sequence[str],
    user_ids: Sequence[str],
    title: str,
) -> Drawn:
    """The next mutation of somebody; `title` is what it writes as a title or a comment, if it does."""
    [name] = random.choices(list(WRITES), WEIGHTS)
    call, ids = WRITES[name], random.sample(todo_ids, TODOS_OF_A_WRITE)
    tag = f"t{random.randrange(6)}"
    values: dict[str, Any] = {
        "title": title,
        "tag": tag,
        "to": {"listId": random.choice([*list_ids, None])},
        "id": ids[0],
        "userId": random.choice([*user_ids, None]),
        "ids": ids,
        "failing": [*ids, str(uuid4())],
        "inputs": [
            {"title": title, "tags": [tag], "to": {"listId": id}}
            for id in random.sample(list_ids, 3)
        ],
    }
    sent = {key: value for key, value in values.items() if re.search(rf"\${key}\b", call)}
    declared = ", ".join(f"${key}: {TYPES[key]}" for key in sent)
    return Drawn(name, f"mutation ({declared}) {{ payload: {call} }}", sent)
