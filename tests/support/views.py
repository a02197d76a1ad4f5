"""Operations on saved views."""

from typing import Any

from tests.support.accounts import Account

VIEW = "id name position filter sort isValid version"
ERRORS = "errors { __typename code message path ... on ConflictError { current { id } } }"
SAVE = (
    "mutation ($input: SavedViewInput!) { savedViewCreate(input: $input)"
    f" {{ view {{ {VIEW} }} {ERRORS} }} }}"
)
CHANGE = (
    "mutation ($id: ID!, $input: SavedViewInput!, $version: Int) {"
    " savedViewUpdate(id: $id, input: $input, expectedVersion: $version)"
    f" {{ view {{ {VIEW} }} {ERRORS} }} }}"
)
DELETE = f"mutation ($id: ID!) {{ savedViewDelete(id: $id) {{ ok {ERRORS} }} }}"
VIEWS = f"{{ savedViews {{ {VIEW} }} }}"
TODOS = """
query ($id: ID!, $first: Int, $after: String) {
  node(id: $id) { ... on SavedView { isValid todos(first: $first, after: $after) {
    nodes { title } pageInfo { endCursor hasNextPage } totalCount
  } } }
}
"""


async def save(account: Account, **values: Any) -> dict[str, Any]:
    """A view just saved."""
    sent = {"name": "View", "filter": {}} | values
    payload = (await account.data(SAVE, input=sent))["savedViewCreate"]
    assert payload["errors"] == [], payload
    return dict(payload["view"])


async def refused(account: Account, **values: Any) -> list[tuple[str, ...]]:
    """The codes and paths of the errors of a view that isn't saved."""
    sent = {"name": "View", "filter": {}} | values
    payload = (await account.data(SAVE, input=sent))["savedViewCreate"]
    return sorted((error["code"], *error["path"]) for error in payload["errors"])


async def shown(account: Account, id: str) -> list[str]:
    """The titles of the todos of a view."""
    view = (await account.data(TODOS, id=id))["node"]
    assert view["todos"]["totalCount"] == len(view["todos"]["nodes"])
    return [node["title"] for node in view["todos"]["nodes"]]


async def names(account: Account) -> str:
    """The names of all views in order."""
    views = (await account.data(VIEWS))["savedViews"]
    assert [view["position"] for view in views] == sorted(view["position"] for view in views)
    return "".join(view["name"] for view in views)
