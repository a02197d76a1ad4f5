"""Files of keys that are generated once and then stay the same."""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def read_or_create(path: Path, generate: Callable[[], str]) -> bytes:
    """The key in a file, which is created atomically with a generated one if it doesn't exist.

    Only this user may read the file. Raises `OSError` if it can be neither read nor written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(generate())
                file.flush()
                os.fsync(descriptor)
            # If another process was faster, its key is used.
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            Path(draft).unlink()
    return path.read_bytes().strip()
