"""The tools of agents: each is one GraphQL operation, whose description and types it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    print_ast,
)

from todo_gql.documents.token_access import OperationNeeds, RootNeed, refusals
from todo_gql.http.mcp.json_schema import Fragments, Inputs, Outputs, Schema, used_fragments
from todo_gql.security.grants import TokenGrant

FRAGMENTS: Final = "fragments"

NAMES: Final = (
    "find_todos",
    "get_todo",
    "create_todos",
    "update_todo",
    "complete_todos",
    "move_todos",
    "delete_todos",
    "restore_todos",
    "comment_on_todo",
    "undo",
    "list_lists",
    "get_list",
    "list_views",
    "show_view",
    "list_tags",
    "get_stats",
    "get_user",
)
"""The tools, each with a document of the same name, in the order in which agents see them."""

UNDO: Final = "undo"
"""The tool that takes back what others did."""

OVERWRITING: Final = frozenset({"update_todo", "delete_todos", UNDO})
"""Tools that replace or remove something; others add, or can be repeated the other way round."""

IDEMPOTENT: Final = frozenset({"move_todos", "delete_todos", "restore_todos"})
"""Writing tools that do nothing more when they are called again with the same arguments."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its GraphQL document, which is one operation, and what agents are told of it."""

    name: str
    title: str
    description: str
    document: str
    operation_name: str
    is_read_only: bool
    input_schema: Schema
    output_schema: Schema
    needs: tuple[RootNeed, ...]

    def is_open_to(self, grant: TokenGrant | None) -> bool:
        """Whether an API token opens it; sessions, which have no grant, open everything."""
        return grant is None or not refusals(self.needs, grant)

    @property
    def annotations(self) -> dict[str, bool]:
        """Hints of what a call may do, for hosts that ask their users (MCP, ToolAnnotations)."""
        return {
            "readOnlyHint": self.is_read_only,
            "destructiveHint": self.name in OVERWRITING,
            "idempotentHint": self.is_read_only or self.name in IDEMPOTENT,
            "openWorldHint": False,
        }

    def unknown_arguments(self, arguments: Mapping[str, Any]) -> list[str]:
        """The names of arguments that the tool doesn't have, which GraphQL would ignore."""
        return [name for name in arguments if name not in self.input_schema["properties"]]


def load_tools(schema: GraphQLSchema) -> dict[str, Tool]:
    """All tools by their names, typed by the schema."""
    shared = parse(_text(FRAGMENTS)).definitions
    fragments: Fragments = {
        one.name.value: one for one in shared if isinstance(one, FragmentDefinitionNode)
    }
    return {name: _load(name, schema, fragments) for name in NAMES}


def _text(name: str) -> str:
    return resources.files(__package__).joinpath("documents", f"{name}.graphql").read_text("utf-8")


def _load(name: str, schema: GraphQLSchema, fragments: Fragments) -> Tool:
    [operation] = parse(_text(name), no_location=True).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name
    assert operation.description
    used = dict.fromkeys(used_fragments(operation.selection_set, fragments))
    document = DocumentNode(definitions=(operation, *(fragments[each] for each in used)))
    return Tool(
        name=name,
        title=name.replace("_", " ").capitalize(),
        description=" ".join(operation.description.value.split()),
        document=print_ast(document),
        operation_name=operation.name.value,
        is_read_only=operation.operation is OperationType.QUERY,
        input_schema=Inputs(schema, operation).schema,
        output_schema=Outputs(schema, fragments).of(operation),
        needs=OperationNeeds(schema, fragments).of(operation),
    )
