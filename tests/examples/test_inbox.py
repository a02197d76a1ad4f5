"""The page's bell: what is unread, as it comes in, and marking it as read."""

from playwright.async_api import expect

from tests.examples.backend import Backend, Person
from tests.examples.page import Tabs
from tests.support.accounts import PASSWORD

CREATE = """
mutation ($title: String!) { todoCreate(input: { title: $title }) { todo { id } errors { code } } }
"""
REQUEST_CHANGE = """
mutation ($email: String!, $password: String!) {
  emailChangeRequest(email: $email, currentPassword: $password) { ok errors { code } }
}
"""


async def test_bell_counts_what_comes_in(tab: Tabs, person: Person) -> None:
    """A notification is counted and shown as it comes, and counts no more once all is read."""
    one = await tab()
    bell = one.page.get_by_role("button", name="Notifications")
    await expect(bell).to_have_text("Notifications")
    answer = person.execute(
        REQUEST_CHANGE, email=f"new-{person.username}@example.com", password=PASSWORD
    )
    assert answer["emailChangeRequest"]["ok"]
    await expect(bell).to_have_text("Notifications (1)")
    await bell.click()
    panel = one.page.get_by_role("region", name="Notifications")
    await expect(panel).to_contain_text("Somebody asked to change your e-mail address.")
    await one.button("Mark all as read").click()
    await expect(bell).to_have_text("Notifications")
    await expect(panel.get_by_role("listitem")).to_have_count(1)


async def test_a_reminder_in_the_bell_leads_to_its_todo(
    tab: Tabs, person: Person, backend: Backend
) -> None:
    """A notification of a todo is a link that shows the todo, and closes the panel."""
    payload = person.execute(CREATE, title="Buy milk")["todoCreate"]
    person.execute(CREATE, title="Buy bread")
    await backend.remind(person.username, payload["todo"]["id"])
    one = await tab()
    bell = one.page.get_by_role("button", name="Notifications")
    await expect(bell).to_have_text("Notifications (1)")
    await bell.click()
    panel = one.page.get_by_role("region", name="Notifications")
    await panel.get_by_role("link", name="Buy milk").click()
    await one.shows(("Buy milk", False))
    await expect(panel).to_have_count(0)
