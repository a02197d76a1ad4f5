"""The resources of agents: lists and todos by their ids, read by the operations of tools."""

from typing import Final, NamedTuple

LISTED: Final = "list_lists"
"""The tool whose lists are listed as resources."""


class Template(NamedTuple):
    """Resources of one kind: how their URIs begin before the id, and the tool that reads one."""

    prefix: str
    tool: str
    name: str
    description: str

    @property
    def uri_template(self) -> str:
        """The template of the URIs (RFC 6570)."""
        return f"{self.prefix}{{id}}"


LIST: Final = Template(
    "todo://lists/",
    "get_list",
    "list",
    "A list with its sections, its members and its first 50 todos.",
)
TODO: Final = Template(
    "todo://todos/",
    "get_todo",
    "todo",
    "A todo with its description, its subtasks and its newest comments.",
)
TEMPLATES: Final = (LIST, TODO)


def list_uri(id: str) -> str:
    """The URI of a list."""
    return f"{LIST.prefix}{id}"


def tool_of_uri(uri: str) -> tuple[str, str] | None:
    """The tool that reads a resource, and the id; None for other URIs."""
    for template in TEMPLATES:
        if uri.startswith(template.prefix):
            return template.tool, uri.removeprefix(template.prefix)
    return None
