"""Whether answers take the same time for accounts that there are and that there aren't.

Prints the medians; ends with status 1 when those of one operation are more than 2 ms apart.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from secrets import token_hex

import httpx

from tests.support.accounts import PASSWORD, REGISTER
from tests.support.processes import serving

SAMPLES, WARM_UP = 100, 20
MOST_APART = 0.002
SETTINGS = {
    "BCRYPT_ROUNDS": "8",
    "RATE_LIMIT_CREDENTIALS": "0",
    "RATE_LIMIT_CREDENTIALS_PER_ADDRESS": "0",
    "RATE_LIMIT_REQUESTS": "0",
    "RATE_LIMIT_COST": "0",
}
# Each takes an address that has or hasn't an account, and answers both in the same words.
OPERATIONS = {
    "login": """mutation ($email: String!) {
      login(input: { usernameOrEmail: $email, password: "Wrong1password" }) { errors { code } }
    }""",
    # Of what isn't in its normal form two hashes are made.
    "login in another form": """mutation ($email: String!) {
      login(input: { usernameOrEmail: $email, password: "Wrong1e\u0301password" }) { errors { code } }
    }""",
    "passwordResetRequest": """mutation ($email: String!) {
      passwordResetRequest(email: $email) { ok errors { code } }
    }""",
}


def seconds(client: httpx.Client, query: str, email: str) -> float:
    """How long an answer takes."""
    began = time.perf_counter()
    answer = client.post("/graphql", json={"query": query, "variables": {"email": email}})
    took = time.perf_counter() - began
    assert "errors" not in answer.raise_for_status().json(), answer.text
    return took


def some_address() -> str:
    """An address that no account has, as long as the others."""
    return f"{token_hex(8)}@example.com"


def medians(client: httpx.Client, query: str, known: str) -> tuple[float, float]:
    """The median times for an address with an account and for addresses without, alternated."""
    for _ in range(WARM_UP):
        seconds(client, query, known)
        seconds(client, query, some_address())
    pairs = [
        (seconds(client, query, known), seconds(client, query, some_address()))
        for _ in range(SAMPLES)
    ]
    with_account, without = zip(*pairs, strict=True)
    return statistics.median(with_account), statistics.median(without)


def main() -> None:
    """Measure all operations on a server of their own."""
    equal, known = True, some_address()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder, "data"), SETTINGS) as server:
        sent = {"username": token_hex(8), "email": known, "password": PASSWORD}
        assert server.execute(REGISTER, input=sent)["register"]["errors"] == []
        with httpx.Client(base_url=server.address.removesuffix("/graphql"), timeout=30) as client:
            for name, query in OPERATIONS.items():
                with_account, without = medians(client, query, known)
                apart = abs(with_account - without)
                equal &= apart <= MOST_APART
                print(
                    f"{name}: {with_account * 1000:.2f} ms with an account,"
                    f" {without * 1000:.2f} ms without, {apart * 1000:.2f} ms apart"
                )
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
