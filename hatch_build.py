"""Has each wheel and source archive say what it was built of, by its version and in a file."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).parent
PACKAGE = "todo_gql"

sys.path.insert(0, str(ROOT / PACKAGE / "observability"))
from build_info import FILE_NAME, Build, derive_build, recorded_build  # type: ignore[import-not-found]  # noqa: E402

sys.path.pop(0)


def build() -> Build:
    """What is built; a source archive says it, and REVISION is for who builds without git."""
    return recorded_build(ROOT / PACKAGE) or derive_build(ROOT, os.environ.get("REVISION", ""))


class Version(MetadataHookInterface):
    """The version that no other build bears."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set it."""
        metadata["version"] = build().version


class Note(BuildHookInterface):
    """The file that tells the program what it was built of."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Have it written into what is built, unless that is a link to a checkout."""
        if version == "editable":
            return
        self.folder = TemporaryDirectory(prefix="todo_gql-build-")
        note = Path(self.folder.name) / FILE_NAME
        note.write_text(" ".join(build()) + "\n", encoding="ascii")
        build_data["force_include"][str(note)] = f"{PACKAGE}/{FILE_NAME}"

    def finalize(self, version: str, _build_data: dict[str, Any], _artifact_path: str) -> None:
        """Remove the draft of it."""
        if version != "editable":
            self.folder.cleanup()
