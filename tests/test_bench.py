"""The benchmark measures what there is."""

import pytest
from graphql import parse, validate

from bench.operations import BY_NAME
from todo_gql.schema import graphql_schema


@pytest.mark.parametrize("name", BY_NAME)
def test_every_measured_operation_is_valid(name: str) -> None:
    """A schema that changes takes the benchmark along."""
    assert validate(graphql_schema(), parse(BY_NAME[name].document)) == []
