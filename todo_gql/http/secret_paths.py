"""Paths whose last part is a secret, and how they may be logged."""

from typing import Final

SECRET_PATHS: Final = ("/calendars/", "/files/")
"""What paths begin with that go on with a token: whoever knows one needs nothing else."""

HIDDEN: Final = "…"


def loggable_path(path: str) -> str:
    """The path without its token, if it may hold one."""
    for prefix in SECRET_PATHS:
        if path.startswith(prefix):
            return prefix + HIDDEN
    return path
