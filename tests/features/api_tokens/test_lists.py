"""API tokens that are bound to lists: what they write, and what becomes of the binding."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.api_tokens import issued, issued_with_id
from tests.support.lists import make_list, make_todos
from tests.support.sharing import LEAVE, REMOVE, share, sharing
from todo_gql.database.connection import fetch
from todo_gql.documents.token_access import need_of
from todo_gql.features.api_tokens.inputs import SCOPES_OF_LISTS
from todo_gql.features.lists.trash import purge_lists
from todo_gql.schema import graphql_schema

CREATE = """
mutation ($input: TodoCreateInput!) {
  todoCreate(input: $input) { todo { id list { id } } errors { __typename code path } undoCursor }
}
"""
CREATE_MANY = """
mutation ($inputs: [TodoCreateInput!]!) {
  todoBulkCreate(inputs: $inputs, onError: SKIP_FAILED) {
    results { todo { id list { id } } errors { code path } } errors { code }
  }
}
"""
MOVE = """
mutation ($id: ID!, $to: TodoPlaceInput!) {
  todoMove(id: $id, to: $to) { todo { id list { id } } errors { code path } }
}
"""
LISTS = "{ lists { nodes { id } } }"
BINDING = "SELECT list_ids FROM api_tokens WHERE id = $1"
DELETE_LIST = "mutation ($id: ID!) { listDelete(id: $id) { errors { code } } }"
LONG_AGO = "UPDATE lists SET deleted_at = now() - interval '31 days' WHERE id = $1"


async def lists_of(account: Account, token: str) -> set[str]:
    """The lists that a token shows."""
    answer = await account.execute(LISTS, None, token)
    return {one["id"] for one in answer["data"]["lists"]["nodes"]}


async def binding(token_id: UUID) -> Any:
    """What is stored of the lists that a token is bound to, as JSON."""
    return (await fetch(BINDING, token_id))[0]["list_ids"]


def test_the_scopes_of_bound_tokens_are_those_that_open_something() -> None:
    """A scope that opens nothing to bound tokens is refused for them, and no other one."""
    schema = graphql_schema()
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    needs = [need_of(root, *item) for root in roots if root for item in root.fields.items()]
    assert {need.scope for need in needs if need and need.lists} == SCOPES_OF_LISTS


async def test_a_bound_token_creates_todos_in_its_lists_alone(account: Account) -> None:
    """A new todo goes to a list of the token's; the inbox, and other lists, are closed to it."""
    inside, outside = [(await make_list(account))["id"] for _ in range(2)]
    token = await issued(account, lists=[inside])

    async def created(**values: Any) -> Any:
        sent = {"input": {"title": "Milk", **values}}
        return (await account.execute(CREATE, sent, token))["data"]["todoCreate"]

    payload = await created(to={"listId": inside})
    assert (payload["todo"]["list"], payload["errors"]) == ({"id": inside}, [])
    assert payload["undoCursor"]
    for to, error in (
        (None, ("REQUIRED", ["input", "to"])),
        ({"listId": None}, ("NOT_FOUND", ["input", "to", "listId"])),
        ({"listId": outside}, ("NOT_FOUND", ["input", "to", "listId"])),
    ):
        payload = await created(**({} if to is None else {"to": to}))
        assert payload["todo"] is None
        assert [(one["code"], one["path"]) for one in payload["errors"]] == [error]


async def test_a_bound_token_creates_many_in_its_lists_alone(account: Account) -> None:
    """Many new todos are created where they name a list of the token's, and the others are refused."""
    inside, outside = [(await make_list(account))["id"] for _ in range(2)]
    token = await issued(account, lists=[inside])
    places = [{"to": {"listId": inside}}, {}, {"to": {"listId": outside}}]
    inputs = [{"title": "Milk", **place} for place in places]
    answer = await account.execute(CREATE_MANY, {"inputs": inputs}, token)
    results = answer["data"]["todoBulkCreate"]["results"]
    assert results[0]["todo"]["list"] == {"id": inside}
    assert [[one["code"] for one in result["errors"]] for result in results] == [
        [],
        ["REQUIRED"],
        ["NOT_FOUND"],
    ]


async def test_an_id_outside_the_binding_is_unusable_and_says_nothing(account: Account) -> None:
    """The id of a todo elsewhere gets the answer that one of a stranger's gets."""
    inside = (await make_list(account))["id"]
    hidden = await account.create(title="Hidden")
    token = await issued(account, lists=[inside])
    sent = {"id": hidden["id"], "title": "Milk", "to": {"listId": inside}}
    answer = await account.execute(CREATE, {"input": sent}, token)
    payload = answer["data"]["todoCreate"]
    assert payload["todo"] is None
    assert payload["errors"] == [
        {"__typename": "ValidationError", "code": "INVALID", "path": ["input", "id"]}
    ]
    assert "Hidden" not in str(answer)


async def test_nothing_is_moved_out_of_the_binding(account: Account) -> None:
    """A todo stays in the lists of the token, between which it may be moved."""
    first, second, outside = [(await make_list(account))["id"] for _ in range(3)]
    [id] = await make_todos(account, 1, first)
    token = await issued(account, lists=[first, second])
    for to in ({"listId": outside}, {"listId": None}):
        answer = await account.execute(MOVE, {"id": id, "to": to}, token)
        [error] = answer["data"]["todoMove"]["errors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["to", "listId"])
    answer = await account.execute(MOVE, {"id": id, "to": {"listId": second}}, token)
    assert answer["data"]["todoMove"] == {"todo": {"id": id, "list": {"id": second}}, "errors": []}


@pytest.mark.parametrize("leaves", [True, False], ids=["leaving", "removed"])
async def test_a_list_that_its_owner_leaves_is_taken_out_of_the_binding(
    account: Account, stranger: Account, *, leaves: bool
) -> None:
    """Leaving, or being removed, ends the binding to the list, and doesn't widen it; joining again doesn't renew it."""
    theirs, own = (await make_list(stranger))["id"], (await make_list(account))["id"]
    member_id = await share(stranger, theirs, account)
    token, token_id = await issued_with_id(account, lists=[theirs])
    assert await lists_of(account, token) == {theirs}
    if leaves:
        assert (await sharing(account, LEAVE, id=theirs))["ok"]
    else:
        assert (await sharing(stranger, REMOVE, id=member_id))["ok"]
    assert await binding(token_id) == "[]"
    assert await lists_of(account, token) == set()
    await share(stranger, theirs, account)
    assert await lists_of(account, token) == set()
    assert await lists_of(account, account.token) == {theirs, own}


async def test_a_purged_list_is_taken_out_of_the_binding(account: Account) -> None:
    """A list that is deleted for good is no part of a binding any more; others stay."""
    gone, stays = [(await make_list(account))["id"] for _ in range(2)]
    token, token_id = await issued_with_id(account, lists=[gone, stays])
    await account.data(DELETE_LIST, id=gone)
    assert await lists_of(account, token) == {stays}
    await fetch(LONG_AGO, UUID(gone))
    await purge_lists(30)
    assert await binding(token_id) == f'["{stays}"]'
    assert await lists_of(account, token) == {stays}


async def test_a_binding_without_lists_opens_nothing(account: Account) -> None:
    """A token whose lists are all gone stays bound."""
    todo = await account.create()
    token = await issued(account, lists=[str(uuid4())])
    query = "query ($id: ID!) { todo(id: $id) { id } node(id: $id) { id } todos { totalCount } }"
    answer = await account.execute(query, {"id": todo["id"]}, token)
    assert answer["data"] == {"todo": None, "node": None, "todos": {"totalCount": 0}}


async def test_a_member_can_do_no_more_by_a_token(account: Account, stranger: Account) -> None:
    """A token has its owner's role in a list of somebody else's, and a binding doesn't raise it."""
    theirs = (await make_list(stranger))["id"]
    [id] = await make_todos(stranger, 1, theirs)
    member_id = await share(stranger, theirs, account)
    token = await issued(account, lists=[theirs])
    role = "mutation ($id: ID!) { memberUpdate(id: $id, role: MANAGER) { errors { code } } }"
    answer = await account.execute(role, {"id": member_id}, token)
    assert [one["code"] for one in answer["data"]["memberUpdate"]["errors"]] == ["NOT_ALLOWED"]
    complete = "mutation ($id: ID!) { todoComplete(id: $id) { todo { status } errors { code } } }"
    answer = await account.execute(complete, {"id": id}, token)
    assert answer["data"]["todoComplete"] == {"todo": {"status": "COMPLETED"}, "errors": []}
