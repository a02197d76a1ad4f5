"""Lists that people share by the API, for tests of the example page."""

from typing import Any

from tests.examples.backend import Person

CREATE_LIST = 'mutation { listCreate(input: { name: "Home" }) { list { id } errors { code } } }'
INVITE = """
mutation ($id: ID!, $whom: String!, $role: ListRole!) {
  listInvite(id: $id, input: { usernameOrEmail: $whom, role: $role }) { errors { code } }
}
"""
INVITATIONS = "{ invitations { nodes { id } } }"
ACCEPT = "mutation ($id: ID!) { invitationAccept(id: $id) { list { id } errors { code } } }"
MEMBERS = """
query ($id: ID!) { node(id: $id) { ... on TodoList { members { nodes { id role user { id username } } } } } }
"""
CHANGE_ROLE = """
mutation ($id: ID!, $role: ListRole!) { memberUpdate(id: $id, role: $role) { errors { code } } }
"""
REMOVE = "mutation ($id: ID!) { memberRemove(id: $id) { errors { code } } }"
CREATE = """
mutation ($input: TodoCreateInput!) { todoCreate(input: $input) { todo { id } errors { code } } }
"""
COMMENT = """
mutation ($id: ID!, $body: String!) {
  commentCreate(todoId: $id, input: { body: $body }) { errors { code } }
}
"""
COMMENTS = "query ($id: ID!) { node(id: $id) { ... on Todo { comments { nodes { body } } } } }"


def list_of(person: Person) -> str:
    """A list of somebody's, called Home."""
    list_id: str = person.execute(CREATE_LIST)["listCreate"]["list"]["id"]
    return list_id


def share(owner: Person, list_id: str, friend: Person, role: str = "EDITOR") -> None:
    """Invite somebody to a list and accept it for them."""
    answer = owner.execute(INVITE, id=list_id, whom=friend.username, role=role)
    assert answer["listInvite"]["errors"] == []
    (invitation,) = friend.execute(INVITATIONS)["invitations"]["nodes"]
    assert friend.execute(ACCEPT, id=invitation["id"])["invitationAccept"]["errors"] == []


def member(owner: Person, list_id: str, who: Person) -> dict[str, Any]:
    """Somebody's membership of a list."""
    nodes = owner.execute(MEMBERS, id=list_id)["node"]["members"]["nodes"]
    (found,) = [node for node in nodes if node["user"]["username"] == who.username]
    return dict(found)


def todo_in(owner: Person, list_id: str, title: str) -> str:
    """A new todo in a list."""
    to = {"title": title, "to": {"listId": list_id}}
    todo_id: str = owner.execute(CREATE, input=to)["todoCreate"]["todo"]["id"]
    return todo_id
