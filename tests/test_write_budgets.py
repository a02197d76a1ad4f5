"""How many statements a write takes, however many todos it is about."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Account

# Who asks is one statement of every operation.
VIEWER = 1


def writes(number: int) -> dict[str, tuple[str, int]]:
    """Mutations of so many todos, and how many statements each takes, BEGIN and COMMIT too."""
    inputs = ", ".join(f'{{ title: "{n}", tags: ["all", "b{n}"] }}' for n in range(number))
    return {
        "create": ('todoCreate(input: { title: "x", tags: ["all", "new"] })', 7),
        "create without tags": ('todoCreate(input: { title: "x" })', 5),
        "update": ('todoUpdate(id: "TODO", input: { title: "x" })', 6),
        "update of tags": ('todoUpdate(id: "TODO", input: { tags: ["all", "x"] })', 10),
        "update of nothing": ('todoUpdate(id: "TODO", input: {})', 4),
        "delete": ('todoDelete(id: "TODO")', 7),
        "bulk create": (f"todoBulkCreate(inputs: [{inputs}])", 7),
        "bulk complete": ("todoBulkUpdate(ids: IDS, action: { setStatus: COMPLETED })", 6),
        "bulk tag": ('todoBulkUpdate(ids: IDS, action: { addTags: ["more"] })', 8),
        "bulk delete": ("todoBulkDelete(ids: IDS)", 7),
    }


@pytest.mark.parametrize("number", [2, 40])
@pytest.mark.parametrize("name", writes(1))
async def test_a_write_is_a_handful_of_statements(
    account: Account, recorded: Callable[[], Any], name: str, number: int
) -> None:
    """However many todos it is about."""
    todos = await account.create_many(
        [{"title": f"Todo {n}", "tags": [f"t{n}", "all"]} for n in range(number)]
    )
    mutation, budget = writes(number)[name]
    ids = ", ".join(f'"{todo["id"]}"' for todo in todos)
    mutation = mutation.replace("TODO", todos[0]["id"]).replace("IDS", f"[{ids}]")
    with recorded() as statements:
        data = await account.data(f"mutation {{ payload: {mutation} {{ errors {{ code }} }} }}")
    assert data["payload"]["errors"] == []
    assert len(statements) == VIEWER + budget, statements.texts
