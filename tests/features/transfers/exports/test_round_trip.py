"""An export that is imported into another account gives the same things, in the same order."""

from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.comments import commented
from tests.support.exports import Archive, exported
from tests.support.reminders import added, relative
from tests.support.transfers import imported
from todo_gql.database.models import User
from todo_gql.seeding.insert import seed_account
from todo_gql.settings import Settings

SAME = (
    "title", "description", "status", "priority", "tags", "metadata", "dueDate", "dueAt", "startDate", "startAt",
    "completedAt", "createdAt", "estimatedMinutes", "actualMinutes",
)  # fmt: skip


def lists_of(archive: Archive) -> list[dict[str, Any]]:
    """The lists outside the trash in their order, without ids."""
    kept = [one for one in archive.of("list") if "deletedAt" not in one]
    return [
        {key: one.get(key) for key in ("name", "description", "color")}
        | {
            "isArchived": "archivedAt" in one,
            "sections": [section["name"] for section in one.get("sections", ())],
        }
        for one in sorted(kept, key=lambda one: str(one["position"]))
    ]


def todos_of(archive: Archive) -> dict[str, list[dict[str, Any]]]:
    """The todos outside the trash by the names of their lists, each list in its order, without ids."""
    names = {one["id"]: one["name"] for one in archive.of("list")}
    sections = {
        part["id"]: part["name"] for one in archive.of("list") for part in one.get("sections", ())
    }
    todos = [one for one in archive.of("todo") if "deletedAt" not in one]
    titles = {one["id"]: one["title"] for one in todos}
    by_list: dict[str, list[dict[str, Any]]] = {}
    for one in todos:
        rule = one.get("recurrence", {})
        facts = {key: one.get(key) for key in SAME} | {
            "section": sections.get(one.get("sectionId", "")),
            "parent": titles.get(one.get("parentId", "")),
            "rule": (rule.get("rule"), rule.get("mode")) if one["status"] != "COMPLETED" else None,
            "reminders": sorted(
                (each.get("at", ""), each.get("anchor", ""), each.get("offset", ""))
                for each in one.get("reminders", ())
            ),
            "comments": [(each["body"], each["createdAt"]) for each in one.get("comments", ())],
        }
        by_list.setdefault(names.get(one.get("listId", ""), ""), []).append(facts)
    return by_list


async def add_parts(account: Account, archive: Archive) -> None:
    """Give some of an account's todos comments and reminders."""
    present = [one for one in archive.of("todo") if "deletedAt" not in one]
    for one in present[::7]:
        await commented(account, one["id"], f"On *{one['title']}*, `code` and\nanother line")
        await commented(account, one["id"], "Again")
    for one in present[::5]:
        if one["status"] in ("PENDING", "IN_PROGRESS"):
            await added(account, one["id"], {"at": "2999-01-02T03:04:05.000006Z"})
            if "dueAt" in one or "dueDate" in one:
                await added(account, one["id"], relative("-PT2H"))


@pytest.mark.parametrize("seed", [1, 2])
async def test_another_account_gets_the_same(
    account: Account, new_account: NewAccount, settings: Settings, seed: int
) -> None:
    """Lists, sections, todos, their order, dates, rules, tags, comments and reminders are those of the export."""
    owner = await User.get(id=UUID(account.id))
    await seed_account(owner, 80, Random(seed), lambda _: None)
    await add_parts(account, await exported(account, settings))
    before = await exported(account, settings)
    other = await new_account()
    report = await imported(other, settings, "export.zip", before.content)
    assert report["state"] == "DONE", report
    after = await exported(other, settings)
    assert lists_of(after) == lists_of(before)
    expected, found = todos_of(before), todos_of(after)
    assert {name: len(todos) for name, todos in found.items()} == {
        name: len(todos) for name, todos in expected.items()
    }
    for name, todos in expected.items():
        for index, todo in enumerate(todos):
            assert (name, index, found[name][index]) == (name, index, todo)
    again = await imported(other, settings, "export.zip", before.content)
    assert again["counts"].get("todos", 0) == 0
