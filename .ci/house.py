"""Counts what makes the code hard to enter; ends with status 1 where a count is above its bound."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import grimp

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "todo_gql"
# What a reader expects in the root of a package.
ENTRIES = {"__init__", "__main__", "app", "schema", "settings", "tasks"}
LONGEST_FILE, LONGEST_FUNCTION = 400, 40
# A sentence that begins so is the second half of another one, or has its subject last.
OPENING = re.compile(
    r"(after|also|although|among|and|as|at|because|before|between|but|by|even|for|from|however|if|in"
    r"|into|like|nor|not|of|on|once|or|over|since|so|than|though|through|to|under|unless|until"
    r"|whatever|when|where|wherever|whether|whichever|while|with|within|without)\b",
    re.IGNORECASE,
)


class Source(NamedTuple):
    """A module's path below the checkout, and its syntax tree."""

    path: Path
    tree: ast.Module
    lines: int


def sources(folder: Path = PACKAGE, pattern: str = "*.py") -> Iterator[Source]:
    """Every module of the package, or of another folder."""
    for path in sorted(folder.rglob(pattern)):
        if "node_modules" not in path.parts:
            text = path.read_text(encoding="utf-8")
            yield Source(path.relative_to(ROOT), ast.parse(text), text.count("\n"))


def loose(all_sources: list[Source]) -> list[str]:
    """Modules in the root of the package that are no entry to it."""
    return [
        str(one.path)
        for one in all_sources
        if one.path.parent == Path(PACKAGE.name) and one.path.stem not in ENTRIES
    ]


def circles() -> list[str]:
    """Pairs of modules that import each other, directly or through others."""
    graph = grimp.build_graph("todo_gql")
    return sorted(
        {
            " <-> ".join(sorted((one, other)))
            for one in graph.modules
            for other in graph.find_modules_directly_imported_by(one)
            if graph.chain_exists(other, one)
        }
    )


def long_files(all_sources: list[Source]) -> list[str]:
    """Files that nobody reads at one sitting."""
    return [f"{one.path}: {one.lines} lines" for one in all_sources if one.lines > LONGEST_FILE]


def long_functions(all_sources: list[Source]) -> list[str]:
    """Functions that don't fit on a screen."""
    return [
        f"{one.path}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for one in all_sources
        for node in ast.walk(one.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]


def imports_for_types(all_sources: list[Source]) -> list[str]:
    """Blocks that run for the type checker alone, which hide a circle."""
    return [
        f"{one.path}:{node.lineno}"
        for one in all_sources
        for node in ast.walk(one.tree)
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    ]


def fragments(tests: Iterable[Source]) -> list[str]:
    """Docstrings of tests that are no whole sentence."""
    return [
        f"{one.path}:{node.lineno} {said}"
        for one in tests
        for node in ast.walk(one.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name.startswith("test_")
        and not is_sentence(said := ast.get_docstring(node) or "nothing")
    ]


def is_sentence(text: str) -> bool:
    """Whether a text begins with its subject, as far as its first word shows, and has an end."""
    return not OPENING.match(text) and not re.match(r"[a-z]+\s", text) and text.endswith(".")


def main() -> int:
    """Print the counts, with what they count; the exit status."""
    all_sources = list(sources())
    counts = {
        "modules in the root": (loose(all_sources), 0),
        "import circles": (circles(), 0),
        "blocks for the type checker alone": (imports_for_types(all_sources), 0),
        f"files over {LONGEST_FILE} lines": (long_files(all_sources), 0),
        "tests whose docstring is no whole sentence": (
            fragments(sources(ROOT / "tests", "test_*.py")),
            0,
        ),
        # This one may only fall.
        f"functions over {LONGEST_FUNCTION} lines": (long_functions(all_sources), 10),
    }
    for name, (found, most) in counts.items():
        sys.stdout.write(f"{name}: {len(found)}{f', at most {most}' if most else ''}\n")
        sys.stdout.writelines(f"  {line}\n" for line in found)
    return int(any(len(found) > most for found, most in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
