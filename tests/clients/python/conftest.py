"""The server that the clients ask, and names for those who sign up."""

import os
from collections.abc import Callable
from uuid import uuid4

import pytest


@pytest.fixture(scope="session")
def url() -> str:
    """The address that the environment names."""
    return os.environ["TODO_URL"]


@pytest.fixture(scope="session")
def newcomer() -> Callable[[], dict[str, str]]:
    """The input of a registration that nobody made before."""

    def make() -> dict[str, str]:
        name = f"ada-{uuid4().hex[:8]}"
        return {"username": name, "email": f"{name}@example.com", "password": "Correct1horse"}

    return make
