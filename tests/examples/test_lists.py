"""The example's page in two tabs: lists and sections, order, subtasks, views, search, and undo."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Route, expect

from tests.examples.backend import Person
from tests.examples.page import Tabs
from tests.examples.tabs import Tab

ORDERED = """
{ todos(sort: [{ field: POSITION }], first: 100) {
  nodes { id title status list { name } section { name } parent { title } } } }
"""
CREATE_LIST = """
mutation ($name: String!) { listCreate(input: { name: $name }) { list { id } errors { code } } }
"""
DELETE_LIST = "mutation ($id: ID!) { listDelete(id: $id) { errors { code } } }"
DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"
CREATE = "mutation ($input: TodoCreateInput!) { todoCreate(input: $input) { errors { code } } }"
SET_DUE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) { errors { code } }
}
"""
TOP, MIDDLE, BOTTOM = 0.1, 0.5, 0.9


def stored(person: Person) -> list[dict[str, Any]]:
    """What is stored of somebody's todos, in their order."""
    nodes: list[dict[str, Any]] = person.execute(ORDERED)["todos"]["nodes"]
    return nodes


def titles(person: Person, **where: str | None) -> list[str]:
    """The titles of the todos of a list, a section or a parent, in their order."""

    def matches(node: dict[str, Any]) -> bool:
        names = {key: node[key] and next(iter(node[key].values())) for key in where}
        return names == where

    return [node["title"] for node in stored(person) if matches(node)]


async def with_list(tab: Tabs, *names: str) -> tuple[Tab, Tab]:
    """Two tabs that show a new list with todos of these titles."""
    one, other = await tab(), await tab()
    await one.fill_in("New list", "Home")
    await expect(one.page.get_by_role("heading", name="Home")).to_be_visible()
    for name in reversed(names):
        await one.add(name)
    await one.outlines(*names)
    await expect(one.unsaved).to_have_count(0)
    await other.come_to_front()
    await other.go_to("Home")
    await other.outlines(*names)
    return one, other


async def test_a_list_of_one_tab_is_a_list_of_the_other(tab: Tabs, person: Person) -> None:
    """A new list, its sections, name, colour, archive and end show in the other tab."""
    one, other = await with_list(tab, "Water the plants")
    await one.fill_in("Add section", "Kitchen")
    await one.fill_in("Add to Kitchen", "Mend the tap")
    await one.outlines("Water the plants", "Kitchen:", "Mend the tap")
    await other.outlines("Water the plants", "Kitchen:", "Mend the tap")
    assert titles(person, section="Kitchen") == ["Mend the tap"]

    await one.button("Edit list").click()
    await one.page.get_by_label("Name", exact=True).fill("House")
    await one.page.get_by_label("Color").fill("#16a34a")
    await one.button("Save").click()
    await expect(one.page.get_by_role("heading", name="House")).to_be_visible()
    await other.come_to_front()
    await expect(other.page.get_by_role("heading", name="House")).to_be_visible()
    await expect(other.link("House").locator("circle")).to_have_attribute("fill", "#16a34a")

    await one.button("Edit list").click()
    await one.button("Archive").click()
    await expect(one.page.get_by_role("heading", name="House (archived)")).to_be_visible()
    await other.come_to_front()
    await expect(other.link("House")).to_have_count(0)
    await other.page.get_by_text("Archived lists (1)").click()
    await other.button("Take House out of the archive").click()
    shown = other.page.get_by_role("heading", name="House", exact=True)
    await expect(shown).to_be_visible()

    await one.come_to_front()
    await expect(one.link("House")).to_be_visible()
    await one.button("Delete list").click()
    await expect(one.page.get_by_role("heading", name="Inbox")).to_be_visible()
    await expect(other.page.get_by_role("heading", name="Inbox")).to_be_visible()
    await one.button("Undo").click()
    await one.outlines("Water the plants", "Kitchen:", "Mend the tap")
    await other.come_to_front()
    await other.go_to("House")
    await other.outlines("Water the plants", "Kitchen:", "Mend the tap")


async def test_todos_are_put_in_order_by_mouse(tab: Tabs, person: Person) -> None:
    """A todo that is dragged to another's edge stands there, and to a section's name in it."""
    one, other = await with_list(tab, "One", "Two", "Three")
    await one.fill_in("Add section", "Later")
    await other.come_to_front()
    await one.drag("Three", one.row("One"), TOP)
    await one.outlines("Three", "One", "Two", "Later:")
    await other.outlines("Three", "One", "Two", "Later:")
    await other.drag("Three", other.row("Two"), BOTTOM)
    await one.outlines("One", "Two", "Three", "Later:")
    await one.drag("One", one.page.get_by_role("heading", name="Later"))
    for each in (one, other):
        await each.outlines("Two", "Three", "Later:", "One")
        await expect(each.unsaved).to_have_count(0)
    assert titles(person, section="Later") == ["One"]
    assert titles(person, section=None) == ["Two", "Three"]


async def test_todos_are_put_in_order_by_keyboard(tab: Tabs, person: Person) -> None:
    """Alt and arrows move and nest a todo; that is announced, and the focus stays with it."""
    one, other = await with_list(tab, "One", "Two", "Three")
    focused = one.page.get_by_label("Select Three", exact=True)
    announced = one.page.get_by_role("status", name="Moves")
    await focused.focus()
    for key, lines, told in (
        ("ArrowUp", ["One", "Three", "Two"], "Three: 2 of 3"),
        ("ArrowUp", ["Three", "One", "Two"], "Three: 1 of 3"),
        ("ArrowUp", ["Three", "One", "Two"], "Three is first already"),
        ("ArrowDown", ["One", "Three", "Two"], "Three: 2 of 3"),
        ("ArrowRight", ["One", "  Three", "Two"], "Three: 1 of 1 below One"),
        ("ArrowLeft", ["One", "Three", "Two"], "Three: 2 of 3"),
    ):
        await one.press(f"Alt+{key}")
        await one.outlines(*lines)
        await expect(announced).to_have_text(told)
        await expect(one.unsaved).to_have_count(0)
        await expect(focused).to_be_focused()
    await other.outlines("One", "Three", "Two")
    assert titles(person, list="Home") == ["One", "Three", "Two"]


async def test_todos_are_moved_by_buttons(tab: Tabs) -> None:
    """What is dragged can be moved by buttons, too, which stay where they are while it moves."""
    one, other = await with_list(tab, "One", "Two", "Three")
    await one.button("More for Two").click()
    await one.button("Move up Two").click()
    await one.outlines("Two", "One", "Three")
    await expect(one.button("Move up Two")).to_be_focused()
    await one.button("Move down Two").click()
    await one.button("Indent Two").click()
    await one.outlines("One", "  Two", "Three")
    await expect(one.button("Indent Two")).to_be_focused()
    await one.fill_in("Add subtask to Two", "Deeper")
    await one.outlines("One", "  Two", "    Deeper", "Three")
    await other.button("Subtasks of One").click()
    await other.button("Subtasks of Two").click()
    await other.outlines("One", "  Two", "    Deeper", "Three")
    await one.button("Outdent Two").click()
    for each in (one, other):
        await each.outlines("One", "Two", "  Deeper", "Three")


async def test_a_parent_is_completed_with_its_subtasks(tab: Tabs, person: Person) -> None:
    """Both tabs show how many subtasks are done, and completing the parent completes the others."""
    one, other = await with_list(tab, "Paint the wall", "Buy paint", "Lend a ladder")
    for title in ("Buy paint", "Lend a ladder"):
        await one.drag(title, one.row("Paint the wall"), MIDDLE)
        await expect(one.unsaved).to_have_count(0)
    for each in (one, other):
        await expect(each.row("Paint the wall")).to_contain_text("0 of 2 subtasks done")
    await other.button("Subtasks of Paint the wall").click()
    for each in (one, other):
        await each.outlines("Paint the wall", "  Buy paint", "  Lend a ladder")
    await other.complete("Buy paint")
    await expect(one.row("Paint the wall")).to_contain_text("1 of 2 subtasks done")
    await one.complete("Paint the wall")
    rows = (("Paint the wall", True), ("Buy paint", True), ("Lend a ladder", True))
    for each in (one, other):
        await each.shows(*rows)
        await expect(each.row("Paint the wall")).to_contain_text("2 of 2 subtasks done")
    await one.button("Undo").click()
    for each in (one, other):
        await each.shows(("Paint the wall", False), ("Buy paint", True), ("Lend a ladder", False))
        await expect(each.row("Paint the wall")).to_contain_text("1 of 2 subtasks done")
    assert [node["status"] for node in stored(person)] == ["PENDING", "COMPLETED", "PENDING"]


async def test_todos_are_moved_between_lists(tab: Tabs, person: Person) -> None:
    """A todo that is dropped on a list of the sidebar leaves this one, in both tabs; undo brings it back."""
    one, other = await with_list(tab, "One", "Two")
    await other.go_to("Inbox")
    await one.drag("Two", one.link("Inbox"))
    await one.outlines("One")
    await other.outlines("Two")
    await one.counts("Home", 1)
    await other.counts("Inbox", 1)
    await one.button("Undo").click()
    await one.outlines("One", "Two")
    await other.outlines()
    await one.button("More for One").click()
    await one.page.get_by_label("List of One").select_option("Inbox")
    await one.outlines("Two")
    await other.outlines("One")
    assert titles(person, list=None) == ["One"]
    assert titles(person, list="Home") == ["Two"]


async def test_what_is_deleted_comes_back(tab: Tabs) -> None:
    """Undo brings a deleted todo back where it was, in both tabs."""
    one, other = await with_list(tab, "One", "Two", "Three")
    await one.button("Delete Two").click()
    await other.outlines("One", "Three")
    await expect(one.page.get_by_text("“Two” is deleted.")).to_be_visible()
    await one.button("Undo").click()
    for each in (one, other):
        await each.outlines("One", "Two", "Three")
    await expect(one.button("Undo")).to_have_count(0)


async def test_a_refused_move_is_taken_back(tab: Tabs, person: Person) -> None:
    """A todo goes back to where it was if its neighbour is gone by the time it is moved."""
    one, _ = await with_list(tab, "One", "Two", "Three")
    ids = {node["title"]: node["id"] for node in stored(person)}

    async def move_too_late(route: Route) -> None:
        await asyncio.to_thread(person.execute, DELETE, id=ids["Two"])
        await route.fallback()

    await one.on_requests("MoveTodo", move_too_late)
    await one.drag("One", one.row("Two"), BOTTOM)
    await expect(one.alerts).to_contain_text("“One” was not moved.")
    await one.outlines("One", "Three")
    assert titles(person, list="Home") == ["One", "Three"]


async def test_a_move_whose_answer_is_lost_is_made_once(tab: Tabs) -> None:
    """A move is sent again when its answer was lost, and does no harm."""
    one, other = await with_list(tab, "One", "Two")
    await one.lose_answers("MoveTodo", 2)
    await one.drag("Two", one.row("One"), TOP)
    await one.has_sent(MoveTodo=3)
    for each in (one, other):
        await each.outlines("Two", "One")
        await expect(each.unsaved).to_have_count(0)
    await expect(one.alerts).to_have_count(0)


async def test_a_search_is_saved_as_a_view(tab: Tabs, person: Person) -> None:
    """A view shows what matches it in every list, in both tabs, as soon as it does."""
    one, other = await with_list(tab, "Buy oat milk", "Read a book")
    person.execute(CREATE, input={"title": "Ask for MILK"})
    await one.page.get_by_label("Search todos").fill("milk")
    await one.press("Enter")
    await expect(one.page.get_by_role("heading", name="Search: milk")).to_be_visible()
    found = one.page.locator("section.card .title")
    await expect(found).to_have_count(2)
    await one.fill_in("Save as a view", "Milk")
    await expect(one.page.get_by_role("heading", name="Milk", exact=True)).to_be_visible()
    await other.come_to_front()
    await other.go_to("Milk")
    await expect(other.page.locator("section.card .title")).to_have_count(2)
    await other.rename("Ask for MILK", "Ask for tea")
    for each in (one, other):
        await each.outlines("Buy oat milk")
    await expect(one.row("Buy oat milk").get_by_role("link", name="Home")).to_be_visible()
    await one.button("Delete view").click()
    await expect(one.link("Milk")).to_have_count(0)


async def test_counts_follow_what_is_due(tab: Tabs, person: Person) -> None:
    """The sidebar counts open todos by day and by list, and follows the other tab."""
    one, other = await with_list(tab, "One", "Two", "Three")
    await other.counts("Home", 3)
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    ids = {node["title"]: node["id"] for node in stored(person)}
    for title, days in (("One", -1), ("Two", 0), ("Three", 2)):
        due_at = (noon + timedelta(days=days)).isoformat()
        person.execute(SET_DUE, id=ids[title], input={"dueAt": due_at})
    for each in (one, other):
        for name, count in (("Overdue", 1), ("Today", 1), ("Next 7 days", 2), ("Home", 3)):
            await each.counts(name, count)
    await one.go_to("Next 7 days")
    await one.outlines("Two", "Three")
    await other.complete("Two")
    await one.outlines("Three")
    for each in (one, other):
        await each.counts("Today", 0)
        await each.counts("Home", 2)
    await other.button("Undo").click()
    await one.outlines("Two", "Three")
    await one.counts("Today", 1)


async def test_a_due_day_is_set_on_the_page(tab: Tabs) -> None:
    """A todo gets a due day by a field of its panel, and loses it there."""
    one = await tab()
    await one.add("Buy milk")
    await one.button("More for Buy milk").click()
    today = await one.page.evaluate("new Date().toLocaleDateString('sv')")
    await one.page.get_by_label("Due day").fill(today)
    await one.button("Save dates").click()
    await one.counts("Today", 1)
    await one.page.get_by_label("Due day").fill("")
    await one.button("Save dates").click()
    await one.counts("Today", 0)
    await expect(one.row("Buy milk").locator("time")).to_have_count(0)


async def test_a_list_that_another_device_made_shows_with_its_first_todo(
    tab: Tabs, person: Person
) -> None:
    """A change of a todo in a list that the page doesn't know brings the list, without any focus."""
    one = await tab()
    list_id = person.execute(CREATE_LIST, name="Travel")["listCreate"]["list"]["id"]
    person.execute(CREATE, input={"title": "Book a train", "to": {"listId": list_id}})
    await one.counts("Travel", 1)
    await one.go_to("Travel")
    await expect(one.page).to_have_url(re.compile(f"#list/{list_id}$"))
    await one.page.reload()
    await one.outlines("Book a train")
    person.execute(DELETE_LIST, id=list_id)
    await expect(one.page.get_by_role("heading", name="Inbox")).to_be_visible()
