"""How operations of tools run: in their time, on either engine, and where clients may send no documents."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account, visiting
from tests.support.agents import call, post_message
from tests.support.attachments import put_file
from todo_gql.app import create_app
from todo_gql.database.connection import transaction
from todo_gql.http.graphql import endpoint
from todo_gql.settings import Settings

LOCK = "SELECT FROM users WHERE id = $1 FOR UPDATE"


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
async def test_a_call_takes_no_longer_than_an_operation(
    account: Account, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    """A call that takes too long ends with TIMEOUT, and the advice to read what is stored."""
    todo = await account.create(title="Milk")
    params = {"name": "delete_todos", "arguments": {"ids": [todo["id"]]}}
    headers = {"MCP-Protocol-Version": revision}
    with monkeypatch.context() as patch:
        patch.setattr(endpoint, "OPERATION_SECONDS", 0.2)
        async with transaction() as connection:
            await connection.execute(LOCK, UUID(account.id))
            answer = await post_message(account, "tools/call", params, **headers)
    result = answer.json()["result"]
    assert result["isError"]
    [problem] = result["_meta"]["todo-gql/problems"]
    assert (problem["code"], problem["reason"]) == ("TIMEOUT", "OUTCOME_UNKNOWN")
    first, *_, last = result["content"][0]["text"].splitlines()
    assert first == "It isn't known whether this was done."
    assert last == "Read what is stored before you call again."
    again = (await post_message(account, "tools/call", params, **headers)).json()["result"]
    assert not again["isError"]


async def test_files_are_shown_with_where_they_are_read(account: Account) -> None:
    """A todo is shown with its files, and the address at which each can be read for a while."""
    todo = await account.create(title="Milk")
    await put_file(todo["id"], "receipt.txt")
    shown = (await call(account, "get_todo", id=todo["id"]))["structuredContent"]["todo"]
    [file] = shown["attachments"]
    assert (file["fileName"], file["contentType"], file["size"]) == ("receipt.txt", "text/plain", 1)
    assert "/files/" in file["url"]


@pytest.mark.parametrize("has_manifest", [False, True])
async def test_tools_run_whatever_the_server_executes(
    account: Account,
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    *,
    has_manifest: bool,
) -> None:
    """Tools run on graphql-core, and on a server that executes none but trusted documents."""
    changes: dict[str, Any] = {"execution_engine": "graphql-core"}
    if has_manifest:
        manifest = tmp_path / "manifest.json"
        manifest.write_text(json.dumps({}))
        changes = {"trusted_documents": manifest, "trusted_documents_only": True}
    app = create_app(settings.model_copy(update=changes), database_url)
    async with visiting(app) as client:
        agent = replace(account, http=client.http)
        created = await call(
            agent, "create_todos", inputs=[{"title": "Milk", "metadata": {"a": 1}}]
        )
        assert not created["isError"], created
        shown = await call(agent, "find_todos", text="milk")
        assert shown["structuredContent"]["todos"]["totalCount"] == 1
