"""What people do first: the scenarios that every TODO tutorial goes through."""

import asyncio
from typing import Any

from tests.support.accounts import CREATE, PASSWORD, Account, Client

LOGIN = """
mutation ($input: LoginInput!) {
  login(input: $input) { user { username } tokens { accessToken } errors { code } }
}
"""
UPDATE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) {
    todo { status completedAt actualMinutes isCompleted }
    errors { code }
  }
}
"""


async def test_somebody_registers_and_signs_in(account: Account, client: Client) -> None:
    """The right password opens the account that was made."""
    sent = {"usernameOrEmail": account.username, "password": PASSWORD}
    payload = (await client.execute(LOGIN, {"input": sent}))["data"]["login"]
    assert payload["user"] == {"username": account.username}
    token = payload["tokens"]["accessToken"]
    viewer = await client.execute("{ viewer { username } }", token=token)
    assert viewer["data"]["viewer"] == {"username": account.username}


async def test_a_wrong_password_opens_nothing(account: Account, client: Client) -> None:
    """It is told as data, without tokens."""
    sent = {"usernameOrEmail": account.username, "password": "Wrong1password"}
    payload = (await client.execute(LOGIN, {"input": sent}))["data"]["login"]
    assert payload == {"user": None, "tokens": None, "errors": [{"code": "INVALID_CREDENTIALS"}]}


async def test_a_todo_is_created_with_tags(account: Account) -> None:
    """The tags come back in alphabetical order."""
    todo = await account.create(title="Learn GraphQL", tags=["study", "GraphQL"], priority="HIGH")
    assert todo["title"] == "Learn GraphQL"
    assert [tag["name"] for tag in todo["tags"]] == ["graphql", "study"]
    assert (todo["priority"], todo["status"]) == ("HIGH", "PENDING")


async def test_todos_are_filtered_by_status(account: Account) -> None:
    """Only those with the status are listed."""
    await account.create(title="open")
    await account.create(title="done", status="COMPLETED")
    listed = "{ todos(filter: { status: { eq: COMPLETED } }) { nodes { title } totalCount } }"
    assert (await account.data(listed))["todos"] == {"nodes": [{"title": "done"}], "totalCount": 1}


async def test_todos_are_searched(account: Account) -> None:
    """Todos are searched in title and description, without regard to case."""
    await account.create(title="Buy MILK")
    await account.create(title="Breakfast", description="eggs and milk")
    await account.create(title="Bread")
    listed = '{ todos(filter: { search: "Milk" }, sort: { field: TITLE }) { nodes { title } } }'
    titles = [todo["title"] for todo in (await account.data(listed))["todos"]["nodes"]]
    assert titles == ["Breakfast", "Buy MILK"]


async def test_a_todo_is_completed_with_the_minutes_it_took(account: Account) -> None:
    """Completing sets the time of completion."""
    todo = await account.create(estimatedMinutes=30)
    sent = {"status": "COMPLETED", "actualMinutes": 45}
    payload = (await account.data(UPDATE, id=todo["id"], input=sent))["todoUpdate"]
    assert payload["errors"] == []
    assert payload["todo"]["completedAt"] is not None
    assert (payload["todo"]["actualMinutes"], payload["todo"]["isCompleted"]) == (45, True)


async def test_a_deleted_todo_is_not_found(account: Account) -> None:
    """Neither by its id nor by a second delete."""
    todo = await account.create()
    delete = "mutation ($id: ID!) { todoDelete(id: $id) { todo { id } errors { code path } } }"
    assert (await account.data(delete, id=todo["id"]))["todoDelete"]["errors"] == []
    found = await account.data("query ($id: ID!) { todo(id: $id) { id } }", id=todo["id"])
    assert found["todo"] is None
    again = (await account.data(delete, id=todo["id"]))["todoDelete"]
    assert again == {"todo": None, "errors": [{"code": "NOT_FOUND", "path": ["id"]}]}


async def test_stats_count_what_there_is(account: Account) -> None:
    """Stats count by status, with the rate of completion and what is overdue."""
    for status in ("PENDING", "PENDING", "IN_PROGRESS", "COMPLETED", "CANCELLED"):
        await account.create(status=status, dueAt="2020-01-01T00:00:00Z")
    stats = await account.data(
        "{ stats { total pending inProgress completed cancelled overdue completionRate } }"
    )
    assert stats["stats"] == {
        "total": 5,
        "pending": 2,
        "inProgress": 1,
        "completed": 1,
        "cancelled": 1,
        "overdue": 3,
        "completionRate": 20.0,
    }


async def test_three_todos_are_completed_at_once(account: Account) -> None:
    """A bulk action changes them all."""
    ids = [todo["id"] for todo in await account.create_many([{"title": f"{n}"} for n in range(3)])]
    payload = await account.data(
        "mutation ($ids: [ID!]!) { todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED }) {"
        " processed updated results { todo { status } } errors { code } } }",
        ids=ids,
    )
    assert payload["todoBulkUpdate"] == {
        "processed": 3,
        "updated": 3,
        "results": [{"todo": {"status": "COMPLETED"}}] * 3,
        "errors": [],
    }


async def test_fifty_todos_are_created_at_once(account: Account) -> None:
    """Each request gets its todo, and the log has one change for each."""
    inputs: list[dict[str, Any]] = [{"input": {"title": f"Todo {n}"}} for n in range(50)]
    answers = await asyncio.gather(*(account.execute(CREATE, sent) for sent in inputs))
    made = {answer["data"]["todoCreate"]["todo"]["title"] for answer in answers}
    assert made == {f"Todo {n}" for n in range(50)}
    read = await account.data("{ todos { totalCount } changes(first: 100) { nodes { todoId } } }")
    assert read["todos"]["totalCount"] == 50
    assert len({change["todoId"] for change in read["changes"]["nodes"]}) == 50


async def test_a_hundred_todos_come_in_pages_of_twenty(account: Account) -> None:
    """Five pages show each of them once."""
    made = await account.create_many([{"title": f"Todo {n:03}"} for n in range(100)])
    page = (
        "query ($after: String) { todos(first: 20, after: $after) {"
        " nodes { id } pageInfo { hasNextPage endCursor } } }"
    )
    seen: list[str] = []
    pages, after, more = 0, None, True
    while more:
        listed = (await account.data(page, after=after))["todos"]
        seen += [todo["id"] for todo in listed["nodes"]]
        after, more = listed["pageInfo"]["endCursor"], listed["pageInfo"]["hasNextPage"]
        pages += 1
    assert pages == 5
    assert seen == [todo["id"] for todo in reversed(made)]
