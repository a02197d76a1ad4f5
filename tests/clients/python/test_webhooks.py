"""The documented receiver in Python takes what the server signs, and nothing else."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from webhook_receiver import received

CASES: list[dict[str, Any]] = json.loads(Path(os.environ["WEBHOOK_CASES"]).read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_delivery_is_verified(case: dict[str, Any]) -> None:
    """A delivery is an event if it is genuine, and else nothing."""
    event = received(case["secret"], case["headers"], case["body"].encode())
    assert event == (json.loads(case["body"]) if case["is_genuine"] else None)
