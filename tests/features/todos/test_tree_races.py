"""Many writers of one owner's tree at once: what holds whatever the order of their writes."""

import asyncio
import os
import re
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.recounts import wrong_counts
from tests.support.trees import add_list
from todo_gql.database.connection import fetch

SECONDS = float(os.environ.get("RACE_SECONDS", "3"))
WRITERS = 16
TODOS = 40
MAX_DEPTH = 5

WRITES = {
    "create": "todoCreate(input: { title: $title, to: $to })",
    "move": "todoMove(id: $id, to: $to)",
    "bulk move": "todoBulkMove(ids: $ids, to: $to, onError: SKIP_FAILED)",
    "complete": "todoComplete(id: $id)",
    "start": "todoStart(id: $id)",
    "delete": "todoDelete(id: $id)",
    "restore": "todoRestore(id: $id)",
    "bulk delete": "todoBulkDelete(ids: $ids, onError: SKIP_FAILED)",
    "bulk restore": "todoBulkRestore(ids: $ids, onError: SKIP_FAILED)",
}
TYPES = {"title": "String!", "to": "TodoPlaceInput!", "id": "ID!", "ids": "[ID!]!"}
WEIGHTS = (2, 8, 3, 2, 2, 2, 4, 1, 2)
# Todos that are below themselves, or nested too deeply, or not in the list of their parent, or below one in
# the trash without being there.
WRONG_TREE = f"""
WITH RECURSIVE above AS (
    SELECT id, parent_id, 0 AS depth FROM todos WHERE owner_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT a.id, p.parent_id, a.depth + 1 FROM above a
    JOIN todos p ON p.owner_id = $1 AND p.id = a.parent_id WHERE a.depth < 50
)
SELECT 'too deep' AS what, id FROM above WHERE depth > {MAX_DEPTH}
UNION ALL
SELECT 'below the trash, or in another list', t.id FROM todos t JOIN todos p ON p.id = t.parent_id
WHERE t.owner_id = $1 AND t.deleted_at IS NULL
    AND (p.deleted_at IS NOT NULL OR p.list_id IS DISTINCT FROM t.list_id)
"""
# What the log says of each todo in the end, beside what is stored.
REPLAYED = """
SELECT t.id, f.name, f.said, CASE f.name WHEN 'listId' THEN t.list_id::text
    WHEN 'parentId' THEN t.parent_id::text WHEN 'position' THEN t.position
    WHEN 'deletedAt' THEN (t.deleted_at IS NOT NULL)::text
    WHEN 'status' THEN (ARRAY['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'])[t.status + 1]
    END AS stored
FROM todos t JOIN LATERAL (
    SELECT DISTINCT ON (d ->> 'name') d ->> 'name' AS name, CASE d ->> 'name'
        WHEN 'deletedAt' THEN (d ->> 'after' IS NOT NULL)::text ELSE d ->> 'after' END AS said
    FROM changes c, jsonb_array_elements(c.diff) d WHERE c.owner_id = $1 AND c.todo_id = t.id
    ORDER BY d ->> 'name', c.seq DESC
) f ON f.name IN ('listId', 'parentId', 'position', 'deletedAt', 'status') WHERE t.owner_id = $1
"""


def _destination(random: Random, ids: list[str], lists: list[str]) -> dict[str, Any]:
    """A list, a parent, a place, or some of them."""
    to: dict[str, Any] = {}
    if random.random() < 0.3:
        to["listId"] = random.choice([*lists, None])
    if random.random() < 0.5:
        to["parentId"] = random.choice([*ids, None, None])
    if random.random() < 0.7:
        edge = random.choice(["before", "after", "first", "last"])
        to["place"] = {edge: random.choice(ids) if edge in ("before", "after") else True}
    return to


async def _write(account: Account, random: Random, ids: list[str], lists: list[str]) -> None:
    [name] = random.choices(list(WRITES), WEIGHTS)
    call = WRITES[name]
    values = {
        "title": "New",
        "to": _destination(random, ids, lists),
        "id": random.choice(ids),
        "ids": random.sample(ids, 4),
    }
    sent = {key: value for key, value in values.items() if re.search(rf"\${key}\b", call)}
    types = ", ".join(f"${key}: {TYPES[key]}" for key in sent)
    payload = "errors { code }" + (" todo { id }" if name == "create" else "")
    data = await account.data(f"mutation ({types}) {{ payload: {call} {{ {payload} }} }}", **sent)
    if name == "create" and data["payload"]["todo"]:
        ids.append(data["payload"]["todo"]["id"])


@pytest.mark.untraced
async def test_a_tree_stays_one_whatever_is_done_to_it_at_once(account: Account) -> None:
    """No cycle, position or count is wrong after writers raced, and the log leads to what is stored."""
    lists = [await add_list(account, f"List {n}") for n in range(3)]
    ids = [todo["id"] for todo in await account.create_many([{"title": "Todo"}] * TODOS)]
    loop = asyncio.get_running_loop()
    end, number = loop.time() + SECONDS, 0

    async def writer(seed: int) -> None:
        nonlocal number
        random = Random(seed)
        while loop.time() < end:
            await _write(account, random, ids, lists)
            number += 1

    await asyncio.gather(*(writer(seed) for seed in range(WRITERS)))
    owner_id = UUID(account.id)
    assert number >= WRITERS
    assert [dict(row) for row in await fetch(WRONG_TREE, owner_id)] == []
    assert await wrong_counts(owner_id) == {}
    replayed = [dict(row) for row in await fetch(REPLAYED, owner_id)]
    assert [row for row in replayed if row["said"] != row["stored"]] == []
