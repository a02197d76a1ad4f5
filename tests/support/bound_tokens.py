"""Somebody whose API token is bound to some of their lists, with things of every kind in and out of these."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.support.accounts import Account, Client, registered
from tests.support.api_tokens import issued
from tests.support.comments import commented
from tests.support.lists import make_list, make_section, put_in_list, put_under
from tests.support.reminders import added, relative
from tests.support.sharing import share
from todo_gql.database.connection import fetch
from todo_gql.database.models import ListRole
from todo_gql.features.registry import TABLES

DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"
INVITE = """
mutation ($id: ID!) {
  listInvite(id: $id, input: { usernameOrEmail: "quetzal@example.com" }) { ok errors { code } }
}
"""
INVITATIONS = "SELECT id FROM invitations WHERE list_id = $1"
MEMBERS = "SELECT id FROM list_members WHERE list_id = $1 AND user_id <> $2"


@dataclass(frozen=True)
class Bound:
    """Who has the token, and the ids of what it opens and of what it doesn't, by what they are."""

    account: Account
    token: str
    people: tuple[Account, ...]
    inside: dict[str, str]
    outside: dict[str, str]
    marks: frozenset[str]

    async def execute(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to an operation by the token."""
        return await self.account.execute(query, variables, self.token)

    async def rows(self) -> dict[str, list[str]]:
        """All that is stored of everybody, but when the token was used."""
        return {
            f"{person.username} {table.name}": [
                row["row"]
                for row in await fetch(
                    f"SELECT to_jsonb(x)::text AS row FROM {table.name} x WHERE {table.owner} = $1"
                    " ORDER BY to_jsonb(x)::text",
                    UUID(person.id),
                )
            ]
            for person in self.people
            for table in TABLES
            if table.owner and table.name != "api_tokens"
        }


async def filled_list(
    viewer: Account, owner: Account, member: Account, word: str
) -> dict[str, str]:
    """The ids of a list, in which the viewer is, and of what is in it, each with a word in its text."""
    list_id = (await make_list(owner, name=f"List {word}"))["id"]
    await share(owner, list_id, member)
    if viewer is not owner:
        await share(owner, list_id, viewer, ListRole.MANAGER)
    section = await make_section(owner, list_id, f"Section {word}")
    ids = {
        name: (await owner.create(title=f"{name} {word}", tags=[f"tag-{word.lower()}"]))["id"]
        for name in ("todo", "subtask", "trashed todo")
    }
    await put_in_list(owner, list(ids.values()), list_id, section["id"])
    await put_under(owner, ids["subtask"], ids["todo"])
    ids["comment"] = (await commented(owner, ids["todo"], f"Comment {word}"))["id"]
    ids["reminder"] = (await added(viewer, ids["todo"], relative("-PT1H")))["id"]
    await owner.data(DELETE, id=ids["trashed todo"])
    assert (await owner.data(INVITE, id=list_id))["listInvite"]["ok"]
    [invitation] = await fetch(INVITATIONS, UUID(list_id))
    [row, *_] = await fetch(MEMBERS, UUID(list_id), UUID(owner.id))
    ids |= {"invitation": str(invitation["id"]), "member": str(row["id"])}
    return {**ids, "list": list_id, "section": section["id"]}


async def bound_token(client: Client, *, in_lists_of_others: bool) -> Bound:
    """An account with a token of one of its lists, and of one of somebody else's if it is in such lists."""
    account, friend = await registered(client), await registered(client)
    inside = await filled_list(account, account, friend, "Inside")
    outside = await filled_list(account, account, friend, "Outside")
    outside["inbox todo"] = (await account.create(title="Inbox Outside"))["id"]
    lists = [inside["list"]]
    if in_lists_of_others:
        third = await registered(client)
        theirs = await filled_list(account, friend, third, "Inside")
        inside |= {f"shared {name}": id for name, id in theirs.items()}
        lists.append(theirs["list"])
        theirs = await filled_list(account, friend, third, "Outside")
        outside |= {f"shared {name}": id for name, id in theirs.items()}
    marks = frozenset({*outside.values(), "Outside"})
    token = await issued(account, lists=lists)
    people = (account, friend)
    return Bound(account, token, people, inside, outside, marks)


def without(answer: Any, *values: str) -> str:
    """An answer as text, without these values."""
    text = json.dumps(answer, ensure_ascii=False)
    for value in values:
        text = text.replace(value, "…")
    return text
