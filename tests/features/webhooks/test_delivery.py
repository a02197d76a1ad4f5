"""Delivering events: each arrives, in order while its endpoint answers, and later if it doesn't at first."""

from uuid import UUID

import pytest

from tests.features.webhooks.conftest import Working
from tests.support.accounts import Account
from tests.support.waiting import until
from tests.support.webhook_endpoints import Endpoints, connect, late, reply
from tests.support.webhooks import REDELIVER, hurry, shown, until_attempted, until_idle
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.features.webhooks import dispatcher


async def test_every_change_arrives_in_order(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """An endpoint is sent each change once, verified by the public library, with the todo as it is."""
    endpoint = await connect(account, endpoints.add("one"))
    titles = [f"Todo {number}" for number in range(30)]
    await account.create_many([{"title": title} for title in titles])
    async with run_workers():
        await until(lambda: len(endpoint.received) == len(titles))
        await account.create(title="The last one")
        await until(lambda: len(endpoint.received) == len(titles) + 1)
        await until_idle(endpoint)
    assert endpoint.titles == [*titles, "The last one"]
    assert len({message.id for message in endpoint.received}) == len(titles) + 1
    stored = await shown(account, endpoint)
    assert (stored["state"], stored["behind"], stored["failingSince"]) == ("ACTIVE", 0, None)
    newest = stored["deliveries"]["nodes"][0]
    assert newest["id"] == endpoint.received[-1].id
    assert newest["payload"] == endpoint.received[-1].content
    assert newest["cursor"] == endpoint.received[-1].data["cursor"]
    assert (newest["state"], newest["nextAttemptAt"]) == ("DELIVERED", None)
    [attempt] = newest["attempts"]
    assert (attempt["status"], attempt["error"]) == (200, None)


async def test_a_failed_event_arrives_before_later_ones(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """The line waits for an event that failed, which is sent again under the same id."""
    endpoint = await connect(account, endpoints.add("one", reply(500, "What a pity")))
    await account.create_many([{"title": "A"}, {"title": "B"}])
    async with run_workers():
        await until_attempted(account, endpoint, 1)
        stored = await shown(account, endpoint)
        assert stored["failingSince"]
        assert stored["behind"] == 2
        [waiting] = stored["deliveries"]["nodes"]
        assert waiting["state"] == "WAITING"
        assert waiting["nextAttemptAt"]
        # Loopback is one of the operator's own networks.
        assert waiting["attempts"][0]["error"] == "The endpoint answered 500."
        await hurry(endpoint)
        await until(lambda: len(endpoint.received) == 2)
        await until_idle(endpoint)
    assert endpoint.titles == ["A", "B"]
    assert endpoint.refused[0].id == endpoint.received[0].id
    stored = await shown(account, endpoint)
    assert stored["failingSince"] is None
    assert [len(one["attempts"]) for one in stored["deliveries"]["nodes"]] == [1, 2]


async def test_an_event_that_fails_three_times_steps_aside(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """The rest goes on after the third failure of an event, which is sent again half an hour later."""
    endpoint = await connect(account, endpoints.add("one", *[reply(503)] * 3))
    await account.create_many([{"title": "A"}, {"title": "B"}, {"title": "C"}])
    async with run_workers():
        for number in (1, 2):
            await until_attempted(account, endpoint, number)
            assert endpoint.received == []
            await hurry(endpoint)
        await until(lambda: endpoint.titles == ["B", "C"])
        await until_idle(endpoint)
        row = await fetchrow(
            "SELECT next_attempt_at - now() AS wait, jsonb_array_length(attempts) AS attempts"
            " FROM webhook_deliveries WHERE webhook_id = $1 AND state = 0",
            UUID(endpoint.id),
        )
        assert row
        assert 25 * 60 < row["wait"].total_seconds() <= 30 * 60
        assert row["attempts"] == 3
        await hurry(endpoint)
        await until(lambda: endpoint.titles == ["B", "C", "A"])
    assert {message.id for message in endpoint.refused} == {endpoint.received[-1].id}


async def test_an_event_is_given_up_in_the_end(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """An event has FAILED after ten attempts, and can be sent once more."""
    endpoint = await connect(account, endpoints.add("one", *[reply(500)] * 10))
    await account.create(title="A")
    async with run_workers():
        for number in range(1, 10):
            await until_attempted(account, endpoint, number)
            await hurry(endpoint)
        await until_attempted(account, endpoint, 10)
        [failed] = (await shown(account, endpoint))["deliveries"]["nodes"]
        assert failed["state"] == "FAILED"
        payload = (await account.data(REDELIVER, id=endpoint.id, ids=[failed["id"]]))["payload"]
        assert payload["errors"] == []
        await until(lambda: endpoint.titles == ["A"])
    assert endpoint.received[0].id == failed["id"]


async def test_an_endpoint_may_ask_to_wait(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """Retry-After makes the line wait for as long, but for a day at most."""
    endpoint = await connect(account, endpoints.add("one", reply(429, Retry_After="3600")))
    slow = await connect(account, endpoints.add("two", reply(503, Retry_After="99999999999")))
    await account.create(title="A")
    waits = "SELECT extract(epoch FROM next_attempt_at - now()) AS wait FROM webhooks WHERE id = $1"
    async with run_workers():
        for one, seconds in ((endpoint, 3600), (slow, 86400)):
            await until_attempted(account, one, 1)
            row = await fetchrow(waits, UUID(one.id))
            assert row
            assert seconds - 60 < row["wait"] <= seconds
            await hurry(one)
            await until(lambda one=one: one.titles == ["A"])  # type: ignore[misc]


async def test_a_redirect_is_a_failure(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """The target of a redirect isn't requested."""
    to = endpoints.add("elsewhere")
    endpoint = await connect(account, endpoints.add("one", reply(302, Location=to.url)))
    await account.create(title="A")
    async with run_workers():
        await until_attempted(account, endpoint, 1)
        [waiting] = (await shown(account, endpoint))["deliveries"]["nodes"]
    assert (
        waiting["attempts"][0]["error"] == "The endpoint answered 302: redirects aren't followed."
    )
    assert endpoints.requests == ["/one"]


async def test_a_slow_endpoint_delays_no_others(
    account: Account,
    stranger: Account,
    endpoints: Endpoints,
    run_workers: Working,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Slow endpoints take no more room than they may have, and others are sent what they are to be sent."""
    monkeypatch.setattr(dispatcher, "MAX_LINES", 4)
    monkeypatch.setattr(dispatcher, "MAX_SLOW_LINES", 2)
    slow = [await connect(account, endpoints.add(f"slow-{number}")) for number in range(5)]
    for one in slow:
        one.hold = late(120)
        await fetch("UPDATE webhooks SET failing_since = now() WHERE id = $1", UUID(one.id))
    await account.create(title="For slow ones")
    quick = await connect(stranger, endpoints.add("quick"))
    async with run_workers():
        await until(lambda: len(endpoints.requests) == 2)
        for number in range(5):
            await stranger.create(title=f"Todo {number}")
            await until(lambda: len(quick.received) == number + 1)  # noqa: B023
        assert all(not one.received for one in slow)


async def test_several_workers_send_each_event_once(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """Two workers share the webhooks, and the order of each is kept."""
    made = [await connect(account, endpoints.add(f"number-{number}")) for number in range(6)]
    titles = [f"Todo {number}" for number in range(20)]
    async with run_workers(workers=2):
        for title in titles:
            await account.create(title=title)
        await until(lambda: all(len(one.received) >= len(titles) for one in made))
        await until_idle(*made)
    assert {tuple(one.titles) for one in made} == {tuple(titles)}


async def test_a_claim_of_a_worker_that_is_gone_passes(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """The claim of a killed worker passes, and another one sends what it had claimed."""
    endpoint = await connect(account, endpoints.add("one"))
    await account.create(title="A")
    await fetch(
        "UPDATE webhooks SET next_attempt_at = now() + interval '1 second' WHERE id = $1",
        UUID(endpoint.id),
    )
    async with run_workers():
        await until(lambda: endpoint.titles == ["A"])


async def test_a_worker_that_ends_hands_its_claims_on(
    account: Account,
    endpoints: Endpoints,
    run_workers: Working,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that is stopped while an endpoint is slow leaves the event to another one, which needn't wait."""
    monkeypatch.setattr(dispatcher, "STOP_SECONDS", 0)
    endpoint = await connect(account, endpoints.add("one"))
    endpoint.hold = late(120)
    await account.create(title="A")
    async with run_workers():
        await until(lambda: len(endpoints.requests) == 1)
    row = await fetchrow(
        "SELECT next_attempt_at <= now() AS is_due FROM webhooks WHERE id = $1", UUID(endpoint.id)
    )
    assert row
    assert row["is_due"]
    endpoint.hold = None
    async with run_workers():
        await until(lambda: endpoint.titles == ["A"])


async def test_only_selected_types_are_sent(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """Types and wildcards select what is sent; the rest is read over."""
    completed = await connect(account, endpoints.add("one"), "todo.completed")
    todos = await connect(account, endpoints.add("two"), "todo.*", "list.created")
    todo = await account.create(title="A")
    await account.data(
        "mutation ($id: ID!) { todoStart(id: $id) { todo { id } } todoComplete(id: $id) { todo { id } }"
        ' listCreate(input: {name: "L"}) { list { id } } todoDelete(id: $id) { todo { id } } }',
        id=todo["id"],
    )
    async with run_workers():
        await until(lambda: len(todos.received) == 5)
        await until_idle(completed)
    assert completed.types == ["todo.completed"]
    assert todos.types == [
        *("todo.created", "todo.started", "todo.completed", "list.created", "todo.deleted"),
    ]
    assert todos.received[-1].data["todo"]["deletedAt"]
    assert completed.received[0].data["action"] == "COMPLETED"
    names = [entry["name"] for entry in completed.received[0].data["fields"]]
    assert names == ["completedAt", "status"]
