"""Writes docs/settings.md from the descriptions of the settings; with --check, says if it is stale."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from todo_gql.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """\
# Settings

Environment variables, or lines in `.env`, one file for server and worker. `todo-gql check` lists all
that is wrong with them at once, and every command names the lines of `.env` that set nothing. An
empty variable counts as absent.

This page is written by `make settings` from `todo_gql/settings`.

| name | default | values | what it sets |
|---|---|---|---|
"""


def default_of(field: FieldInfo) -> str:
    """The default as one would write it into `.env`."""
    default = field.get_default(call_default_factory=True)
    if default is None or default == []:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return f"`{','.join(map(str, default))}`"
    return f"`{default}`"


def values_of(field: FieldInfo) -> str:
    """The values that may be chosen, or the range of a number; nothing for any other type."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(field.annotation))
    return ", ".join(bounds_of(field))


def bounds_of(field: FieldInfo) -> Iterator[str]:
    """The bounds of a number."""
    for bound in field.metadata:
        if isinstance(bound, Ge):
            yield f"≥ {bound.ge}"
        elif isinstance(bound, Gt):
            yield f"> {bound.gt}"
        elif isinstance(bound, Le):
            yield f"≤ {bound.le}"


def page() -> str:
    """The whole page; what the settings inherit comes last."""
    own = Settings.__annotations__
    fields = sorted(Settings.model_fields.items(), key=lambda item: item[0] not in own)
    rows = (
        f"| `{name.upper()}` | {default_of(field)} | {values_of(field)} | {field.description} |"
        for name, field in fields
    )
    return HEAD + "\n".join(rows) + "\n"


def main() -> int:
    """Write the page, or compare with it; the exit status."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == page():
        sys.stdout.write("docs/settings.md is up to date.\n")
        return 0
    sys.stderr.write("docs/settings.md is stale: run make settings.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
