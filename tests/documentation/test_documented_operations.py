"""The documentation's operations, each executed by somebody signed in."""

import asyncio
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tests.documentation.blocks import Block, blocks_in
from tests.support.accounts import PASSWORD, Account
from tests.support.field_requests import told
from tests.support.inboxes import entered, entry, watched
from tests.support.webhook_endpoints import Endpoint, connect
from todo_gql.inbox.wake_ups import announce

OPERATIONS = blocks_in("graphql")
COST = re.compile(r"#.*= (\d+)$", re.MULTILINE)


def registration() -> dict[str, object]:
    """The input of somebody new."""
    name = f"ada-{uuid4().hex[:12]}"
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD}


CREATE_LIST = 'mutation { listCreate(input: { name: "Home" }) { list { id } } }'
COMPLETE = "mutation ($id: ID!) { todoComplete(id: $id) { completedOccurrence { id } } }"
REPEATING = {"title": "Run", "dueDate": "2999-01-05", "recurrence": {"rule": "FREQ=WEEKLY"}}
VALUES = {
    "until": "2999-01-01T00:00:00Z",
    "title": "Water the plants",
    "name": "Garden",
    "password": PASSWORD,
    "version": 1,
    "filter": {},
}
"""What is passed for any other variable, by its name."""


async def list_id(account: Account) -> str:
    """A new list."""
    return str((await account.data(CREATE_LIST))["listCreate"]["list"]["id"])


async def repeating_id(account: Account) -> str:
    """A new todo that repeats."""
    return str((await account.create(**REPEATING))["id"])


async def occurrence_id(account: Account) -> str:
    """The copy of a completed occurrence."""
    payload = (await account.data(COMPLETE, id=await repeating_id(account)))["todoComplete"]
    return str(payload["completedOccurrence"]["id"])


async def webhook_id(account: Account) -> str:
    """A new webhook."""
    return (await connect(account, Endpoint("https://hooks.example.com/documented"))).id


CREATED = {
    "webhookId": webhook_id,
    "listId": list_id,
    "repeatingId": repeating_id,
    "occurrenceId": occurrence_id,
}
"""What is created for a variable, by its name."""
INPUTS: dict[str, Callable[[], dict[str, object]]] = {
    "RegisterInput": registration,
    "TodoCreateInput": lambda: {"title": "Water the plants", "tags": ["home", "garden"]},
}
"""What is passed for an input object, by its type."""


class Spreads(Visitor):
    """The names of the fragments that a document spreads."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        """Note one."""
        self.names.add(node.name.value)


def fragments_before(block: Block) -> dict[str, FragmentDefinitionNode]:
    """The fragments of the page, down to the block: they needn't be written twice."""
    found: dict[str, FragmentDefinitionNode] = {}
    for other in OPERATIONS:
        if other.page == block.page and other.line <= block.line:
            for each in parse(other.text).definitions:
                if isinstance(each, FragmentDefinitionNode):
                    found[each.name.value] = each
    return found


def whole(block: Block, operation: OperationDefinitionNode) -> str:
    """One operation of a block, with the fragments that it needs."""
    known, needed = fragments_before(block), dict[str, FragmentDefinitionNode]()
    asked: list[Node] = [operation]
    while asked:
        spreads = Spreads()
        visit(asked.pop(), spreads)
        for name in spreads.names - needed.keys():
            needed[name] = known[name]
            asked.append(known[name])
    return print_ast(DocumentNode(definitions=(operation, *needed.values())))


async def value_of(variable: VariableDefinitionNode, account: Account) -> Any:
    """What is passed for a variable, by its name."""
    match variable.variable.name.value:
        case name if name in CREATED:
            return await CREATED[name](account)
        case "id" | "parentId":
            return (await account.create())["id"]
        case "ids":
            return [(await account.create())["id"], str(uuid4())]
        case "after" | "cursor":
            await account.create()
            return (await account.data("{ changeCursor }"))["changeCursor"]
        case "input":
            return INPUTS[print_ast(variable.type).rstrip("!")]()
        case name if name in VALUES:
            return VALUES[name]
        case name:
            pytest.fail(f"Say here what is passed for ${name}.")


def refused(value: Any) -> list[Any]:
    """All that is data in `errors`, but for ids that are nobody's."""
    if isinstance(value, list):
        return [error for each in value for error in refused(each)]
    if not isinstance(value, dict):
        return []
    here = [error for error in value.get("errors", ()) if error["code"] != "NOT_FOUND"]
    return here + [error for each in value.values() for error in refused(each)]


async def notified(account: Account, document: str) -> list[dict[str, Any]]:
    """The first event of a subscription to the inbox."""
    following = asyncio.create_task(told(account, document, {}, None, number=1))
    await watched(account)
    await entered(entry(account))
    announce([UUID(account.id)])
    return await following


@pytest.mark.parametrize("block", OPERATIONS, ids=str)
async def test_a_documented_operation_works(block: Block, account: Account) -> None:
    """It is valid, does what it says without errors, and costs what is said."""
    operations = [
        each for each in parse(block.text).definitions if isinstance(each, OperationDefinitionNode)
    ]
    assert operations
    for operation in operations:
        document = whole(block, operation)
        variables = {
            each.variable.name.value: await value_of(each, account)
            for each in operation.variable_definitions or ()
        }
        if "notifications {" in document and operation.operation is OperationType.SUBSCRIPTION:
            answers = await notified(account, document)
        elif operation.operation is OperationType.SUBSCRIPTION:
            await account.create(title="Told of")
            last = (await account.data("{ changeCursor }"))["changeCursor"]
            answers = await told(account, document, variables, last)
        else:
            answers = [(await account.post(document, variables, account.token)).json()]
        assert [each for each in answers if "errors" in each] == []
        assert refused([each["data"] for each in answers]) == []
        if cost := COST.search(block.text):
            assert answers[0]["extensions"]["cost"]["requested"] == int(cost[1])
