"""What ariadne-codegen makes of the schema, against the running server."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from todo_client import (
    CreateTodoTodoCreateErrorsConflictError,
    ErrorCode,
    GraphQLClientGraphQLMultiError,
    RegisterInput,
    TodoClient,
    TodoCreateInput,
    TodoStatus,
    TodoUpdateInput,
    UpdateTodoTodoUpdateErrorsConflictError,
)

Sent = dict[str, str]


async def signed_up(url: str, newcomer: Callable[[], Sent]) -> tuple[TodoClient, str]:
    """A client that is signed in, and its refresh token."""
    answer = await TodoClient(url).register(RegisterInput(**newcomer()))
    assert answer.register
    assert answer.register.errors == []
    assert answer.register.tokens
    headers = {"Authorization": f"Bearer {answer.register.tokens.access_token}"}
    return TodoClient(url, headers=headers), answer.register.tokens.refresh_token


@pytest.fixture
async def client(url: str, newcomer: Callable[[], Sent]) -> TodoClient:
    """A client of somebody new."""
    return (await signed_up(url, newcomer))[0]


async def create(client: TodoClient, title: str, description: str | None = None) -> str:
    """The id, made here, of a new todo."""
    id = str(uuid4())
    answer = await client.create_todo(TodoCreateInput(id=id, title=title, description=description))
    assert answer.todo_create
    assert answer.todo_create.errors == []
    return id


async def test_the_same_create_again_is_told(client: TodoClient) -> None:
    """The same create sent again is ALREADY_EXISTS, with what is stored."""
    id = await create(client, "Once")
    answer = (await client.create_todo(TodoCreateInput(id=id, title="Once"))).todo_create
    assert answer
    [error] = answer.errors
    assert isinstance(error, CreateTodoTodoCreateErrorsConflictError)
    assert error.code is ErrorCode.ALREADY_EXISTS
    assert error.current
    assert error.current.id == id


async def test_what_is_wrong_is_data(client: TodoClient) -> None:
    """A mistake in the input is data with a code and the path."""
    answer = (await client.create_todo(TodoCreateInput(title=" "))).todo_create
    assert answer
    assert answer.todo is None
    assert [(error.code, error.path) for error in answer.errors] == [
        (ErrorCode.TOO_SHORT, ["input", "title"])
    ]


async def test_an_update_leaves_what_is_absent_and_clears_what_is_null(client: TodoClient) -> None:
    """An update leaves what is absent and clears what is null, so unset fields aren't sent."""
    id = await create(client, "Old", "Kept")
    renamed = (await client.update_todo(id, TodoUpdateInput(title="New"))).todo_update
    assert renamed
    assert renamed.todo
    assert (renamed.todo.title, renamed.todo.description) == ("New", "Kept")
    cleared = (await client.update_todo(id, TodoUpdateInput(description=None))).todo_update
    assert cleared
    assert cleared.todo
    assert (cleared.todo.title, cleared.todo.description) == ("New", None)


async def test_an_update_of_an_old_version_is_a_conflict(client: TodoClient) -> None:
    """An update of an old version is a conflict, with what is stored now."""
    id = await create(client, "Old")
    await client.update_todo(id, TodoUpdateInput(title="New"), expected_version=1)
    late = await client.update_todo(id, TodoUpdateInput(title="Late"), expected_version=1)
    assert late.todo_update
    [error] = late.todo_update.errors
    assert isinstance(error, UpdateTodoTodoUpdateErrorsConflictError)
    assert error.code is ErrorCode.CONFLICT
    assert error.current
    assert error.current.id == id


async def test_a_list_is_read_in_pages_both_ways(client: TodoClient) -> None:
    """A list is read in pages both ways, each todo once, newest first."""
    ids = [await create(client, f"Todo {number}") for number in range(5)]
    forwards: list[str] = []
    after = None
    while True:
        page = (await client.todos(first=2, after=after)).todos
        forwards += [node.id for node in page.nodes]
        after = page.page_info.end_cursor
        if not page.page_info.has_next_page:
            break
    backwards: list[str] = []
    before = None
    while True:
        page = (await client.todos(last=2, before=before)).todos
        backwards = [node.id for node in page.nodes] + backwards
        before = page.page_info.start_cursor
        if not page.page_info.has_previous_page:
            break
    assert forwards == backwards == ids[::-1]


async def test_a_bulk_action_skips_what_fails(client: TodoClient) -> None:
    """A bulk action skips what fails and does the rest."""
    answer = (
        await client.complete_todos([await create(client, "Do"), str(uuid4())])
    ).todo_bulk_update
    assert answer
    assert (answer.processed, answer.updated) == (1, 1)
    done, failed = answer.results
    assert done.todo
    assert done.todo.status is TodoStatus.COMPLETED
    assert [error.code for error in failed.errors] == [ErrorCode.NOT_FOUND]


async def test_tokens_are_traded(url: str, newcomer: Callable[[], Sent]) -> None:
    """Tokens are refreshed, and whoever has none gets an error."""
    _, refresh_token = await signed_up(url, newcomer)
    answer = (await TodoClient(url).refresh(refresh_token)).token_refresh
    assert answer
    assert answer.tokens
    headers = {"Authorization": f"Bearer {answer.tokens.access_token}"}
    assert (await TodoClient(url, headers=headers).todos()).todos.total_count == 0
    with pytest.raises(GraphQLClientGraphQLMultiError, match="Sign in first"):
        await TodoClient(url).todos()
