"""What agents are told of the tools: names, descriptions, schemas, and hints of what a call may do."""

import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from graphql import parse, validate
from starlette.types import ASGIApp

from tests.support.accounts import Account
from tests.support.agents import agent
from todo_gql.documents.parsing import Document, DocumentParser
from todo_gql.http.graphql.long_responses import MAX_INLINE_BYTES
from todo_gql.http.mcp.json_schema import Schema
from todo_gql.http.mcp.tools import NAMES, load_tools
from todo_gql.schema import graphql_schema
from todo_gql.settings import Settings

TOOLS = load_tools(graphql_schema())
# The most that a call can ask for at once.
LARGEST: dict[str, Any] = {"first": 100, "ids": ["x"] * 100, "inputs": [{"title": "x"}] * 100}


def properties_without_description(schema: Schema) -> list[str]:
    """The properties of an input schema that say nothing of themselves."""
    parts = [schema, *schema.get("$defs", {}).values()]
    return [
        name
        for part in parts
        for name, each in part["properties"].items()
        if not each.get("description")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_fits_the_schema(name: str) -> None:
    """A tool's document is one valid operation."""
    assert validate(graphql_schema(), parse(TOOLS[name].document)) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_keeps_the_limits_of_the_api(name: str, settings: Settings) -> None:
    """The largest call of a tool is within the limit of cost, and is answered in one piece."""
    tool = TOOLS[name]
    document = DocumentParser(graphql_schema(), settings).parse(tool.document)
    assert isinstance(document, Document)
    node: Any = document.node.definitions[0]
    sent = {key: LARGEST[key] for key in tool.input_schema["properties"] if key in LARGEST}
    cost, size = document.cost_and_size(node, sent)
    assert cost <= document.max_cost
    assert size <= MAX_INLINE_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_schemas(name: str) -> None:
    """The schemas of a tool are JSON Schema 2020-12, of objects, and describe each argument."""
    tool = TOOLS[name]
    for schema in (tool.input_schema, tool.output_schema):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
    assert properties_without_description(tool.input_schema) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_tool_says_what_it_does(name: str) -> None:
    """A tool has a description of one to three sentences, and a title."""
    tool = TOOLS[name]
    assert tool.description.endswith(".")
    assert 20 < len(tool.description) < 320
    assert tool.title.replace(" ", "_").lower() == name


def test_every_write_can_be_tried() -> None:
    """Tools that write have a dry run, which is off by default; tools that read have none."""
    for tool in TOOLS.values():
        dry_run = tool.input_schema["properties"].get("dryRun")
        assert (dry_run is None) == tool.is_read_only
        if dry_run:
            assert dry_run["default"] is False


def test_argument_schemas_follow_the_schema() -> None:
    """An argument has the type, the enum and the default of its variable, and null where that may be null."""
    found = TOOLS["find_todos"].input_schema["properties"]
    assert found["due"]["type"] == ["array", "null"]
    assert "NEXT_7_DAYS" in found["due"]["items"]["enum"]
    assert found["first"]["default"] == 20
    assert found["dueTo"]["format"] == "date"
    created = TOOLS["create_todos"].input_schema
    assert created["required"] == ["inputs"]
    assert created["$defs"]["TodoCreateInput"]["required"] == ["title"]
    assert created["$defs"]["PlaceInput"]["maxProperties"] == 1
    assert None in created["$defs"]["TodoCreateInput"]["properties"]["status"]["enum"]


async def test_the_client_is_shown_the_hints(app: ASGIApp, account: Account) -> None:
    """Each tool says whether it only reads, replaces something, and may be repeated."""
    async with agent("http://todo.test/mcp", account.token, app=app) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(listed) == list(NAMES)
    hints = {
        name: (a.read_only_hint, a.destructive_hint, a.idempotent_hint, a.open_world_hint)
        for name, tool in listed.items()
        if (a := tool.annotations)
    }
    assert hints["find_todos"] == (True, False, True, False)
    assert hints["create_todos"] == (False, False, False, False)
    assert hints["update_todo"] == (False, True, False, False)
    assert hints["delete_todos"] == (False, True, True, False)


@pytest.mark.untraced
def test_a_server_starts_without_the_sdk() -> None:
    """The SDK, which is large, is imported with the first request of an agent."""
    code = "import sys, todo_gql.app; print('mcp' in sys.modules, 'jsonschema' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
