"""The benchmark measures what there is."""

import json

import pytest
from graphql import parse, validate

from bench.attacks import request, searches
from bench.fairness import Seen
from bench.operations import BY_NAME
from todo_gql.schema import graphql_schema


@pytest.mark.parametrize("name", BY_NAME)
def test_every_measured_operation_is_valid(name: str) -> None:
    """A schema that changes takes the benchmark along."""
    assert validate(graphql_schema(), parse(BY_NAME[name].document)) == []


def test_an_attack_is_a_valid_operation() -> None:
    """One that is refused for its form attacks nothing."""
    sent = request(searches(20, "nodes { id }", parts=2), "token")
    head, _, body = sent.partition(b"\r\n\r\n")
    assert b"content-length: %d" % len(body) in head
    assert validate(graphql_schema(), parse(json.loads(body)["query"])) == []


def test_an_attack_that_fails_keeps_no_goal() -> None:
    """Whoever isn't attacked sees the same as somebody who is protected."""
    quiet = Seen(times=[1.0, 2.0], health=[1.0])
    assert list(quiet.broken(None)) == []
    quiet.attacker_status = 1
    assert list(quiet.broken(None)) == ["the attack itself failed, with status 1"]
