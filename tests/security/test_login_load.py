"""A crowd that signs in at once, to a server that is a process of its own."""

import asyncio
from collections import Counter
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx

from tests.support.accounts import PASSWORD, REGISTER
from tests.support.processes import serving

LOGIN = """mutation ($input: LoginInput!) {
  login(input: $input) { user { username } errors { code } }
}"""
PER_ADDRESS, CROWD, PLACES = 30, 100, 21


async def post(http: httpx.AsyncClient, query: str, address: str, **given: str) -> httpx.Response:
    """The answer to a mutation that comes through a proxy from an address."""
    body = {"query": query, "variables": {"input": given}}
    return await http.post("/graphql", json=body, headers={"X-Forwarded-For": address})


async def sign_in(http: httpx.AsyncClient, address: str, name: str) -> dict[str, Any]:
    """What `login` answers; an answer without data has to be the one of a busy server."""
    answer = await post(http, LOGIN, address, usernameOrEmail=name, password=PASSWORD)
    if answer.json()["data"]["login"]:
        assert answer.status_code == 200
        return dict(answer.json()["data"]["login"])
    [error] = answer.json()["errors"]
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    return {"user": None, "errors": [{"code": error["extensions"]["code"]}]}


async def test_a_crowd_is_answered_while_the_server_lives(tmp_path: Path) -> None:
    """Who exceeds a limit or finds no place is told so, and afterwards there is room again."""
    limits = httpx.Limits(max_connections=2 * CROWD)
    with serving(tmp_path / "data", {"BCRYPT_ROUNDS": "9"}) as server:
        url = server.address.removesuffix("/graphql")
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as http:
            ada = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
            await post(http, REGISTER, "192.0.2.1", **ada)
            guesses = (sign_in(http, "192.0.2.2", token_hex(8)) for _ in range(CROWD))
            crowd = asyncio.gather(*guesses)
            while not crowd.done():
                assert (await http.get("/health/live")).status_code == 200
            codes = Counter(payload["errors"][0]["code"] for payload in await crowd)
            assert codes.keys() <= {"INVALID_CREDENTIALS", "RATE_LIMITED", "UNAVAILABLE"}
            assert codes["RATE_LIMITED"] == CROWD - PER_ADDRESS
            assert codes["INVALID_CREDENTIALS"] >= PLACES
            payload = await sign_in(http, "192.0.2.1", "ada")
            assert payload == {"user": {"username": "ada"}, "errors": []}
