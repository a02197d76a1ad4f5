"""The example feature of the architecture's walk-through, put together from its excerpts."""

import subprocess
import sys
from pathlib import Path

from tests.documentation.blocks import BLOCKS, EXCERPT, ROOT

# The modules in their order on the page, after the model.
MODULES = ("access", "types", "loaders", "queries", "mutations", "checks", "feature")
ASSEMBLE = """
import sys
from todo_gql import features
from todo_gql.database import models
from todo_gql.database.models import todos

folder, model = sys.argv[1:]
exec(compile(model, "models", "exec"), todos.__dict__)
models.Bookmark = todos.Bookmark
features.__path__.append(folder)

from todo_gql.features.bookmarks.feature import BOOKMARKS
from todo_gql.features.bookmarks.mutations import BookmarkMutation
from todo_gql.features.bookmarks.queries import BookmarkQuery
from todo_gql import schema
import strawberry

made = strawberry.Schema(BookmarkQuery, BookmarkMutation, config=schema.SCHEMA.config)
print(BOOKMARKS.name, [table.name for table in BOOKMARKS.tables], list(BOOKMARKS.tasks(None).handlers))
print("bookmarkCreate(" in made.as_str(), "bookmark(" in made.as_str())
"""


def test_the_example_feature_is_importable_as_documented(tmp_path: Path) -> None:
    """The excerpts with the imports that they name are modules, which make up a feature."""
    excerpts = [
        block.text
        for block in BLOCKS
        if block.name == EXCERPT and block.page == "docs/architecture.md"
    ]
    model, *modules = excerpts
    folder = tmp_path / "bookmarks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name, text in zip(MODULES, modules, strict=True):
        (folder / f"{name}.py").write_text(text)
    lint = ["-m", "ruff", "check", "--isolated", "--select=F", str(folder)]
    found = subprocess.run([sys.executable, *lint], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    said = subprocess.run(
        [sys.executable, "-c", ASSEMBLE, str(tmp_path), model],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout.splitlines() == [
        "bookmarks ['bookmarks'] ['check_bookmark']",
        "True True",
    ], said.stderr
