"""The example's page in the browsers of two people who share a list."""

import re

from playwright.async_api import Locator, expect

from tests.examples.backend import Backend, Person
from tests.examples.page import Tabs
from tests.examples.sharing import (
    CHANGE_ROLE,
    COMMENT,
    COMMENTS,
    INVITE,
    REMOVE,
    list_of,
    member,
    share,
    todo_in,
)
from tests.examples.tabs import Tab
from tests.support.accounts import PASSWORD
from tests.support.waiting import until

HARMFUL = """
<img src=x onerror="document.title='harmed'"> <script>document.title = 'harmed'</script>
[click](javascript:document.title='harmed') ![seen](https://example.com/pixel.png)
[site](https://example.com/?a=1&b=2 "title") **bold** `@code`
# Heading
@[Your boss](user:00000000-0000-4000-8000-000000000000)
"""


async def comments_of(tab: Tab, title: str) -> Locator:
    """The comments on a todo, in its panel."""
    panel = tab.page.get_by_role("region", name=f"Comments on {title}")
    if not await panel.is_visible():
        await tab.button(f"More for {title}").click()
    return panel


async def write_comment(tab: Tab, title: str, text: str) -> None:
    """Type a comment on a todo whose panel is open, and send it."""
    field = tab.page.get_by_role("textbox", name=f"Comment on {title}")
    await field.fill(text)
    await tab.button("Comment").click()
    await expect(field).to_have_value("")


async def test_two_people_share_a_list_live(tab: Tabs, person: Person, friend: Person) -> None:
    """Whoever is invited accepts, comments, mentions and is assigned, and each browser shows it at once."""
    list_id = list_of(person)
    todo_in(person, list_id, "Buy milk")
    one, other = await tab(), await tab(whose=friend)
    await one.go_to("Home")
    await one.button("Share").click()
    await one.page.get_by_label("User name or e-mail address").fill(friend.username)
    await one.button("Invite").click()
    await expect(one.page.get_by_role("list", name="Invited")).to_contain_text(friend.username)

    invitation = other.page.get_by_role("region", name="Invitations")
    await expect(invitation).to_contain_text(f"{person.username} invites you to Home as editor.")
    await other.button("Accept Home").click()
    await expect(other.page.get_by_role("heading", name="Home")).to_be_visible()
    await other.outlines("Buy milk")
    await expect(invitation).to_have_count(0)
    await expect(other.link("Home")).to_contain_text(f"from {person.username}")
    await expect(one.page.get_by_role("list", name="Members")).to_contain_text(friend.username)
    await expect(one.link("Home")).to_contain_text("shared")

    await other.add("Bake bread")
    await one.outlines("Bake bread", "Buy milk")
    shown = await comments_of(one, "Buy milk")
    await comments_of(other, "Buy milk")
    await write_comment(other, "Buy milk", f"Oat, @{person.username}?")
    mention = shown.locator(".mention")
    await expect(mention).to_have_text(f"@{person.username}")
    bell = one.page.get_by_role("button", name="Notifications")
    await expect(bell).to_contain_text("(")
    await bell.click()
    panel = one.page.get_by_role("region", name="Notifications")
    await expect(panel).to_contain_text("You are mentioned")
    await bell.click()

    await one.page.get_by_label("Who is to do Buy milk").select_option(friend.username)
    await expect(other.row("Buy milk").locator(".assignee")).to_have_text("Assigned to you")
    await other.complete("Buy milk")
    await one.shows(("Bake bread", False), ("Buy milk", True))


async def test_a_removed_member_sees_nothing_any_more(
    tab: Tabs, person: Person, friend: Person
) -> None:
    """The browser of a removed member shows nothing of the list any more, and says so in plain words."""
    list_id = list_of(person)
    todo_in(person, list_id, "Buy milk")
    share(person, list_id, friend)
    one, other = await tab(), await tab(whose=friend)
    await other.go_to("Home")
    await other.outlines("Buy milk")
    await comments_of(other, "Buy milk")
    await one.go_to("Home")
    await one.button("Members").click()
    await one.button(f"Remove {friend.username}").first.click()
    heirs = one.page.get_by_label(f"What is assigned to {friend.username} goes to")
    await expect(heirs).to_be_focused()
    await heirs.select_option(person.username)
    await (
        one.page.get_by_role("form", name=f"Remove {friend.username}")
        .get_by_role("button", name=f"Remove {friend.username}")
        .click()
    )
    await expect(other.alerts.first).to_have_text(
        "You were removed from the list “Home”: nothing of it is shown to you any more. Dismiss"
    )
    await expect(other.link("Home")).to_have_count(0)
    await expect(other.page.get_by_role("heading", name="Inbox")).to_be_visible()
    await expect(other.page.get_by_text("Buy milk")).to_have_count(0)
    members = one.page.get_by_role("list", name="Members")
    await expect(members.get_by_role("listitem")).to_have_count(1)


async def test_a_removal_is_shown_after_a_lost_connection(
    tab: Tabs, person: Person, friend: Person
) -> None:
    """Whoever was removed while they were offline sees the list go as soon as they are back."""
    list_id = list_of(person)
    share(person, list_id, friend)
    other = await tab(whose=friend, expects_failures=True)
    await other.go_to("Home")
    await expect(other.page.get_by_role("heading", name="Home")).to_be_visible()
    await other.page.context.set_offline(True)
    person.execute(REMOVE, id=member(person, list_id, friend)["id"])
    await other.page.context.set_offline(False)
    await expect(other.alerts.first).to_contain_text("You were removed from the list “Home”")
    await expect(other.link("Home")).to_have_count(0)


async def test_a_viewer_is_offered_nothing_to_change(
    tab: Tabs, person: Person, friend: Person
) -> None:
    """A viewer reads todos, comments and members, is told why nothing can be changed, and can write as soon as they may."""
    list_id = list_of(person)
    todo_id = todo_in(person, list_id, "Buy milk")
    person.execute(COMMENT, id=todo_id, body="Oat")
    share(person, list_id, friend, "VIEWER")
    other = await tab(whose=friend)
    await other.go_to("Home")
    await other.outlines("Buy milk")
    hint = other.page.get_by_text(f"You may read this list of {person.username}’s")
    await expect(hint).to_have_count(1)
    await expect(await comments_of(other, "Buy milk")).to_contain_text("Oat")
    await expect(hint).to_have_count(2)
    changing = [
        *("Complete Buy milk", "Rename Buy milk", "Delete Buy milk", "Comment", "Save dates"),
        *("Move up Buy milk", "Edit list", "Add section", "Add", "Invite"),
    ]
    await other.button("Members").click()
    members = other.page.get_by_role("list", name="Members")
    await expect(members).to_contain_text(f"{friend.username} (you)Viewer")
    for name in changing:
        await expect(other.button(name)).to_have_count(0)
    await expect(other.page.get_by_label("New todo")).to_have_count(0)
    await expect(other.page.get_by_label("List of Buy milk")).to_have_count(0)
    await expect(other.page.get_by_role("checkbox")).to_have_count(0)
    await expect(other.page.locator("[draggable=true]")).to_have_count(0)

    await other.button("More for Buy milk").focus()
    await other.press("Alt+ArrowUp")
    person.execute(CHANGE_ROLE, id=member(person, list_id, friend)["id"], role="EDITOR")
    await other.complete("Buy milk")
    await expect(hint).to_have_count(0)
    await other.shows(("Buy milk", True))
    await expect(other.alerts).to_have_count(0)
    # Nor is an editor offered what takes a manager.
    for name in ("Edit list", "Add section", "Invite"):
        await expect(other.button(name)).to_have_count(0)


async def test_an_invitation_is_declined_or_taken_back(
    tab: Tabs, person: Person, friend: Person
) -> None:
    """A declined invitation is gone from both pages, and one that is taken back from the page of who has it."""
    list_of(person)
    one, other = await tab(), await tab(whose=friend)
    await one.go_to("Home")
    await one.button("Share").click()
    invited = one.page.get_by_role("list", name="Invited")
    offered = other.page.get_by_role("region", name="Invitations")
    for answer in ("decline", "revoke"):
        await one.page.get_by_label("User name or e-mail address").fill(friend.username)
        await one.page.get_by_role("combobox", name="Role", exact=True).select_option("VIEWER")
        await one.button("Invite").click()
        await expect(offered).to_contain_text("as viewer")
        if answer == "decline":
            await other.button("Decline Home").click()
            await expect(offered).to_have_count(0)
            await one.button("Share").click()
            await one.button("Share").click()
        else:
            await one.button(f"Take back the invitation of {friend.username}").click()
        await expect(invited).to_have_count(0)
    await other.come_to_front()
    await expect(offered).to_have_count(0)


async def test_a_refused_invitation_is_told_at_its_field(tab: Tabs, person: Person) -> None:
    """What the server has against an invitation is the description of its field."""
    list_of(person)
    one = await tab()
    await one.go_to("Home")
    await one.button("Share").click()
    field = one.page.get_by_label("User name or e-mail address")
    await field.fill(person.username)
    await one.button("Invite").click()
    await expect(field).to_have_accessible_description(re.compile(r".+"))
    await expect(field).to_be_focused()
    await expect(field).to_have_value(person.username)


async def test_the_link_of_a_mail_leads_to_the_list(
    tab: Tabs, person: Person, friend: Person, backend: Backend
) -> None:
    """An invitation to an address is accepted by the link in its mail, whose token leaves the address bar."""
    await backend.verify_address(friend.username)
    list_id = list_of(person)
    address = f"{friend.username}@example.com"
    person.execute(INVITE, id=list_id, whom=address, role="EDITOR")
    await until(lambda: backend.invitation_token(address) is not None)
    other = await tab(whose=friend)
    token = backend.invitation_token(address)
    await other.page.goto(f"{other.address}/account/invitation?token={token}")
    await expect(other.page).to_have_url(re.compile(r"/#invitation/"))
    await other.button("Accept the list").click()
    await expect(other.page.get_by_role("heading", name="Home")).to_be_visible()
    await other.page.goto(f"{other.address}/account/invitation?token={token}x")
    await other.button("Accept the list").click()
    await expect(other.alerts.first).to_contain_text("The invitation was not accepted.")


async def test_roles_are_changed_and_the_list_handed_over(
    tab: Tabs, person: Person, friend: Person
) -> None:
    """A member is made a manager, then the owner, and the owner before leaves."""
    list_id = list_of(person)
    share(person, list_id, friend)
    one, other = await tab(), await tab(whose=friend)
    await one.go_to("Home")
    await other.go_to("Home")
    await one.button("Members").click()
    await one.page.get_by_label(f"Role of {friend.username}").select_option("MANAGER")
    await expect(other.button("Edit list")).to_be_visible()
    await one.button("Hand the list over").click()
    password = one.page.get_by_label("Your password")
    await password.fill("Wrong4horse")
    await one.button("Hand over").click()
    await expect(password).to_have_accessible_description(re.compile(r".+"))
    await password.fill(PASSWORD)
    await one.button("Hand over").click()
    await expect(other.link("Home")).to_contain_text("shared")
    await expect(one.link("Home")).to_contain_text(f"from {friend.username}")
    one.page.once("dialog", lambda dialog: dialog.accept())
    await one.button("Leave").click()
    await expect(one.page.get_by_role("heading", name="Inbox")).to_be_visible()
    await expect(one.link("Home")).to_have_count(0)
    await expect(one.alerts).to_have_count(0)
    assert member(friend, list_id, friend)["role"] == "OWNER"


async def test_comments_are_written_by_keyboard_edited_and_deleted(
    tab: Tabs, person: Person, friend: Person
) -> None:
    """A member is chosen by keyboard after an @; one's own comment is edited and deleted, in both browsers."""
    list_id = list_of(person)
    todo_id = todo_in(person, list_id, "Buy milk")
    share(person, list_id, friend)
    one, other = await tab(), await tab(whose=friend)
    for each in (one, other):
        await each.go_to("Home")
        await comments_of(each, "Buy milk")
    shown = await comments_of(other, "Buy milk")
    await one.page.get_by_role("textbox", name="Comment on Buy milk").focus()
    await one.page.keyboard.type(f"Ask @{friend.username[:9]}")
    choice = one.page.get_by_role("list", name="Members to mention")
    await expect(choice.get_by_role("button", name=f"@{friend.username}")).to_be_visible()
    await one.press("ArrowDown")
    await choice.get_by_role("button", name=f"@{friend.username}").focus()
    await one.press("Enter")
    await one.page.keyboard.type("`@code`")
    await one.press("Control+Enter")
    await expect(shown.locator(".mention")).to_have_text(f"@{friend.username}")
    (stored,) = person.execute(COMMENTS, id=todo_id)["node"]["comments"]["nodes"]
    friend_id = member(person, list_id, friend)["user"]["id"]
    assert stored["body"] == f"Ask @[{friend.username}](user:{friend_id}) `@code`"

    await expect(other.button(f"Edit the comment of {person.username}")).to_have_count(0)
    await one.button(f"Edit the comment of {person.username}").click()
    field = one.page.get_by_role("textbox", name="Edit your comment")
    await expect(field).to_have_value(f"Ask @{friend.username} `@code`")
    await field.fill("Never mind")
    await one.button("Save").click()
    await expect(shown).to_contain_text("Never mind")
    await expect(shown).to_contain_text("(edited)")
    await one.button(f"Delete the comment of {person.username}").click()
    for each in (one, other):
        panel = await comments_of(each, "Buy milk")
        await expect(panel).to_contain_text("This comment was deleted.")


async def test_a_mention_waits_for_the_members(tab: Tabs, person: Person, friend: Person) -> None:
    """A comment that is sent before the members of its list are loaded mentions them all the same."""
    list_id = list_of(person)
    todo_in(person, list_id, "Buy milk")
    share(person, list_id, friend)
    one = await tab()
    await one.go_to("Home")
    released = await one.hold_answers("LoadMembers")
    panel = await comments_of(one, "Buy milk")
    await one.page.get_by_role("textbox", name="Comment on Buy milk").fill(f"@{friend.username}")
    await one.button("Comment").click()
    released.set()
    await expect(panel.locator(".mention")).to_have_text(f"@{friend.username}")


async def test_markdown_of_others_does_no_harm(tab: Tabs, person: Person, friend: Person) -> None:
    """Scripts, pictures and links that aren't to the web are text or gone, and mentions of strangers are text."""
    list_id = list_of(person)
    todo_id = todo_in(person, list_id, "Buy milk")
    share(person, list_id, friend)
    friend.execute(COMMENT, id=todo_id, body=HARMFUL)
    one = await tab()
    await one.go_to("Home")
    panel = await comments_of(one, "Buy milk")
    body = panel.locator(".body")
    await expect(body.locator("strong").first).to_have_text("bold")
    await expect(body).to_contain_text("<script>")
    await expect(body.locator("img, script, h1, [onerror], .mention")).to_have_count(0)
    links = await body.locator("a[href]").evaluate_all("links => links.map((a) => [a.href, a.rel])")
    safe = "noopener noreferrer nofollow"
    assert links == [
        ["https://example.com/pixel.png", safe],
        ["https://example.com/?a=1&b=2", safe],
    ]
    await expect(one.page).to_have_title("Todos")


async def test_a_comment_whose_answer_is_lost_is_written_once(tab: Tabs, person: Person) -> None:
    """The text stays until the server has it, and sending it again writes no second comment."""
    list_id = list_of(person)
    todo_id = todo_in(person, list_id, "Buy milk")
    one = await tab()
    await one.go_to("Home")
    panel = await comments_of(one, "Buy milk")
    await one.lose_answers("WriteComment", 1)
    field = one.page.get_by_role("textbox", name="Comment on Buy milk")
    await field.fill("Oat")
    await one.button("Comment").click()
    await expect(field).to_have_accessible_description("The server can’t be reached.")
    await expect(field).to_have_value("Oat")
    await one.button("Comment").click()
    await expect(field).to_have_value("")
    await expect(panel.locator(".body")).to_have_text(["Oat"])
    assert len(person.execute(COMMENTS, id=todo_id)["node"]["comments"]["nodes"]) == 1
