"""Dry runs of mutations of one thing: they tell what would happen, and nothing of it does."""

from typing import Any

from tests.support.accounts import Account

STATE = """
query ($id: ID!) {
  todo(id: $id) {
    id title status version tags { name todoCount } updatedAt reminders { id firesAt }
    subtasks { nodes { id status version } }
    comments { totalCount }
    history { nodes { id } }
  }
  stats { total completed }
  changeCursor
}
"""
FIELDS = (
    "id title status version tags { name } dueDate reminders { firesAt } subtasks { totalCount }"
)
UPDATE = f"""
mutation ($id: ID!, $input: TodoUpdateInput!, $version: Int, $dryRun: Boolean!) {{
  todoUpdate(id: $id, input: $input, expectedVersion: $version, dryRun: $dryRun) {{
    todo {{ {FIELDS} }} completedOccurrence {{ title status }} undoCursor errors {{ code path }}
  }}
}}
"""
UNDO = """
mutation ($cursor: String!, $dryRun: Boolean!) {
  todoUndo(cursor: $cursor, dryRun: $dryRun) {
    processed updated undoCursor errors { code }
    results { todoId todo { id title version deletedAt tags { name } } errors { code } }
  }
}
"""
COMMENT = """
mutation ($todoId: ID!, $body: String!, $dryRun: Boolean!) {
  commentCreate(todoId: $todoId, input: { body: $body }, dryRun: $dryRun) {
    comment { body author { id } todo { id } mentions { id } } errors { code path }
  }
}
"""


async def rehearsed_and_done(
    account: Account, todo_id: str, document: str, **variables: Any
) -> tuple[Any, Any]:
    """What a dry run answers, which must change nothing, and what the same call answers then."""
    before = await account.data(STATE, id=todo_id)
    [rehearsed] = (await account.data(document, **variables, dryRun=True)).values()
    assert await account.data(STATE, id=todo_id) == before
    [done] = (await account.data(document, **variables, dryRun=False)).values()
    return rehearsed, done


async def test_an_update_is_tried_without_a_change(account: Account) -> None:
    """A dry run of an update answers as the update does, without a cursor for undo."""
    todo = await account.create(
        title="Milk",
        tags=["home"],
        dueDate="2030-05-01",
        reminders=[{"relative": {"anchor": "DUE", "offset": "-PT30M"}}],
    )
    await account.create(title="Whole", to={"parentId": todo["id"]})
    values = {"title": "Oat milk", "tags": ["shop", "home"], "dueDate": "2030-05-02"}
    rehearsed, done = await rehearsed_and_done(
        account, todo["id"], UPDATE, id=todo["id"], input=values
    )
    assert rehearsed.pop("undoCursor") is None
    assert done.pop("undoCursor")
    assert rehearsed == done
    assert rehearsed["todo"]["title"] == "Oat milk"


async def test_the_completion_of_an_occurrence_is_tried(account: Account) -> None:
    """A dry run that completes a repeating todo shows its next occurrence and the copy."""
    todo = await account.create(
        title="Water", dueDate="2030-05-01", recurrence={"rule": "FREQ=DAILY"}
    )
    variables = {"id": todo["id"], "input": {"status": "COMPLETED"}}
    rehearsed, done = await rehearsed_and_done(account, todo["id"], UPDATE, **variables)
    assert rehearsed["todo"] == done["todo"]
    assert rehearsed["todo"]["dueDate"] == "2030-05-02"
    assert rehearsed["completedOccurrence"] == {"title": "Water", "status": "COMPLETED"}


async def test_a_dry_run_is_refused_as_the_update_is(account: Account) -> None:
    """A dry run of what would be refused has the same errors."""
    todo = await account.create(title="Milk")
    for variables in (
        {"input": {"title": ""}},
        {"input": {"title": "Oats"}, "version": 7},
    ):
        rehearsed, done = await rehearsed_and_done(
            account, todo["id"], UPDATE, id=todo["id"], **variables
        )
        assert rehearsed == done
        assert rehearsed["errors"]


async def test_an_undo_is_tried_without_a_change(account: Account) -> None:
    """A dry run of undo shows the todos as they would be again."""
    todo = await account.create(title="Milk", tags=["home"])
    values = {"title": "Oats", "tags": ["shop"]}
    updated = await account.data(UPDATE, id=todo["id"], input=values, dryRun=False)
    cursor = updated["todoUpdate"]["undoCursor"]
    rehearsed, done = await rehearsed_and_done(account, todo["id"], UNDO, cursor=cursor)
    assert rehearsed.pop("undoCursor") is None
    assert done.pop("undoCursor")
    assert rehearsed == done
    assert rehearsed["results"][0]["todo"]["title"] == "Milk"
    assert rehearsed["results"][0]["todo"]["tags"] == [{"name": "home"}]


async def test_a_comment_is_tried_without_being_written(account: Account) -> None:
    """A dry run of a comment shows it, and nobody can read it afterwards."""
    todo = await account.create(title="Milk")
    rehearsed, done = await rehearsed_and_done(
        account, todo["id"], COMMENT, todoId=todo["id"], body="Which one?"
    )
    assert rehearsed == done
    assert rehearsed["comment"]["author"]["id"] == account.id


async def test_a_comment_that_is_refused_is_refused_in_a_dry_run(account: Account) -> None:
    """A dry run of a comment without words has the errors that the comment has."""
    todo = await account.create(title="Milk")
    rehearsed, done = await rehearsed_and_done(
        account, todo["id"], COMMENT, todoId=todo["id"], body=" "
    )
    assert rehearsed == done
    assert rehearsed["errors"] == [{"code": "TOO_SHORT", "path": ["input", "body"]}]
