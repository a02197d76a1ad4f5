"""What the reads of somebody who shares nothing send: the statements of a program without sharing.

After a change of what all reads send, STORE_STATEMENTS=1 has this test store the statements again.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.support.accounts import Account
from tests.support.lists import make_list, make_section, put_in_list, put_under
from tests.support.statements import Statements

STORED = Path(__file__).with_name("statements_alone.sql")
OPERATIONS = (
    "todos(first: 2) { totalCount nodes { id title tags { id name todoCount } } }",
    "todos(last: 1) { nodes { title description metadata } pageInfo { hasPreviousPage } }",
    """todos(filter: { status: { in: [PENDING, IN_PROGRESS] } }, sort: [{ field: DUE_AT }], first: 3) {
      totalCount nodes { title isOverdue tags { name } }
    }""",
    """todos(filter: { search: "sow seeds" }, first: 3) { totalCount nodes { title } }""",
    "todos(filter: { isDeleted: true }, first: 3) { totalCount nodes { title } }",
    """lists(first: 2) { totalCount nodes {
      name owner { id } sections { name }
      stats { total overdue } few: stats(filter: { priority: { eq: HIGH } }) { total }
      todos(first: 1) { totalCount nodes { title section { name } list { name } parent { id } } }
    } }""",
    "lists(isDeleted: true, first: 2) { nodes { name } }",
    "tags { totalCount nodes { name todoCount } }",
    "stats { total overdue } few: stats(filter: { priority: { eq: HIGH } }) { total overdue }",
    "facets { total tags { count tag { name } } lists { count list { name } } due { count } }",
    """facets(filter: { priority: { eq: HIGH } }) {
      total tags { count tag { name } } lists { count } due { count }
    }""",
    "savedViews { isValid todos(first: 2) { nodes { title } } }",
)
BY_IDS = """query ($id: ID!, $ids: [ID!]!) {
  node(id: $id) { id } nodes(ids: $ids) { id }
  todo(id: $id) {
    title tags { id todoCount } owner { username } reminders { id } snoozedUntil
    comments { totalCount nodes { body author { username } todo { title } } }
    subtasks(first: 1) { totalCount nodes { title } pageInfo { hasNextPage } }
    recurrence { past { totalCount nodes { title } } }
  }
}"""
VIEW = (
    """mutation ($input: SavedViewInput!) { savedViewCreate(input: $input) { errors { code } } }"""
)


async def test_who_shares_nothing_reads_as_before(
    account: Account, recorded: Callable[[], AbstractContextManager[Statements]]
) -> None:
    """Each statement of somebody who is in no list of others is the stored one, to the letter."""
    list_id = (await make_list(account))["id"]
    section = await make_section(account, list_id)
    ids = [todo["id"] for todo in await account.create_many([{"title": "Sow seeds"}] * 3)]
    await put_in_list(account, ids, list_id, section["id"])
    await put_under(account, ids[1], ids[0])
    recurring: dict[str, Any] = {"rule": "FREQ=DAILY"}
    repeating = await account.create(title="Water", dueDate="2030-01-01", recurrence=recurring)
    view = {"name": "View", "filter": {"listId": {"eq": list_id}, "due": {"in": ["LATER"]}}}
    await account.data(VIEW, input=view)
    with recorded() as sent:
        for operation in OPERATIONS:
            await account.data(f"{{ {operation} }}")
        await account.data(BY_IDS, id=repeating["id"], ids=ids)
        await account.data(BY_IDS, id=ids[0], ids=[list_id, section["id"]])
    texts = sorted({" ".join(text.split()) for text in sent.texts})
    if os.environ.get("STORE_STATEMENTS"):
        STORED.write_text("\n".join(texts) + "\n")
    assert texts == STORED.read_text().splitlines()
