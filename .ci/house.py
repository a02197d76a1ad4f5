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
# Words that say too little to be part of a name: there is a term for what is meant.
VAGUE = re.compile(
    "places?|given|made|found|told|tells?|kept|keeps?|had|taken|ways?|worth|worn|asked|asker|wanted"
    "|looks?|news"
)
# Names with such a word that a specification, a library, or the schema prescribes (ImportProblem.place).
PRESCRIBED = re.compile("keep_?alive|not_?found|connection_made|^place$", re.IGNORECASE)
# Names that the terms of the field replaced, where no ordinary word would be caught.
REPLACED = re.compile(
    "ATOMS|Admitted|Amount|Awaited|GivenUp|JobsUnderWay|Joined|Judged|MOST_CHOICES|Measure|Measuring"
    "|NotedConnection|Nulled|Numbered|PriceList|Quotas|RequestEnvelope|Responder|Secrecy|Shortcut"
    "|Stay|TagMoves|TokenMemory|Unusual|Verdict|abandon|account_typed|amount_of|at_hand|beyond"
    "|blanks_apart|brought|complete_some|concluded|drafted|explained|fetch_along|fetch_no_more"
    "|forget_what_is_over|give_back|goes_on|handed_over|is_fine|is_welcome|judge|or_at"
    "|others_may_ask|persistently|plan_anew|retell|runs_alone|selected_below|send_at_once|set_aside"
    "|shape_of|stand_ins|successor_of|undone|untold|wave"
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


def names_in(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each name that a module defines, and its line: classes, functions, parameters, variables."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.ClassDef(name=name) | ast.alias(asname=str(name)):
                yield name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno


def is_vague(name: str) -> bool:
    """Whether a name was replaced by a term of the field, or has a word that says too little."""
    words = re.findall("[A-Z]?[a-z]+|[A-Z]+", PRESCRIBED.sub("", name))
    return bool(
        REPLACED.fullmatch(name.strip("_")) or any(VAGUE.fullmatch(word.lower()) for word in words)
    )


def vague_names(all_sources: list[Source]) -> list[str]:
    """Names that a reader who knows the field wouldn't recognise."""
    return [
        f"{one.path}:{line} {name}"
        for one in all_sources
        for name, line in [(one.path.stem, 1), *names_in(one.tree)]
        if is_vague(name)
    ]


def own_exceptions(all_sources: list[Source]) -> set[str]:
    """The names of the package's exceptions: classes that derive from one, by their bases' names."""
    bases = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for one in all_sources
        for node in ast.walk(one.tree)
        if isinstance(node, ast.ClassDef)
    }
    names = set[str]()
    while (
        more := {
            name
            for name, parents in bases.items()
            if any(each in names or re.search("Exception$|Error$", each) for each in parents)
        }
        - names
    ):
        names |= more
    return names


def public_functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The public functions of a module, and the public methods of its public classes.

    Resolvers are described in the schema instead.
    """
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if node.name.startswith("_"):
                continue
            if isinstance(node, ast.ClassDef):
                yield from public_functions(node.body)
            elif not any("strawberry" in ast.unparse(each) for each in node.decorator_list):
                yield node


def raised_by(function: ast.AST) -> Iterator[str]:
    """The names of the exceptions that a function raises itself, not in functions inside it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(node, ast.Raise) and node.exc:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            yield ast.unparse(raised).rpartition(".")[2]
        yield from raised_by(node)


def silent_raises(all_sources: list[Source]) -> list[str]:
    """Public functions that raise an exception of ours which their docstring doesn't name."""
    ours = own_exceptions(all_sources)
    return [
        f"{one.path}:{function.lineno} {function.name}: {', '.join(sorted(silent))}"
        for one in all_sources
        for function in public_functions(one.tree.body)
        if (
            silent := {
                name
                for name in raised_by(function)
                if name in ours and name not in (ast.get_docstring(function) or "")
            }
        )
    ]


def main() -> int:
    """Print the counts, with what they count; the exit status."""
    all_sources = list(sources())
    counts = {
        "modules in the root": (loose(all_sources), 0),
        "import circles": (circles(), 0),
        "blocks for the type checker alone": (imports_for_types(all_sources), 0),
        "names of vague words": (vague_names(all_sources), 0),
        "exceptions that no docstring names": (silent_raises(all_sources), 0),
        # The models, and the types that lists and todos have in common: each is one graph.
        f"files over {LONGEST_FILE} lines": (long_files(all_sources), 1),
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
