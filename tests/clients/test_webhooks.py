"""The documented receivers of webhooks, with the public libraries of PyPI and npm."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from tests.clients.programs import HERE, NODES, PYTHON_PROGRAMS, node, run
from todo_gql.features.webhooks.bodies import body_of
from todo_gql.features.webhooks.signing import ROTATION, signed_headers, webhook_secret
from todo_gql.settings import Settings

SETTINGS = Settings(_env_file=None, secret_key=SecretStr("a key for tests that is long enough"))
# The base64 of their secrets has each character that differs in other alphabets.
WEBHOOKS = [UUID(int=number) for number in range(20)]


def _cases() -> Iterator[dict[str, Any]]:
    """Deliveries as the server signs them, and what is made of them by others."""
    now = datetime.now(UTC)
    ends = json.dumps([(now + ROTATION).isoformat()])
    body = body_of("todo.completed", now, {"cursor": "x", "title": 'Ünïcödé 😀 \\ "'})
    for webhook_id in WEBHOOKS:
        row = {"id": webhook_id, "secret_generation": 2, "old_secrets_until": ends}
        headers = dict(signed_headers(SETTINGS, row, uuid4(), body, now))
        new, old = (webhook_secret(SETTINGS, webhook_id, number) for number in (2, 1))
        genuine = {"secret": new, "headers": headers, "body": body, "is_genuine": True}
        yield {**genuine, "name": f"the secret of {webhook_id.int}"}
        yield {**genuine, "name": f"the secret of {webhook_id.int} before", "secret": old}
    forged = genuine | {"is_genuine": False}
    yield {**forged, "name": "another secret", "secret": webhook_secret(SETTINGS, webhook_id, 3)}
    yield {**forged, "name": "another body", "body": body.replace("completed", "deleted")}
    yield {**forged, "name": "another id", "headers": headers | {"webhook-id": str(uuid4())}}
    yield {**forged, "name": "no signature", "headers": headers | {"webhook-signature": ""}}
    yield {**forged, "name": "nonsense", "headers": headers | {"webhook-signature": "v1,x y"}}
    past = signed_headers(SETTINGS, row, uuid4(), body, now - timedelta(minutes=6))
    yield {**forged, "name": "a delivery of long ago", "headers": dict(past)}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the cases."""
    file = tmp_path_factory.mktemp("webhooks") / "cases.json"
    file.write_text(json.dumps(list(_cases())))
    return file


def test_python_verifies(cases: Path) -> None:
    """The documented program in Python verifies by the library of PyPI."""
    program = PYTHON_PROGRAMS / "pytest"
    run(program, "-q", "test_webhooks.py", folder=HERE / "python", WEBHOOK_CASES=str(cases))


@pytest.mark.parametrize("version", NODES)
def test_node_verifies(cases: Path, version: str) -> None:
    """The documented program for Node verifies by the library of npm."""
    run(*node(version), "src/webhooks.test.ts", WEBHOOK_CASES=str(cases))
