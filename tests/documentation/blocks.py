"""The fenced blocks of the documentation, and what their first lines say of them.

A block begins with its language, and after it may have a name: the file that its text is, `answer` for
what a program says and nobody copies, or `excerpt` for a part of a
module, which is run with the others of its page.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        ROOT / "docs/observability/README.md",
        *(ROOT / "helm").glob("*/README.md"),
        *(ROOT / "examples").glob("*/README.md"),
    ]
)
FENCE = re.compile(r"^```(\w*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What programs say, and pictures: languages that nobody copies from.
SHOWN = {"text", "http"}
ANSWER = "answer"
EXCERPT = "excerpt"
CLIENTS = ROOT / "tests/clients"
# Where a file of a language belongs, so that what it imports is found.
FOLDERS = {"ts": CLIENTS / "src", "python": CLIENTS / "python"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.language} {self.name}".rstrip()

    @property
    def is_shown_only(self) -> bool:
        """Whether it is what a program says, or no program by itself."""
        return self.language in SHOWN or self.name in {ANSWER, EXCERPT}


def blocks_of(page: Path) -> list[Block]:
    """The blocks of one page, from top to bottom."""
    text = page.read_text()
    return [
        Block(
            str(page.relative_to(ROOT)),
            text.count("\n", 0, found.start()) + 1,
            *found.groups(),
        )
        for found in FENCE.finditer(text)
    ]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def blocks_in(*languages: str) -> list[Block]:
    """What a reader may copy in some languages."""
    return [each for each in BLOCKS if each.language in languages and not each.is_shown_only]


def named(name: str) -> Block:
    """The block that is a file of this name."""
    [block] = [each for each in BLOCKS if each.name == name]
    return block


def write_programs() -> None:
    """Put every program of the documentation where the tests of clients import it from."""
    for block in blocks_in(*FOLDERS):
        folder = CLIENTS if block.name == "codegen.ts" else FOLDERS[block.language]
        (folder / block.name).write_text(block.text)
