"""Transferring a list by its owner, who proves who they are by their password."""

from todo_gql.api.errors import UserError, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.models import ListRole
from todo_gql.features.accounts.account import own_account, wrong_password
from todo_gql.features.lists.payloads import ListPayload
from todo_gql.features.sharing.standing import refusal, standing_in
from todo_gql.features.sharing.transfers import transfer_list
from todo_gql.features.todos.list_loaders import lists_by_id
from todo_gql.features.todos.types import TodoList
from todo_gql.operation.context import Context


async def change_owner(context: Context, id: str, to_id: str, password: str) -> ListPayload:
    """Transfer the viewer's list to another member.

    Raises `Unauthenticated` if nobody is signed in, and `Unavailable` when too many passwords wait.
    """
    viewer, list_id, member_id = context.signed_in(), parse_id(id), parse_id(to_id)
    standing = await standing_in(list_id, viewer.id)
    if refused := refusal(standing, ListRole.OWNER, "id"):
        return ListPayload(errors=[refused])
    errors: list[UserError] = [] if member_id else [not_found("toId")]
    account = await own_account(viewer)
    errors += await wrong_password(account, password, context, "currentPassword")
    if errors or list_id is None or member_id is None:
        return ListPayload(errors=errors)
    if problem := await transfer_list(list_id, viewer.id, member_id, context.settings):
        return ListPayload(errors=[problem])
    context.clear_loaders()
    row = await context.loader(lists_by_id).load(list_id)
    return ListPayload(list=TodoList.from_row(row) if row else None)
