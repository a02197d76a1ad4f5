"""How soon the server says that it lives while 100 people at a time sign in.

Prints how the logins were answered and how long `/health/live` took meanwhile; ends with status 1
when one answer in a hundred took more than 250 ms, or a login was answered otherwise than it may be.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from asyncio import Future
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from secrets import token_hex

import httpx

from tests.support.processes import serving

AT_ONCE, SECONDS = 100, 10
LONGEST = 0.25
SECONDS_BETWEEN = 0.005
# The crowd comes from one address, and is to be limited by its logins, not by its requests.
BCRYPT = {"BCRYPT_ROUNDS": "10", "RATE_LIMIT_REQUESTS": "0", "RATE_LIMIT_COST": "0"}
NO_LIMITS = {"RATE_LIMIT_CREDENTIALS": "0", "RATE_LIMIT_CREDENTIALS_PER_ADDRESS": "0"}
CASES = {"with limits": BCRYPT, "without limits": BCRYPT | NO_LIMITS}
LOGIN = """mutation ($name: String!) {
  login(input: { usernameOrEmail: $name, password: "Wrong1password" }) { errors { code } }
}"""
MAY_BE = {"200 INVALID_CREDENTIALS", "200 RATE_LIMITED", "503 UNAVAILABLE"}


def times_of(url: str) -> list[float]:
    """How long each answer took that somebody got who asked again and again for 10 seconds."""
    times = []
    with httpx.Client(timeout=30) as client:
        end = time.perf_counter() + SECONDS
        while (began := time.perf_counter()) < end:
            client.get(url).raise_for_status()
            times.append(time.perf_counter() - began)
            time.sleep(SECONDS_BETWEEN)
    return times


async def sign_in(client: httpx.AsyncClient) -> str:
    """How a login is answered: the status and the code."""
    body = {"query": LOGIN, "variables": {"name": token_hex(8)}}
    answer = await client.post("/graphql", json=body)
    content = answer.json()
    if content["data"]["login"]:
        return f"{answer.status_code} {content['data']['login']['errors'][0]['code']}"
    return f"{answer.status_code} {content['errors'][0]['extensions']['code']}"


async def crowd(url: str, until: Future[list[float]]) -> Counter[str]:
    """How all the logins were answered of 100 people who go on until the end."""
    answers = Counter[str]()
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        while not until.done():
            answers.update(await asyncio.gather(*(sign_in(client) for _ in range(AT_ONCE))))
    return answers


async def measured(url: str) -> tuple[Counter[str], list[float]]:
    """How the logins were answered, and how long the server took meanwhile to say that it lives."""
    with ProcessPoolExecutor(1) as processes:
        loop = asyncio.get_running_loop()
        asking = loop.run_in_executor(processes, times_of, f"{url}/health/live")
        return await crowd(url, asking), await asking


def main() -> None:
    """Measure a server of its own for each case."""
    good = True
    for name, settings in CASES.items():
        with (
            tempfile.TemporaryDirectory() as folder,
            serving(Path(folder, "data"), settings) as server,
        ):
            answers, times = asyncio.run(measured(server.address.removesuffix("/graphql")))
        hundredths = statistics.quantiles(times, n=100)
        good &= hundredths[98] <= LONGEST and answers.keys() <= MAY_BE
        print(f"{name}: {', '.join(f'{number} {how}' for how, number in answers.items())}")
        print(
            f"  /health/live, {len(times)} times: median {hundredths[49] * 1000:.1f} ms,"
            f" 99 % within {hundredths[98] * 1000:.1f} ms, the longest {max(times) * 1000:.1f} ms"
        )
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
