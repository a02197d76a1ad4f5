"""The example's page in a browser: tabs that stay in step whatever becomes of the server."""

import asyncio
import json
import random
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.examples.backend import Backend, Person
from tests.examples.page import Tabs
from tests.examples.tabs import A_SECOND, settled
from tests.support.accounts import CREATE, CREATE_MANY
from tests.support.subscribers import connected
from tests.support.waiting import until

UNREACHABLE = "The server can’t be reached. This page keeps trying."
KEPT = "localStorage.getItem('todo_gql.session')"
LOGOUT = "mutation { logout(everywhere: true) { ok } }"
DELETE_ALL = """
mutation ($ids: [ID!]!) { todoBulkDelete(ids: $ids) { updated errors { code } } }
"""
IDS = "{ todos { nodes { id } } }"
# What may come of a trade of tokens in passing: a status and a body. None is no answer.
PASSING: dict[str, tuple[int, str] | None] = {
    "no database": (503, '{"errors":[{"message":"x","extensions":{"code":"UNAVAILABLE"}}]}'),
    "too many requests": (429, '{"errors":[{"message":"x","extensions":{"code":"RATE_LIMITED"}}]}'),
    "an error": (500, '{"errors":[{"message":"x","extensions":{"code":"INTERNAL"}}]}'),
    "no trust": (403, '{"errors":[{"message":"x","extensions":{"code":"FORBIDDEN"}}]}'),
    "no payload": (200, '{"data":{"tokenRefresh":null}}'),
    "a page of a proxy": (502, "<h1>Bad Gateway</h1>"),
    "no GraphQL": (200, '{"ok":true}'),
    "no answer": None,
}


async def test_what_one_tab_does_the_other_shows_within_a_second(tab: Tabs) -> None:
    """One tab shows within a second what the other adds, renames, completes, reopens or deletes."""
    one, other = await tab(), await tab()
    await one.add("Buy milk")
    await other.shows(("Buy milk", False), within=A_SECOND)
    await other.rename("Buy milk", "Buy oat milk")
    await one.shows(("Buy oat milk", False), within=A_SECOND)
    await one.complete("Buy oat milk")
    await other.shows(("Buy oat milk", True), within=A_SECOND)
    await other.button("Reopen Buy oat milk").click()
    await one.shows(("Buy oat milk", False), within=A_SECOND)
    await other.add("Water the plants")
    await other.add("Read a book")
    rows = [("Read a book", False), ("Water the plants", False), ("Buy oat milk", False)]
    await one.shows(*rows, within=A_SECOND)
    await one.complete("Read a book", "Water the plants")
    await other.shows(
        ("Read a book", True), ("Water the plants", True), ("Buy oat milk", False), within=A_SECOND
    )
    await other.button("Delete Water the plants").click()
    await one.shows(("Read a book", True), ("Buy oat milk", False), within=A_SECOND)
    assert len(await settled(one, other)) == 2


async def test_tabs_survive_the_server(tab: Tabs, backend: Backend, person: Person) -> None:
    """Edits wait while the server is away and say so; then they are sent without a reload."""
    one, other = await tab(), await tab()
    await one.add("Before")
    await other.shows(("Before", False))
    one.expects_failures = other.expects_failures = True
    backend.kill()
    await expect(one.state).to_contain_text(UNREACHABLE)
    await one.complete("Before")
    await one.add("Meanwhile")
    await other.add("Elsewhere")
    await one.shows(("Meanwhile", False), ("Before", True))
    await expect(one.unsaved).to_have_count(2)
    await expect(one.state).to_contain_text("Not saved yet: 2 todos.")
    await expect(other.state).to_contain_text("Not saved yet: one todo.")
    assert await person.rows() == [("Before", False)]
    backend.start()
    stored = await settled(one, other)
    assert sorted(stored) == [("Before", True), ("Elsewhere", False), ("Meanwhile", False)]
    for each in (one, other):
        await each.is_live()
        assert each.operations.count("LoadTodos") == 1


async def test_kills_while_somebody_types_lose_nothing(tab: Tabs, backend: Backend) -> None:
    """Each todo is stored once, whatever the server was doing when it was killed."""
    one, other = await tab(), await tab()
    one.expects_failures = other.expects_failures = True
    titles = [f"Todo {number}" for number in range(60)]

    async def type_all() -> None:
        for title in titles:
            await one.add(title)
            await asyncio.sleep(0.05)

    typing = asyncio.create_task(type_all())
    for _ in range(3):
        await asyncio.sleep(random.uniform(0.2, 1.0))
        backend.kill()
        await asyncio.to_thread(backend.start)
    await typing
    assert await settled(one, other) == [(title, False) for title in reversed(titles)]


async def test_the_list_is_loaded_again_when_the_log_is_gone(
    tab: Tabs, backend: Backend, person: Person
) -> None:
    """What was missed beyond the log's end shows up, what was deleted is gone, and edits stay."""
    one, other = await tab(), await tab()
    await one.add("Deleted meanwhile")
    await other.shows(("Deleted meanwhile", False))
    one.expects_failures = other.expects_failures = True
    backend.kill()
    await one.add("Added in the tab")
    # At another address, where neither tab hears of what happens.
    backend.start(port=0)
    ids = [todo["id"] for todo in person.execute(IDS)["todos"]["nodes"]]
    person.execute(DELETE_ALL, ids=ids)
    person.execute(CREATE, input={"title": "Made elsewhere"})
    await backend.forget_changes(person.username)
    backend.stop()
    backend.start()
    stored = await settled(one, other)
    assert stored == [("Added in the tab", False), ("Made elsewhere", False)]
    for each in (one, other):
        await each.is_live()
        assert each.operations.count("LoadTodos") == 2


async def test_lost_answers_do_no_harm(tab: Tabs) -> None:
    """What arrived, and is sent again since the answer was lost, is done once and refused never."""
    one, other = await tab(), await tab()
    for operation in ("CreateTodo", "UpdateTodo", "CompleteTodo", "CompleteTodos", "DeleteTodo"):
        await one.lose_answers(operation, 2)
    for title in ("First", "Second", "Third"):
        await one.add(title)
    await one.rename("First", "Renamed")
    await one.complete("Renamed")
    await one.complete("Second", "Third")
    await one.button("Delete Second").click()
    await one.has_sent(
        CreateTodo=5,
        UpdateTodo=3,
        CompleteTodo=3,
        CompleteTodos=3,
        DeleteTodo=3,
    )
    assert await settled(one, other) == [("Third", True), ("Renamed", True)]
    await expect(one.alerts).to_have_count(0)


async def test_an_event_may_come_before_the_answer(tab: Tabs) -> None:
    """The todo is in the list once, and counts as saved when the answer is there."""
    one, other = await tab(), await tab()
    released = await one.hold_answers("CreateTodo")
    await one.add("Buy milk")
    await other.shows(("Buy milk", False))
    await one.shows(("Buy milk", False))
    await expect(one.unsaved).to_have_count(1)
    await other.complete("Buy milk")
    await one.shows(("Buy milk", True))
    released.set()
    assert await settled(one, other) == [("Buy milk", True)]


async def test_a_late_answer_undoes_nothing(tab: Tabs) -> None:
    """An answer that is older than an event that was told before it is passed over."""
    one, other = await tab(), await tab()
    await one.add("Buy milk")
    await other.shows(("Buy milk", False))
    released = await one.hold_answers("UpdateTodo")
    await one.rename("Buy milk", "Buy oat milk")
    await other.shows(("Buy oat milk", False))
    await other.rename("Buy oat milk", "Buy soy milk")
    await other.shows(("Buy soy milk", False))
    await expect(other.unsaved).to_have_count(0)
    released.set()
    assert await settled(one, other) == [("Buy soy milk", False)]


@pytest.mark.parametrize("answer", ["Use “Mine”", "Keep “Theirs”"])
async def test_two_new_titles_are_a_question(tab: Tabs, answer: str) -> None:
    """Who is late is asked which it is to be, and sees the stored one until then."""
    one, other = await tab(), await tab()
    await one.add("Buy milk")
    await other.shows(("Buy milk", False))
    await one.button("Rename Buy milk").click()
    await other.rename("Buy milk", "Theirs")
    await one.page.get_by_label("New title for Theirs").fill("Mine")
    await one.press("Enter")
    await expect(one.alerts).to_contain_text("This was renamed to “Theirs” elsewhere")
    await one.shows(("Theirs", False))
    await one.button(answer).click()
    title = "Mine" if "Mine" in answer else "Theirs"
    await one.shows((title, False))
    await expect(one.alerts).to_have_count(0)
    assert await settled(one, other) == [(title, False)]


async def test_a_new_title_minds_no_other_change(tab: Tabs) -> None:
    """Who renames what somebody else completes meanwhile isn't asked anything."""
    one, other = await tab(), await tab()
    await one.add("Buy milk")
    await other.shows(("Buy milk", False))
    await one.button("Rename Buy milk").click()
    await other.complete("Buy milk")
    await one.page.locator("li.completed").wait_for()
    await one.page.get_by_label("New title for Buy milk").fill("Buy oat milk")
    await one.press("Enter")
    assert await settled(one, other) == [("Buy oat milk", True)]
    await expect(one.alerts).to_have_count(0)


@pytest.mark.parametrize("expires_in", [-1, 1800], ids=["known to be worn", "refused"])
async def test_worn_tokens_are_traded_on_the_way(tab: Tabs, browser: Any, expires_in: int) -> None:
    """Two tabs that find their access token worn at once go on with one new pair."""
    one = await tab()
    state: Any = await one.page.context.storage_state()
    [kept] = state["origins"][0]["localStorage"]
    old = json.loads(kept["value"])
    now = await one.page.evaluate("Date.now()")
    worn = {"accessToken": "worn", "expiresAt": now + 1000 * expires_in}
    kept["value"] = json.dumps(old | worn)
    context = await browser.new_context(storage_state=state)
    opening = (tab(context, expects_failures=True) for _ in range(2))
    first, second = await asyncio.gather(*opening)
    await first.add("Buy milk")
    await second.shows(("Buy milk", False))
    await second.complete("Buy milk")
    await settled(first, second)
    assert (first.operations + second.operations).count("RefreshTokens") in {1, 2}
    [new, same] = [json.loads(await each.page.evaluate(KEPT)) for each in (first, second)]
    assert new == same
    assert new["refreshToken"] != old["refreshToken"]


async def test_trades_that_fail_in_passing_sign_nobody_out(tab: Tabs) -> None:
    """The page tries again until the tokens are traded, and what was edited meanwhile is saved."""
    one = await tab(expects_failures=True)
    faults = iter(PASSING.values())

    async def fail(route: Route) -> None:
        if (fault := next(faults, ())) is None:
            await route.abort()
        elif fault:
            status, body = fault
            await route.fulfill(status=status, body=body, content_type="application/json")
        else:
            await route.fallback()

    await one.on_requests("RefreshTokens", fail)
    await one.page.clock.install()
    await one.page.clock.fast_forward("30:00")
    await one.add("Buy milk")

    async def is_traded() -> bool:
        await one.page.clock.fast_forward("00:10")
        return one.operations.count("RefreshTokens") > len(PASSING)

    await until(is_traded)
    assert await settled(one) == [("Buy milk", False)]
    await one.is_live()


async def test_requests_that_are_refused_at_once_trade_once(tab: Tabs, person: Person) -> None:
    """Requests that find the access token expired send the refresh token once."""
    inputs = [{"title": f"Todo {number}"} for number in range(60)]
    person.execute(CREATE_MANY, inputs=inputs)
    one = await tab()
    released = await one.hold_answers("RefreshTokens")
    await one.page.clock.install()
    await one.page.reload()
    await one.is_live()
    await one.page.clock.fast_forward("30:00")
    await one.add("Buy milk")
    await one.button("Show more todos").click()
    await one.has_sent(RefreshTokens=1)
    released.set()
    await expect(one.button("Show more todos")).to_have_count(0)
    await settled(one)
    await one.is_live()
    await one.has_sent(RefreshTokens=1)


async def test_a_session_that_was_ended_loses_no_edit(tab: Tabs, person: Person) -> None:
    """The page says so, and sends what waited once the same person is back."""
    one = await tab()
    one.expects_failures = True
    await one.page.context.set_offline(True)
    await one.add("Buy milk")
    await expect(one.state).to_contain_text("Not saved yet: one todo.")
    person.execute(LOGOUT)
    await one.page.context.set_offline(False)
    status = one.page.get_by_role("main").get_by_role("status")
    await expect(status).to_contain_text("Your session is over.")
    await expect(status).to_contain_text(f"once {person.username} signs in again.")
    await one.sign_in()
    await one.is_live()
    assert await settled(one) == [("Buy milk", False)]


async def test_one_tab_too_many_still_sends(tab: Tabs, backend: Backend, person: Person) -> None:
    """It says what the server says, and follows as soon as there is room."""
    host = f"127.0.0.1:{backend.port}"
    async with AsyncExitStack() as others:
        for _ in range(5):
            await others.enter_async_context(connected(host, person.token))
        one = await tab(is_followed=False)
        await expect(one.state).to_contain_text(
            "One user may have at most 5 connections at a time."
        )
        await one.add("Buy milk")
        assert await settled(one) == [("Buy milk", False)]
    await one.is_live()


async def test_signing_out_is_for_all_tabs(tab: Tabs) -> None:
    """The other tab of the same browser shows the form, too, and neither keeps a token."""
    one = await tab()
    other = await tab(one.page.context)
    await one.button("Sign out").click()
    for each in (one, other):
        await expect(each.button("Sign in")).to_be_visible()
    assert await one.page.evaluate("localStorage.length") == 0


async def test_a_rate_limit_is_waited_for(tab: Tabs, backend: Backend, tmp_path: Path) -> None:
    """The page says what the server says, and sends the rest when it may."""
    one = await tab()
    one.expects_failures = True
    titles = [f"Todo {number}" for number in range(15)]
    limited = Backend(backend.url, tmp_path)
    limited.start(RATE_LIMIT_REQUESTS="10", RATE_LIMIT_PERIOD="3")
    with limited.running:
        await one.send_requests_to(limited)
        for title in titles:
            await one.add(title)
        waiting = re.compile("Too many requests. Wait .* Not saved yet: ")
        await expect(one.state).to_have_text(waiting)
        assert await settled(one) == [(title, False) for title in reversed(titles)]


async def test_what_the_server_refuses_is_told(tab: Tabs) -> None:
    """A title that is too long leaves the list again, and the reason stays until it is read."""
    one = await tab()
    await one.add("x" * 201)
    await expect(one.alerts).to_contain_text("was not added. Use at most 200 characters")
    await one.shows()
    await one.button("Dismiss").click()
    await expect(one.alerts).to_have_count(0)


async def test_further_pages_are_shown_when_asked_for(tab: Tabs, person: Person) -> None:
    """A list of 120 is loaded in pages of 50, and completed as a whole."""
    for start in (0, 60):
        inputs = [{"title": f"Todo {start + number}"} for number in range(60)]
        person.execute(CREATE_MANY, inputs=inputs)
    one = await tab()
    stored = await person.rows()
    await one.shows(*stored[:50])
    for shown in (100, 120):
        await one.button("Show more todos").click()
        await one.shows(*stored[:shown])
    await expect(one.button("Show more todos")).to_have_count(0)
    await one.page.get_by_label("Select all").check()
    await one.button("Complete 120 selected").click()
    await one.shows(*((title, True) for title, _ in stored))
    assert await settled(one) == [(title, True) for title, _ in stored]
    assert one.operations.count("CompleteTodos") == 2
