"""The comparison: the same bytes first, then each operation on all servers in turn."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from bench.data import MANY_TODOS, USERS, Owner
from bench.load import Measurement, answer, measure
from bench.operations import BY_NAME, KEPT_COUNTS, OPERATIONS, Operation, request
from bench.servers import FLOOR, SERVER, Server

CONNECTIONS = (1, 32)
FIRST_READER, FIRST_WRITER, WITH_MANY = 0, USERS // 2, USERS

# Times differ from server to server where it is the server that reads the clock.
COST = re.compile(rb',"extensions":\{"cost":\{[^}]*\}\}\}$')
TIME = re.compile(rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"')


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure: so many seconds each time, so many times in turn."""

    seconds: float
    rounds: int


FULL = Effort(seconds=1.5, rounds=3)
QUICK = Effort(seconds=0.5, rounds=2)


@dataclass(slots=True)
class Results:
    """Measurements by operation, connections and server; of the owner of many todos by size."""

    operations: dict[str, dict[int, dict[str, Measurement]]] = field(default_factory=dict)
    sizes: dict[str, dict[int, Measurement]] = field(default_factory=dict)


def typical(measured: list[Measurement]) -> Measurement:
    """The median of each figure."""
    return Measurement(
        sum(each.requests for each in measured),
        *(
            median(getattr(each, name) for each in measured)
            for name in ("cpu_ms", "per_second", "p50_ms", "p99_ms")
        ),
    )


def owners_of(operation: Operation, owners: dict[int, Owner], number: int) -> list[Owner]:
    """Who sends an operation over so many connections: others write than read."""
    first = FIRST_WRITER if operation.name == "O6" else FIRST_READER
    return [owners[first + place] for place in range(number)]


async def check_same_answers(servers: list[Server], owners: dict[int, Owner]) -> None:
    """All servers must give the same bytes, or else different things would be measured."""
    reader, writer, many = (owners[n] for n in (FIRST_READER, FIRST_WRITER, WITH_MANY))
    for operation in BY_NAME.values():
        for owner in (writer,) if operation.name == "O6" else (reader, many):
            answers = {}
            for server in servers:
                body = operation.body(owner, 0)
                given = await answer(server, request(body, owner.token))
                answers[server.name] = _comparable(operation, given, body)
            if len(set(answers.values())) > 1:
                raise AssertionError(f"{operation.name} is answered differently: {answers}")


def _comparable(operation: Operation, given: bytes, body: bytes) -> bytes:
    """An answer without what differs by nature: its cost, which the floor doesn't work out, and ids."""
    given = COST.sub(b"}", given)
    if operation.name != "O6":
        return given
    id = re.search(rb'"id":"([0-9a-f-]{36})"', body)
    assert id is not None
    return TIME.sub(b"TIME", given.replace(id[1], b"ID"))


async def compare(
    servers: list[Server], owners: dict[int, Owner], effort: Effort, tell: Callable[[str], None]
) -> Results:
    """Measure everything, the servers in turn."""
    results = Results()
    for operation in OPERATIONS:
        results.operations[operation.name] = {}
        for number in CONNECTIONS:
            measured: dict[str, list[Measurement]] = {server.name: [] for server in servers}
            for _ in range(effort.rounds):
                for server in servers:
                    senders = owners_of(operation, owners, number)
                    requests = [operation.requests(owner) for owner in senders]
                    measured[server.name].append(await measure(server, requests, effort.seconds))
            found = {name: typical(each) for name, each in measured.items()}
            results.operations[operation.name][number] = found
            figures = ", ".join(f"{name} {each.cpu_ms:.3f}" for name, each in found.items())
            tell(f"{operation.name}, {number:2} connections: {figures} ms of CPU")
    server = next(server for server in servers if server.name == SERVER)
    for operation in (BY_NAME["O3"], KEPT_COUNTS):
        results.sizes[operation.name] = await _by_size(server, operation, owners, effort)
    return results


async def _by_size(
    server: Server, operation: Operation, owners: dict[int, Owner], effort: Effort
) -> dict[int, Measurement]:
    """An operation for the owner of a few todos and for that of many, over one connection."""
    by_size = {200: owners[FIRST_READER], MANY_TODOS: owners[WITH_MANY]}
    measured: dict[int, list[Measurement]] = {size: [] for size in by_size}
    for _ in range(effort.rounds):
        for size, owner in by_size.items():
            requests = [operation.requests(owner)]
            measured[size].append(await measure(server, requests, effort.seconds))
    return {size: typical(each) for size, each in measured.items()}


def ratio(results: Results, operation: Operation, connections: int) -> float:
    """How many times the floor's CPU the server spends."""
    found = results.operations[operation.name][connections]
    return found[SERVER].cpu_ms / found[FLOOR].cpu_ms
