"""The users of `make load`, some of whom share the account with most todos, on one or two servers."""

import csv
import os
import sys
import time
from functools import lru_cache
from pathlib import Path
from random import choice
from typing import Any

from locust import events

sys.path.insert(0, str(Path(__file__).parent.parent / "load"))
from locustfile import TodoUser

ADDRESSES = Path(os.environ["LOAD_ADDRESSES"])
LOG = Path(os.environ["LOAD_LOG"]).open("w", newline="", buffering=1)  # noqa: SIM115 - until the end
rows = csv.writer(LOG)


@lru_cache(maxsize=1)
def _addresses(_second: int) -> list[str]:
    return ADDRESSES.read_text().split()


@events.request.add_listener
def log_request(
    name: str, response_time: float, exception: object, start_time: float, **_: object
) -> None:
    """Write one line for each request: when it began, its name, its milliseconds and its error."""
    rows.writerow((start_time, name, response_time, exception or ""))


class AnyServerUser(TodoUser):
    """Somebody with an account of their own, each of whose requests is sent to any of the servers."""

    def execute(self, name: str, query: str, **variables: Any) -> dict[str, Any] | None:
        """Send it to one of the present addresses."""
        self.client.base_url = choice(_addresses(int(time.time())))
        payload: dict[str, Any] | None = super().execute(self.prefix + name, query, **variables)
        return payload

    prefix = ""


class OwnerOfMany(AnyServerUser):
    """One of those who share the account with most todos."""

    fixed_count = int(os.environ["LOAD_OWNERS_OF_MANY"])
    prefix = "many: "

    def on_start(self) -> None:
        """Be signed in already."""
        self.token = os.environ["LOAD_TOKEN"]
        self.todos: list[str] = []


# Locust would run users of this class, too.
del TodoUser
