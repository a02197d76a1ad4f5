"""The example's page for people: by keyboard, on narrow screens, by day and by night, read aloud."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.examples.backend import Backend, Person
from tests.examples.page import EXAMPLE, Tabs
from tests.examples.sharing import COMMENT, INVITE, list_of, member, share, todo_in
from tests.examples.tabs import Tab
from tests.support.accounts import PASSWORD

AXE = EXAMPLE / "node_modules/axe-core/axe.min.js"
VIOLATIONS = """
async () => (await axe.run()).violations.map(
  ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
"""
WIDTH = "[document.documentElement.scrollWidth, innerWidth]"
CREATE_REPEATING = """
mutation { todoCreate(input: {
  title: "Stand up"
  dueAt: "2040-01-07T08:00:00Z"
  dueTimeZone: "America/Argentina/ComodRivadavia"
  startDate: "2040-01-06"
  recurrence: { rule: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU" }
}) { todo { id } } }
"""
COMPLETE = "mutation ($id: ID!) { todoComplete(id: $id) { errors { code } } }"
LOOKS = [
    pytest.param(width, scheme, id=f"{width} px, {scheme}")
    for width in (320, 1200)
    for scheme in ("light", "dark")
]


@pytest.fixture
async def visitor(browser: Any, address: str, backend: Backend) -> AsyncIterator[Tab]:
    """Somebody who has no account, and comes to the page."""
    context = await browser.new_context()
    tab = Tab(await context.new_page(), address, Person(backend))
    await tab.open()
    yield tab
    await context.close()
    assert tab.troubles == []


async def is_fit(tab: Tab) -> None:
    """The page fits the screen's width, and axe finds nothing to mend."""
    shown, wide = await tab.page.evaluate(WIDTH)
    assert shown <= wide
    await tab.page.evaluate(AXE.read_text())
    assert await tab.page.evaluate(VIOLATIONS) == []


async def test_an_account_is_made_by_keyboard(visitor: Tab) -> None:
    """An account is made by keyboard, and the focus after a refusal is on the field to mend."""
    page = visitor.page
    await visitor.button("Create an account").focus()
    await visitor.press("Enter")
    await page.get_by_label("User name").focus()
    await page.keyboard.type(visitor.person.username)
    await visitor.press("Tab")
    await page.keyboard.type(f"{visitor.person.username}@example.com")
    await visitor.press("Tab")
    await page.keyboard.type("short")
    await visitor.press("Enter")
    password = page.get_by_label("Password")
    await expect(password).to_have_accessible_description("Use at least 8 characters.")
    await expect(password).to_be_focused()
    await password.fill(PASSWORD)
    await visitor.press("Enter")
    await visitor.is_live()
    await expect(page.get_by_text("Nothing to do. Add your first todo above.")).to_be_visible()


async def test_a_wrong_password_is_told(visitor: Tab) -> None:
    """A wrong password is reported in an alert, since it may be the name that is wrong."""
    await visitor.sign_in("Wrong4horse")
    await expect(visitor.page.get_by_role("alert")).to_have_text(
        "No account has this name and password."
    )


async def test_a_list_is_kept_by_keyboard(tab: Tabs) -> None:
    """The focus is never lost: not by renaming, not by giving that up, not by deleting."""
    one = await tab()
    page = one.page
    for title in ("First", "Second"):
        await one.add(title)
    await expect(page.get_by_label("New todo")).to_be_focused()
    await one.press("Tab", "Tab", "Tab", "Tab")
    # The button is passed over while nothing is selected, or it says so.
    selecting = page.get_by_label("Select Second", exact=True)
    await expect(selecting).to_be_focused()
    await one.press("Space")
    await expect(selecting).to_be_checked()
    await one.button("Complete 1 selected").focus()
    await one.press("Enter")
    await one.shows(("Second", True), ("First", False))

    await one.button("Rename Second").focus()
    await one.press("Enter")
    await expect(page.get_by_label("New title for Second")).to_be_focused()
    await page.keyboard.type("Renamed")
    await one.press("Enter")
    await expect(page.get_by_label("Select Renamed")).to_be_focused()
    await one.button("Rename Renamed").focus()
    await one.press("Enter")
    await page.keyboard.type("Given up")
    await one.press("Escape")
    await expect(page.get_by_label("Select Renamed")).to_be_focused()

    await one.button("Delete Renamed").focus()
    await one.press("Enter")
    await one.shows(("First", False))
    await expect(page.get_by_label("Select First")).to_be_focused()
    await one.button("Delete First").focus()
    await one.press("Enter")
    await expect(page.get_by_label("New todo")).to_be_focused()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_the_page_fits_and_can_be_read(tab: Tabs, width: int, scheme: Any) -> None:
    """The page fits and can be read with a long title, a refusal, a rename, and waiting edits."""
    one = await tab()
    one.expects_failures = True
    await one.page.set_viewport_size({"width": width, "height": 700})
    await one.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await is_fit(one)
    await one.add("x" * 201)
    await expect(one.alerts).to_contain_text("was not added")
    await one.add("Wordless" * 20)
    await one.add("Second")
    await expect(one.unsaved).to_have_count(0)
    await one.page.context.set_offline(True)
    await one.complete("Wordless" * 20)
    await expect(one.state).to_contain_text("Not saved yet")
    await one.button("Rename Second").click()
    await expect(one.unsaved).to_be_visible()
    await is_fit(one)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_lists_fit_and_can_be_read(tab: Tabs, width: int, scheme: Any) -> None:
    """The sidebar, and a list with its settings, a section, subtasks and a panel, fit and can be read."""
    one = await tab()
    await one.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await one.page.set_viewport_size({"width": width, "height": 700})
    menu = one.button("Lists")
    if await menu.is_visible():
        await menu.click()
    await one.fill_in("New list", "Wordless" * 15)
    await expect(one.page.get_by_role("heading", name="Wordless" * 15)).to_be_visible()
    await one.fill_in("Add section", "Endless" * 15)
    await one.fill_in(f"Add to {'Endless' * 15}", "Buy milk")
    for title in ("Second", "First"):
        await one.add(title)
    await one.page.get_by_label("Select Second", exact=True).focus()
    await one.press("Alt+ArrowRight")
    await one.outlines("First", "  Second", f"{'Endless' * 15}:", "Buy milk")
    await one.button("More for Second").click()
    await one.page.get_by_label("Due day").fill("2001-02-03")
    await one.button("Save dates").click()
    await expect(one.row("Second").locator(".late")).to_be_visible()
    await one.button("Edit list").click()
    await one.complete("Buy milk")
    await expect(one.button("Undo")).to_be_visible()
    await is_fit(one)
    if await menu.is_visible():
        await menu.click()
        await is_fit(one)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_dates_fit_and_can_be_read(
    tab: Tabs, person: Person, width: int, scheme: Any
) -> None:
    """The form of dates with a repetition, its dates, a refusal and what was completed fit and can be read."""
    payload = person.execute(CREATE_REPEATING)["todoCreate"]
    person.execute(COMPLETE, id=payload["todo"]["id"])
    one = await tab()
    await one.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await one.page.set_viewport_size({"width": width, "height": 700})
    await one.button("More for Stand up").first.click()
    await expect(one.page.get_by_role("list", name="Completed")).to_be_visible()
    await one.page.get_by_label("Every how many weeks").fill("2")
    await one.page.get_by_role("combobox", name="Ends").select_option("on a day")
    await one.page.get_by_label("Last day", exact=True).fill("2040-12-31")
    await expect(one.page.get_by_role("list", name="Due on")).to_be_visible()
    await is_fit(one)
    await one.page.get_by_role("combobox", name="Repeats").select_option("By a rule")
    await one.page.get_by_label("Rule (RRULE)").fill("FREQ=DAILY;BYHOUR=9")
    await expect(one.page.get_by_text("is not supported")).to_be_visible()
    await is_fit(one)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_sharing_fits_and_can_be_read(
    tab: Tabs, person: Person, friend: Person, width: int, scheme: Any
) -> None:
    """An invitation, members with their forms, an assigned todo and its comments fit and can be read."""
    list_id = list_of(person)
    todo_id = todo_in(person, list_id, "Buy milk")
    share(person, list_id, friend)
    person.execute(INVITE, id=list_id, whom=f"{'a' * 50}@example.com", role="VIEWER")
    friend_id = member(person, list_id, friend)["user"]["id"]
    mention = f"@[{friend.username}](user:{friend_id})"
    person.execute(
        COMMENT, id=todo_id, body=f"{mention} {'Wordless' * 20}\n\n> cited\n\n- **bold**"
    )
    friend.execute(INVITE, id=list_of(friend), whom=person.username, role="EDITOR")
    one = await tab()
    await one.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await one.page.set_viewport_size({"width": width, "height": 700})
    menu = one.button("Lists")
    if await menu.is_visible():
        await menu.click()
    await expect(one.page.get_by_role("region", name="Invitations")).to_be_visible()
    await is_fit(one)
    await one.go_to("Home")
    await one.button("Members").click()
    await one.button(f"Remove {friend.username}").click()
    await one.button("Hand the list over").click()
    await is_fit(one)
    await one.button("Members").click()
    await one.button("More for Buy milk").click()
    await one.page.get_by_label("Who is to do Buy milk").select_option(friend.username)
    await expect(one.row("Buy milk").locator(".mention")).to_be_visible()
    await one.button("Mention a member").click()
    await expect(one.page.get_by_role("list", name="Members to mention")).to_be_visible()
    await is_fit(one)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_the_forms_fit_and_can_be_read(visitor: Tab, width: int, scheme: Any) -> None:
    """The one that signs in, and the one that makes an account, with its problems."""
    await visitor.page.set_viewport_size({"width": width, "height": 700})
    await visitor.page.emulate_media(color_scheme=scheme)
    await is_fit(visitor)
    await visitor.button("Create an account").click()
    await visitor.page.get_by_label("User name").fill("a" * 60)
    await visitor.page.get_by_label("E-mail address").fill("a@example.com")
    await visitor.page.get_by_label("Password").fill("short")
    await visitor.press("Enter")
    await expect(visitor.page.get_by_text("At least 8 characters")).to_be_visible()
    await is_fit(visitor)
