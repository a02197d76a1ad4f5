"""What API tokens open by their scopes."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.accounts import Account, Client
from tests.support.api_tokens import ALL_SCOPES, issued, refusals
from tests.support.lists import make_list, make_todos
from todo_gql.database.models import User
from todo_gql.security.api_tokens import new_token

RETITLE = """
mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "Other" }) { todo { title } errors { code } } }
"""
GRAPHQL = "application/graphql-response+json"


async def test_a_token_opens_what_its_scopes_name(account: Account) -> None:
    """A token with TODOS_READ reads its owner's todos."""
    todo = await account.create(title="Milk")
    token = await issued(account, "TODOS_READ")
    answer = await account.execute("{ todos { nodes { id title } } }", None, token)
    assert answer == {"data": {"todos": {"nodes": [{"id": todo["id"], "title": "Milk"}]}}}


async def test_a_missing_scope_is_named_at_the_root_field(account: Account) -> None:
    """A write with a token that only reads says which scope it needs, and where."""
    todo = await account.create()
    token = await issued(account, "TODOS_READ")
    [error] = await refusals(
        account, RETITLE.replace("todoUpdate", "once: todoUpdate"), token, id=todo["id"]
    )
    assert error["path"] == ["once"]
    assert error["extensions"] == {
        "code": "FORBIDDEN",
        "requiredScope": "TODOS_WRITE",
        "reason": "MISSING_SCOPE",
    }
    assert "TODOS_WRITE" in error["message"]


async def test_nothing_runs_of_an_operation_that_a_scope_is_missing_for(account: Account) -> None:
    """One field without its scope refuses the whole operation before the first field is executed."""
    todo = await account.create(title="Milk")
    token = await issued(account, "TODOS_WRITE")
    query = """
    mutation ($id: ID!) {
      first: todoUpdate(id: $id, input: { title: "Other" }) { errors { code } }
      commentCreate(todoId: $id, input: { body: "x" }) { errors { code } }
    }
    """
    [error] = await refusals(account, query, token, id=todo["id"])
    assert error["path"] == ["commentCreate"]
    data = await account.data("query ($id: ID!) { todo(id: $id) { title version } }", id=todo["id"])
    assert data["todo"] == {"title": "Milk", "version": 1}


async def test_each_root_field_has_its_error(account: Account) -> None:
    """All scopes that are missing are said at once, through fragments and aliases too."""
    token = await issued(account, "TODOS_READ")
    query = """
    query { changeCursor ...Others }
    fragment Others on Query { me: viewer { id } ... { notifications { unreadCount } sessions { id } } }
    """
    errors = await refusals(account, query, token)
    assert {(error["path"][0], error["extensions"]["requiredScope"]) for error in errors} == {
        ("me", "PROFILE_READ"),
        ("notifications", "PROFILE_READ"),
        ("sessions", None),
    }


@pytest.mark.parametrize("accept", [GRAPHQL, "application/json"])
async def test_a_missing_scope_is_never_unauthorized(account: Account, accept: str) -> None:
    """The status is 403, and no challenge asks to sign in again."""
    token = await issued(account, "TODOS_READ")
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    answer = await account.http.post(
        "/graphql", json={"query": "{ viewer { id } }"}, headers=headers
    )
    assert answer.status_code == 403
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize(
    "query",
    [
        "{ sessions { id } }",
        "{ pushSubscriptions { id } }",
        "{ users { nodes { id } } }",
        "mutation { logout { ok } }",
        'mutation { login(input: {usernameOrEmail: "a", password: "b"}) { errors { code } } }',
        'mutation { accountDelete(currentPassword: "x") { ok } }',
        'mutation { emailVerify(token: "x") { errors { code } } }',
        "mutation { profileUpdate(input: {}) { errors { code } } }",
    ],
)
async def test_no_scope_opens_credentials(account: Account, query: str) -> None:
    """A token with every scope opens neither credentials nor sessions nor administration."""
    [error] = await refusals(account, query, await issued(account, *ALL_SCOPES))
    assert error["extensions"]["requiredScope"] is None
    assert error["extensions"]["reason"] == "SESSIONS_ONLY"


async def test_the_token_of_a_superuser_administers_nothing(account: Account) -> None:
    """A token has no right of an administrator, whoever owns it."""
    await User.filter(id=account.id).update(is_superuser=True)
    token = await issued(account)
    await refusals(account, "{ users { nodes { id } } }", token)


async def test_the_id_of_a_session_is_no_node_for_a_token(account: Account) -> None:
    """What a scope doesn't open stays closed when it is asked for by its id."""
    data = await account.data("{ sessions { id } }")
    session_id = data["sessions"][0]["id"]
    query = "query ($id: ID!, $ids: [ID!]!) { node(id: $id) { id } nodes(ids: $ids) { id } }"
    variables = {"id": session_id, "ids": [session_id, account.id]}
    assert (await account.data(query, **variables))["node"] == {"id": session_id}
    answer = await account.execute(query, variables, await issued(account, *ALL_SCOPES))
    assert answer["data"] == {"node": None, "nodes": [None, {"id": account.id}]}


async def test_a_write_alone_reads_nothing_beyond_its_object(account: Account) -> None:
    """The payload of a write shows what was written; a way on from there takes a scope to read."""
    list_id = (await make_list(account))["id"]
    [todo_id] = await make_todos(account, 1, list_id)
    token = await issued(account, "TODOS_WRITE")
    answer = await account.execute(RETITLE, {"id": todo_id}, token)
    assert answer["data"]["todoUpdate"] == {"todo": {"title": "Other"}, "errors": []}
    query = """
    mutation ($id: ID!) { todoUpdate(id: $id, input: {}) { todo { list { todos { nodes { id } } } } } }
    """
    [error] = await refusals(account, query, token, id=todo_id)
    assert error["path"] == ["todoUpdate"]
    assert error["extensions"]["requiredScope"] == "TODOS_READ"


async def test_the_profile_is_closed_without_its_scope(account: Account) -> None:
    """A token that reads todos sees of their owner what others see."""
    await account.create()
    token = await issued(account, "TODOS_READ")
    query = "{ todos { nodes { owner { username email } } } }"
    nodes = (await account.execute(query, None, token))["data"]["todos"]["nodes"]
    assert nodes == [{"owner": {"username": account.username, "email": None}}]
    token = await issued(account, "TODOS_READ", "PROFILE_READ")
    nodes = (await account.execute(query, None, token))["data"]["todos"]["nodes"]
    assert nodes == [{"owner": {"username": account.username, "email": account.email}}]


async def test_introspection_takes_no_scope(account: Account) -> None:
    """What the schema says is no secret of anybody's."""
    token = await issued(account, "WEBHOOKS")
    answer = await account.execute("{ __typename __schema { queryType { name } } }", None, token)
    assert answer["data"]["__schema"] == {"queryType": {"name": "Query"}}


async def test_a_token_that_opens_nothing_makes_a_request_anonymous(
    account: Account, client: Client
) -> None:
    """An unknown, an expired, and a mistyped token are answered like any other invalid one."""
    good = await issued(account)
    expired = await issued(account, expires_in=timedelta(seconds=-1))
    unknown = new_token()
    mistyped = good[:-8] + ("a" if good[-8] != "a" else "b") + good[-7:]
    for token, says_why in ((expired, False), (unknown, False), (mistyped, True)):
        answer = await client.post("{ viewer { id } }", None, token)
        assert answer.json()["data"] == {"viewer": None}
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith('Bearer error="invalid_token"')
        assert ("mistyped" in challenge) is says_why, token


async def test_a_list_of_scopes_of_a_newer_release_opens_what_is_known(account: Account) -> None:
    """A name that this release doesn't know is no error, and opens nothing."""
    token = await issued(account, "PROFILE_READ", "FROM_THE_FUTURE")
    answer: dict[str, Any] = await account.execute("{ viewer { id } }", None, token)
    assert answer["data"] == {"viewer": {"id": account.id}}
