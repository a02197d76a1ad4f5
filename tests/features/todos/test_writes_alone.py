"""What the writes of somebody who shares nothing send: the statements of a program without sharing.

After a change of what all writes send, STORE_STATEMENTS=1 has this test store the statements again.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.accounts import Account
from tests.support.lists import make_list, make_section
from tests.support.statements import Statements

STORED = Path(__file__).with_name("writes_alone.sql")
ERRORS = "errors { code }"
WRITES = (
    'todoUpdate(id: $id, input: { title: "New", tags: ["a", "b"], dueDate: "2999-01-02" })',
    "todoStart(id: $id)",
    "todoComplete(id: $id)",
    "todoMove(id: $id, to: { listId: $list, sectionId: $section, place: { last: true } })",
    "todoMove(id: $id, to: { listId: null })",
    "todoMove(id: $id, to: { listId: $list, place: { first: true } })",
    'todoSnooze(id: $id, until: "2999-01-01T00:00:00Z")',
    'reminderAdd(todoId: $id, input: { at: "2999-01-01T00:00:00Z" })',
    "todoDelete(id: $id)",
    "todoRestore(id: $id)",
    "todoBulkUpdate(ids: [$id, $other], action: { setPriority: URGENT })",
    "todoBulkMove(ids: [$id, $other], to: { listId: $list, place: { first: true } })",
    "todoBulkDelete(ids: [$id, $other])",
    "todoBulkRestore(ids: [$id, $other])",
    'todoCreate(input: { title: "Inbox" })',
    'todoCreate(input: { title: "List", tags: ["a"], to: { listId: $list } })',
    'todoBulkCreate(inputs: [{ title: "One", to: { parentId: $id } }, { title: "Two" }])',
    'listUpdate(id: $list, input: { name: "New" })',
    "listMove(id: $list, place: { first: true })",
    'sectionUpdate(id: $section, name: "New")',
    "sectionDelete(id: $section)",
    "listDelete(id: $list)",
    "listRestore(id: $list)",
)


async def test_who_shares_nothing_writes_as_before(
    account: Account, recorded: Callable[[], AbstractContextManager[Statements]]
) -> None:
    """Each statement of a write of somebody who shares nothing is the stored one, and none is about members."""
    list_id = (await make_list(account))["id"]
    section = (await make_section(account, list_id))["id"]
    id, other = [todo["id"] for todo in await account.create_many([{"title": "Sow"}] * 2)]
    ids = {"id": id, "other": other, "list": list_id, "section": section}
    with recorded() as sent:
        for write in WRITES:
            used = {name: value for name, value in ids.items() if f"${name}" in write}
            declared = ", ".join(f"${name}: ID!" for name in used)
            head = f"mutation ({declared})" if used else "mutation"
            document = f"{head} {{ payload: {write} {{ {ERRORS} }} }}"
            payload = (await account.data(document, **used))["payload"]
            assert payload["errors"] == [], write
    texts = sorted({" ".join(text.split()) for text in sent.texts})
    if os.environ.get("STORE_STATEMENTS"):
        STORED.write_text("\n".join(texts) + "\n")
    assert texts == STORED.read_text().splitlines()
    assert not [text for text in texts if "list_members" in text or "INTO spans" in text]
