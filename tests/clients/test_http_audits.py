"""The audits of the package graphql-http: GraphQL over HTTP to the letter."""

import json
from typing import Any

import pytest

from tests.clients.programs import run
from tests.support.processes import Server

AUDITS = 61


@pytest.mark.parametrize("signed_in", [False, True], ids=["signed out", "signed in"])
def test_every_audit_is_passed(server: Server, token: str, signed_in: bool) -> None:
    """None is failed, and none is only a warning."""
    sent = token if signed_in else ""
    printed = run("node", "audits.mjs", TODO_URL=server.address, TODO_TOKEN=sent)
    outcomes: list[dict[str, Any]] = json.loads(printed)
    assert [each for each in outcomes if each["status"] != "ok"] == []
    assert len(outcomes) == AUDITS
