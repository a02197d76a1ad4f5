"""gql with the batches that this server doesn't take: it says so in words."""

import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport


@pytest.mark.parametrize("size", [1, 3])
async def test_a_batch_hears_what_to_do(url: str, size: int) -> None:
    """Every operation of a batch gets the error that says what to do, whatever the batch's size."""
    asked = [GraphQLRequest("{ __typename }") for _ in range(size)]
    async with Client(transport=HTTPXAsyncTransport(url=url)) as session:
        with pytest.raises(
            TransportQueryError, match="send each operation in a request of its own"
        ):
            await session.execute_batch(asked)
