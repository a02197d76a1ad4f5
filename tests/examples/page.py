"""The folder of the example page, and how it is opened."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.examples.tabs import Tab
from tests.support.processes import clean_environment

EXAMPLE = Path(__file__).parents[2] / "examples/web"
Tabs = Callable[..., Awaitable[Tab]]


def environment(**settings: str) -> dict[str, str]:
    """The environment of the example's programs."""
    return clean_environment() | {"NO_COLOR": "1"} | settings
