"""Making, changing and deleting webhooks, and sending once more."""

import base64
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.features.webhooks.conftest import Working
from tests.support.accounts import Account
from tests.support.lists import make_list
from tests.support.mailbox import Mailbox, text_of
from tests.support.waiting import until
from tests.support.webhook_endpoints import CREATE, Endpoint, Endpoints, connect, reply
from tests.support.webhooks import (
    DELETE,
    REDELIVER,
    ROTATE,
    TEST,
    UPDATE,
    changed,
    deliveries,
    hurry,
    shown,
    until_attempted,
    until_idle,
)
from todo_gql.database.connection import fetch
from todo_gql.features.webhooks import retention
from todo_gql.features.webhooks.disabling import disable_without_list
from todo_gql.features.webhooks.lag import measure_lag
from todo_gql.observability.metrics import metrics

URL = "https://hooks.example/in"
OLD_SECRETS_END = """
UPDATE webhooks SET old_secrets_until = jsonb_build_array(now()) WHERE id = $1
"""


async def refused(account: Account, **values: Any) -> list[tuple[str, list[str]]]:
    """The codes and paths of the errors of a webhook that isn't made."""
    sent = {"url": URL, "types": ["*"], **values}
    payload = (await account.data(CREATE, input=sent))["webhookCreate"]
    assert (payload["secret"], payload["webhook"]) == (None, None)
    return [(error["code"], error["path"]) for error in payload["errors"]]


async def test_a_webhook_is_made_with_a_secret(account: Account) -> None:
    """The secret has 32 bytes in standard base64 and is answered once; the webhook begins with what follows."""
    await account.create()
    endpoint = await connect(account, Endpoint(URL), "todo.completed", "list.*", label=" Mine ")
    prefix, secret = endpoint.secret.split("_")
    assert prefix == "whsec"
    assert len(base64.b64decode(secret, validate=True)) == 32
    stored = await shown(account, endpoint)
    assert (stored["url"], stored["label"], stored["behind"]) == (URL, "Mine", 0)
    assert stored["types"] == ["list.*", "todo.completed"]


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"url": "http://hooks.example/"}, "INVALID", ["input", "url"]),
        ({"url": "https://10.0.0.1/"}, "INVALID", ["input", "url"]),
        ({"url": f"https://hooks.example/{'x' * 2_000}"}, "TOO_LONG", ["input", "url"]),
        ({"types": []}, "REQUIRED", ["input", "types"]),
        ({"types": ["*"] * 51}, "TOO_MANY", ["input", "types"]),
        ({"types": ["*", "todo.done"]}, "INVALID", ["input", "types", "1"]),
        ({"types": ["feed.resync_required"]}, "INVALID", ["input", "types", "0"]),
        ({"label": "x" * 101}, "TOO_LONG", ["input", "label"]),
        ({"id": "nonsense"}, "INVALID", ["input", "id"]),
        ({"listId": "nonsense"}, "NOT_FOUND", ["input", "listId"]),
        ({"listId": str(uuid4())}, "NOT_FOUND", ["input", "listId"]),
    ],
)
async def test_unfit_values_are_refused(
    account: Account, values: dict[str, Any], code: str, path: list[str]
) -> None:
    """Each value that can't be has an error at its path."""
    assert await refused(account, **values) == [(code, path)]


async def test_an_unknown_type_names_those_that_there_are(account: Account) -> None:
    """The message of an unknown type lists what may be used."""
    sent = {"url": URL, "types": ["todo.done"]}
    [error] = (await account.data(CREATE, input=sent))["webhookCreate"]["errors"]
    for name in ("todo.completed", "member.joined", "comment.*", "* for all"):
        assert name in error["message"]


async def test_a_retry_makes_nothing_twice(account: Account) -> None:
    """The id of a webhook that exists answers ALREADY_EXISTS with it, without its secret."""
    sent = {"url": URL, "types": ["*"], "id": str(uuid4())}
    first = (await account.data(CREATE, input=sent))["webhookCreate"]
    again = (await account.data(CREATE, input=sent))["webhookCreate"]
    assert again["webhook"]["id"] == first["webhook"]["id"] == sent["id"]
    assert [error["code"] for error in again["errors"]] == ["ALREADY_EXISTS"]
    assert (bool(first["secret"]), again["secret"]) == (True, None)


async def test_an_account_has_ten_webhooks_at_most(account: Account) -> None:
    """An eleventh webhook is TOO_MANY."""
    for number in range(10):
        await connect(account, Endpoint(f"{URL}/{number}"))
    assert await refused(account) == [("TOO_MANY", ["input"])]


async def test_updates_are_partial(account: Account) -> None:
    """An update leaves what is absent, null clears a label, and nothing else may be null."""
    endpoint = await connect(account, Endpoint(URL), label="Mine")
    payload = await changed(account, UPDATE, id=endpoint.id, input={"types": ["todo.*"]})
    assert (payload["webhook"]["label"], payload["webhook"]["types"]) == ("Mine", ["todo.*"])
    payload = await changed(account, UPDATE, id=endpoint.id, input={"label": None})
    assert payload["webhook"]["label"] is None
    unfit = {"url": None, "types": None, "isPaused": None}
    payload = (await account.data(UPDATE, id=endpoint.id, input=unfit))["payload"]
    assert [(error["code"], error["path"][1]) for error in payload["errors"]] == [
        *(("REQUIRED", "url"), ("REQUIRED", "types"), ("REQUIRED", "isPaused"))
    ]
    assert (await shown(account, endpoint))["url"] == URL


async def test_a_paused_webhook_goes_on_where_it_was(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """Nothing is sent while it is paused, what waits beside the line neither, and nothing is lost."""
    endpoint = await connect(account, endpoints.add("one", *[reply(500)] * 3))
    await account.create(title="A")
    async with run_workers():
        for number in (1, 2, 3):
            await until_attempted(account, endpoint, number)
            await hurry(endpoint) if number < 3 else None
        await until_idle(endpoint)
        await changed(account, UPDATE, id=endpoint.id, input={"isPaused": True})
        await account.create(title="B")
        other = await connect(account, endpoints.add("two"))
        await account.create(title="C")
        await until(lambda: other.titles == ["C"])
        assert endpoint.received == []
        assert (await deliveries(account, endpoint))[0]["nextAttemptAt"] is None
        await changed(account, UPDATE, id=endpoint.id, input={"isPaused": False})
        await until(lambda: sorted(endpoint.titles) == ["A", "B", "C"])
        await until_idle(endpoint)
    assert [title for title in endpoint.titles if title != "A"] == ["B", "C"]


async def test_a_new_url_is_tried_at_once(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """The event that failed is sent to the new URL without waiting for its next attempt."""
    endpoint = await connect(account, endpoints.add("one", reply(500), reply(500)))
    other = endpoints.add("two")
    other.secret = endpoint.secret
    await account.create(title="A")
    async with run_workers():
        await until_attempted(account, endpoint, 1)
        await changed(account, UPDATE, id=endpoint.id, input={"url": other.url})
        await until(lambda: other.titles == ["A"])


async def test_a_rotated_secret_signs_beside_the_one_before(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """Receivers of either secret verify for a day, and then those of the new one alone."""
    endpoint = await connect(account, endpoints.add("one"))
    old = endpoint.secret
    new = (await changed(account, ROTATE, id=endpoint.id))["secret"]
    assert new != old
    async with run_workers():
        await account.create(title="A")
        await until(lambda: len(endpoint.received) == 1)
        endpoint.secret = new
        await account.create(title="B")
        await until(lambda: len(endpoint.received) == 2)
        await until_idle(endpoint)
        await fetch(OLD_SECRETS_END, UUID(endpoint.id))
        await account.create(title="C")
        await until(lambda: len(endpoint.received) == 3)
    assert [message.signatures for message in endpoint.received] == [2, 2, 1]


async def test_all_secrets_of_a_day_sign(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """A secret that is rotated again, since the answer was lost, leaves receivers the one they have for its day."""
    endpoint = await connect(account, endpoints.add("one"))
    await changed(account, ROTATE, id=endpoint.id)
    await changed(account, ROTATE, id=endpoint.id)
    async with run_workers():
        await account.create(title="A")
        await until(lambda: len(endpoint.received) == 1)
        for _ in range(10):
            newest = (await changed(account, ROTATE, id=endpoint.id))["secret"]
        endpoint.secret = newest
        await account.create(title="B")
        await until(lambda: len(endpoint.received) == 2)
    assert [message.signatures for message in endpoint.received] == [3, 10]


async def test_a_test_is_sent_once_whatever_the_state(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """A test that fails isn't repeated, and says nothing about the webhook."""
    endpoint = await connect(account, endpoints.add("one", reply(500)))
    await changed(account, UPDATE, id=endpoint.id, input={"isPaused": True})
    delivery = (await changed(account, TEST, id=endpoint.id))["delivery"]
    assert (delivery["state"], delivery["type"]) == ("WAITING", "webhook.test")
    async with run_workers():
        await until_attempted(account, endpoint, 1)
        [failed] = await deliveries(account, endpoint)
        assert (failed["id"], failed["state"]) == (delivery["id"], "FAILED")
        assert (await shown(account, endpoint))["failingSince"] is None
        await changed(account, TEST, id=endpoint.id)
        await until(lambda: endpoint.types == ["webhook.test"])


async def test_few_tests_wait_at_a_time(account: Account) -> None:
    """An eleventh test that waits is TOO_MANY."""
    endpoint = await connect(account, Endpoint(URL))
    for _ in range(10):
        await changed(account, TEST, id=endpoint.id)
    [error] = (await account.data(TEST, id=endpoint.id))["payload"]["errors"]
    assert error["code"] == "TOO_MANY"


async def test_deliveries_are_sent_once_more(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """Single deliveries, and all after a cursor, are sent again under the same ids."""
    endpoint = await connect(account, endpoints.add("one"))
    for title in ("A", "B", "C"):
        await account.create(title=title)
    async with run_workers():
        await until(lambda: len(endpoint.received) == 3)
        await until_idle(endpoint)
        first = endpoint.received[0]
        await changed(account, REDELIVER, id=endpoint.id, ids=[first.id])
        await until(lambda: len(endpoint.received) == 4)
        payload = await changed(account, REDELIVER, id=endpoint.id, after=first.data["cursor"])
        assert payload["webhook"]["behind"] == 2
        await until(lambda: len(endpoint.received) == 6)
        await until_idle(endpoint)
    assert endpoint.titles == ["A", "B", "C", "A", "B", "C"]
    ids = [message.id for message in endpoint.received]
    assert ids[:3] == ids[3:]
    assert len(await deliveries(account, endpoint)) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "path"),
    [
        ({}, "INVALID", ["deliveryIds"]),
        ({"ids": [], "after": "x"}, "INVALID", ["deliveryIds"]),
        ({"ids": []}, "OUT_OF_RANGE", ["deliveryIds"]),
        ({"ids": ["nonsense"]}, "NOT_FOUND", ["deliveryIds", "0"]),
        ({"ids": [str(uuid4())] * 101}, "OUT_OF_RANGE", ["deliveryIds"]),
        ({"after": "nonsense"}, "INVALID", ["after"]),
    ],
)
async def test_what_is_to_be_sent_once_more_is_checked(
    account: Account, arguments: dict[str, Any], code: str, path: list[str]
) -> None:
    """Redelivery names either deliveries of the webhook, or a cursor of the viewer's feed."""
    endpoint = await connect(account, Endpoint(URL))
    payload = (await account.data(REDELIVER, id=endpoint.id, **arguments))["payload"]
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [(code, path)]


async def test_gone_disables_at_once(
    account: Account, endpoints: Endpoints, mailbox: Mailbox
) -> None:
    """An endpoint that answers 410 is sent nothing more; its owner is notified, and mailed."""
    # The worker of the mailbox sends to endpoints, too. Another one might take its mails.
    endpoint = await connect(account, endpoints.add("one", reply(410)))
    await account.create(title="A")

    async def is_disabled() -> bool:
        return bool((await shown(account, endpoint))["state"] == "DISABLED")

    await until(is_disabled)
    stored = await shown(account, endpoint)
    assert stored["disabledBecause"] == "The endpoint answered 410: it wants no more events."
    inbox = "{ notifications { nodes { kind excerpt } } }"
    nodes = (await account.data(inbox))["notifications"]["nodes"]
    text = "One of your webhooks is disabled; it says why."
    assert nodes == [{"kind": "JOB", "excerpt": text}]
    # In this order: what is due is claimed at once, and mailed to verified addresses alone.
    await fetch("UPDATE users SET email_verified_at = now() WHERE id = $1", UUID(account.id))
    await fetch("UPDATE notifications SET email_at = now() WHERE owner_id = $1", UUID(account.id))
    await until(lambda: any(text in text_of(mail) for mail in mailbox.to(account.email)))
    await changed(account, UPDATE, id=endpoint.id, input={"isPaused": False})
    await until(lambda: endpoint.titles == ["A"])
    stored = await shown(account, endpoint)
    assert (stored["state"], stored["disabledBecause"]) == ("ACTIVE", None)


async def test_five_days_of_failure_disable(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """A failure more than five days after the first one, without any success between, disables the webhook."""
    endpoint = await connect(account, endpoints.add("one", always=reply(500)))
    await account.create(title="A")
    async with run_workers():
        await until_attempted(account, endpoint, 1)
        assert (await shown(account, endpoint))["state"] == "ACTIVE"
        await fetch(
            "UPDATE webhooks SET failing_since = now() - interval '5 days' WHERE id = $1",
            UUID(endpoint.id),
        )
        await hurry(endpoint)

        async def is_disabled() -> bool:
            return bool((await shown(account, endpoint))["state"] == "DISABLED")

        await until(is_disabled)
    assert (await shown(account, endpoint))[
        "disabledBecause"
    ] == "Every delivery failed for 5 days."


async def test_a_webhook_without_its_list_is_disabled(account: Account) -> None:
    """The maintenance disables a webhook whose list was purged."""
    made = await make_list(account)
    endpoint = await connect(account, Endpoint(URL), listId=made["id"])
    other = await connect(account, Endpoint(URL))
    await fetch("DELETE FROM list_members WHERE list_id = $1", UUID(made["id"]))
    assert await disable_without_list() >= 1
    states = [(await shown(account, one))["state"] for one in (endpoint, other)]
    assert states == ["DISABLED", "ACTIVE"]


async def test_a_disabled_account_is_sent_nothing(
    account: Account, stranger: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """The webhooks of an account that an administrator disabled rest."""
    endpoint = await connect(account, endpoints.add("one"))
    other = await connect(stranger, endpoints.add("two"))
    await account.create(title="A")
    await fetch("UPDATE users SET is_active = false WHERE id = $1", UUID(account.id))
    async with run_workers():
        await stranger.create(title="B")
        await until(lambda: other.titles == ["B"])
    assert endpoint.received == []


async def test_a_deleted_webhook_is_sent_nothing(
    account: Account, endpoints: Endpoints, run_workers: Working
) -> None:
    """A webhook goes with its deliveries, and what waited isn't sent."""
    endpoint = await connect(account, endpoints.add("one"))
    other = await connect(account, endpoints.add("two"))
    await account.create(title="A")
    assert (await changed(account, DELETE, id=endpoint.id))["ok"]
    async with run_workers():
        await until(lambda: other.titles == ["A"])
    assert endpoint.received == []
    assert (await account.data(DELETE, id=endpoint.id))["payload"]["errors"] == [
        {"code": "NOT_FOUND", "path": ["id"]}
    ]


async def test_old_deliveries_are_deleted(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has 30 days, and of what has ended the newest; what waits isn't surplus."""
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    endpoint = await connect(account, Endpoint(URL))
    for _ in range(4):
        await changed(account, TEST, id=endpoint.id)
    newest, *_, oldest = await deliveries(account, endpoint)
    await fetch(
        "UPDATE webhook_deliveries SET created_at = now() - interval '31 days' WHERE id = $1",
        UUID(oldest["id"]),
    )
    assert await retention.purge_deliveries() == 1
    left = await deliveries(account, endpoint)
    assert len(left) == 3
    assert left[0]["id"] == newest["id"]


async def test_the_lag_is_that_of_endpoints_that_answer(account: Account) -> None:
    """The gauge shows how long a change has waited, and leaves out webhooks that fail."""
    await fetch("DELETE FROM webhooks")
    endpoint = await connect(account, Endpoint(URL))
    await account.create(title="A")
    await fetch(
        "UPDATE changes SET at = now() - interval '1 hour' WHERE owner_id = $1", UUID(account.id)
    )
    await measure_lag()
    assert 3_600 <= metrics().webhook_lag._value.get() < 3_700
    await fetch("UPDATE webhooks SET failing_since = now() WHERE id = $1", UUID(endpoint.id))
    await measure_lag()
    assert metrics().webhook_lag._value.get() == 0


async def test_a_token_that_may_not_read_todos_makes_no_webhook(account: Account) -> None:
    """A webhook is sent todos, so that the scope WEBHOOKS alone doesn't make one."""
    tokens = await account.data(
        "mutation ($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret errors { message } } }",
        input={"name": "T", "scopes": ["WEBHOOKS"], "currentPassword": account.password},
    )
    sent = {"input": {"url": URL, "types": ["*"]}}
    answer = await account.execute(CREATE, sent, token=tokens["apiTokenCreate"]["secret"])
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["extensions"]["requiredScope"] == "TODOS_READ"
