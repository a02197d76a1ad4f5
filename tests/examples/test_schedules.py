"""The example's page: dates with and without times, zones, todos that repeat, and links to todos."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Locator, expect

from tests.examples.backend import Person
from tests.examples.page import Tabs
from tests.examples.tabs import Tab

CREATE = """
mutation ($input: TodoCreateInput!) { todoCreate(input: $input) { todo { id } errors { message } } }
"""
SET_ZONE = """
mutation ($zone: TimeZone!) { profileUpdate(input: { timeZone: $zone }) { errors { message } } }
"""
STORED = """
{ todos(first: 20, sort: [{ field: POSITION }]) { nodes {
  id title status version snoozedUntil dueDate dueAt dueTimeZone startDate startAt
  recurrence { rule mode timeZone catchesUp done } } } }
"""
SNOOZE = """
mutation ($id: ID!, $until: DateTime) {
  todoSnooze(id: $id, until: $until) { errors { message } } }
"""
COMPLETE = "mutation ($id: ID!) { todoComplete(id: $id) { errors { message } } }"
RENAME = """
mutation ($id: ID!, $title: String!) {
  todoUpdate(id: $id, input: { title: $title }) { errors { message } } }
"""
SET_DUE = """
mutation ($id: ID!, $day: Date!) {
  todoUpdate(id: $id, input: { dueDate: $day }) { errors { message } } }
"""
WORDS = {
    ("FREQ=DAILY", "SCHEDULE"): "Every day",
    ("FREQ=DAILY;INTERVAL=3", "COMPLETION"): "3 days after completion",
    ("FREQ=DAILY;BYDAY=SA,SU", "SCHEDULE"): "Every day that is a Saturday or a Sunday",
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=9", "SCHEDULE"): "Every weekday, 9 times",
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,SA", "SCHEDULE"): (
        "Every 2 weeks on Monday and Saturday, weeks from Sunday"
    ),
    ("FREQ=MONTHLY", "SCHEDULE"): "Every month on the 31st, or else the last day of the month",
    ("FREQ=MONTHLY;BYMONTHDAY=1,-2", "SCHEDULE"): "Every month on the 1st and the 2nd last day",
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "SCHEDULE"): (
        "Every month on the last weekday"
    ),
    ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", "SCHEDULE"): (
        "Every month on the 13th, if that is a Friday"
    ),
    ("FREQ=YEARLY;BYMONTH=3,11;BYDAY=4TH", "SCHEDULE"): (
        "Every year in March and November on the 4th Thursday"
    ),
    ("FREQ=YEARLY;UNTIL=20451231", "SCHEDULE"): "Every year, until 31 Dec 2045",
}
"""What a todo says of its rule and mode."""
# A Saturday that is ahead for long.
SATURDAY = "2040-01-07"


def create(person: Person, **fields: Any) -> str:
    """A todo of the person, made elsewhere; its id."""
    payload = person.execute(CREATE, input=fields)["todoCreate"]
    assert payload["errors"] == []
    return str(payload["todo"]["id"])


def stored(person: Person) -> list[dict[str, Any]]:
    """What is stored of somebody's todos, in their order."""
    nodes: list[dict[str, Any]] = person.execute(STORED)["todos"]["nodes"]
    return nodes


async def with_form(tab: Tabs, title: str) -> tuple[Tab, Locator]:
    """A tab with the form of a todo's dates."""
    one = await tab()
    await one.button(f"More for {title}").click()
    return one, one.page.get_by_role("form", name=f"Dates of {title}")


async def save(form: Locator) -> None:
    """Save the dates, and wait until they are."""
    button = form.get_by_role("button", name="Save dates")
    await button.click()
    await expect(button).to_have_count(0)


def field(form: Locator, name: str) -> Locator:
    """A field of the form by its whole label."""
    return form.get_by_label(name, exact=True)


def choice(form: Locator, name: str) -> Locator:
    """A field of the form that is a list of choices."""
    return form.get_by_role("combobox", name=name, exact=True)


async def test_a_day_needs_no_time(tab: Tabs, person: Person) -> None:
    """A todo is due and starts on days, which the other tab shows, and that can be undone."""
    create(person, title="Pay rent")
    one, form = await with_form(tab, "Pay rent")
    other = await tab()
    await field(form, "Due day").fill("2040-01-07")
    await field(form, "Start day").fill("2040-01-05")
    await save(form)
    for each in (one, other):
        await expect(each.row("Pay rent").locator(".due")).to_have_text("due 7 Jan 2040")
        await expect(each.row("Pay rent")).to_contain_text("from 5 Jan 2040")
    [todo] = stored(person)
    assert (todo["dueDate"], todo["startDate"]) == ("2040-01-07", "2040-01-05")
    assert (todo["dueAt"], todo["startAt"]) == (None, None)
    await one.button("Undo").click()
    await expect(one.row("Pay rent").locator(".due")).to_have_count(0)
    assert stored(person)[0]["dueDate"] is None


async def test_a_time_is_that_of_its_zone(tab: Tabs, person: Person) -> None:
    """A time is sent as the moment of its zone, and shown by the viewer's clock and that zone's."""
    person.execute(SET_ZONE, zone="Europe/Berlin")
    create(person, title="Call", dueDate="2040-01-07")
    one, form = await with_form(tab, "Call")
    await field(form, "Due time").fill("09:30")
    await expect(choice(form, "Time zone")).to_have_value("Europe/Berlin")
    await choice(form, "Time zone").select_option("Asia/Tokyo")
    await save(form)
    due = one.row("Call").locator(".due")
    await expect(due).to_have_text("due 7 Jan 2040, 01:30 (09:30 in Tokyo)")
    [todo] = stored(person)
    assert (todo["dueAt"], todo["dueTimeZone"]) == ("2040-01-07T00:30:00.000000Z", "Asia/Tokyo")
    assert todo["dueDate"] is None
    await expect(field(form, "Due time")).to_have_value("09:30")
    await field(form, "Due time").fill("05:30")
    await save(form)
    await expect(due).to_have_text("due 6 Jan 2040, 21:30 (7 Jan 2040, 05:30 in Tokyo)")
    await field(form, "Due time").fill("")
    await save(form)
    await expect(due).to_have_text("due 7 Jan 2040")
    await field(form, "Due day").fill("")
    await save(form)
    await expect(due).to_have_count(0)


async def test_a_time_that_clocks_skip_is_later(tab: Tabs, person: Person) -> None:
    """A time within the gap of a change of the clock is stored as the one that clocks show then."""
    person.execute(SET_ZONE, zone="Europe/Berlin")
    create(person, title="Call", dueDate="2026-03-29")
    _, form = await with_form(tab, "Call")
    await field(form, "Due time").fill("02:30")
    await save(form)
    assert stored(person)[0]["dueAt"] == "2026-03-29T01:30:00.000000Z"
    await expect(field(form, "Due time")).to_have_value("03:30")


async def test_a_start_after_the_due_day_is_refused_at_its_field(tab: Tabs, person: Person) -> None:
    """What the server has against a start stands at that field, and what was typed stays."""
    create(person, title="Pay rent", dueDate="2040-01-07")
    one, form = await with_form(tab, "Pay rent")
    start = field(form, "Start day")
    await start.fill("2040-01-08")
    await form.get_by_role("button", name="Save dates").click()
    await expect(start).to_have_attribute("aria-invalid", "true")
    await expect(start).to_have_accessible_description(
        "The start is after the due date. Choose an earlier start."
    )
    await expect(start).to_have_value("2040-01-08")
    await expect(field(form, "Due day")).to_have_attribute("aria-invalid", "false")
    await one.button("Cancel").click()
    await expect(start).to_have_value("")


async def test_dates_changed_elsewhere_are_not_overwritten(tab: Tabs, person: Person) -> None:
    """A new title from elsewhere lets dates be saved; another due day meanwhile has to be looked at."""
    id = create(person, title="Pay rent", dueDate="2040-01-07")
    one, form = await with_form(tab, "Pay rent")
    await field(form, "Due day").fill("2040-02-01")
    person.execute(RENAME, id=id, title="Pay the rent")
    await expect(one.row("Pay the rent")).to_be_visible()
    form = one.page.get_by_role("form", name="Dates of Pay the rent")
    await save(form)
    assert stored(person)[0]["dueDate"] == "2040-02-01"
    await field(form, "Due day").fill("2040-02-02")
    person.execute(SET_DUE, id=id, day="2040-03-03")
    await expect(one.row("Pay the rent").locator(".due")).to_contain_text("3 Mar 2040")
    await form.get_by_role("button", name="Save dates").click()
    await expect(form).to_contain_text("changed elsewhere meanwhile")
    assert stored(person)[0]["dueDate"] == "2040-03-03"


async def test_a_rule_is_previewed_and_stored(tab: Tabs, person: Person) -> None:
    """Choices make a rule, with its dates before it is saved; the row says it in words."""
    create(person, title="Water the plants", dueDate=SATURDAY)
    one, form = await with_form(tab, "Water the plants")
    await choice(form, "Repeats").select_option("Every week")
    await field(form, "Every how many weeks").fill("2")
    await field(form, "Saturday").check()
    await field(form, "Tuesday").check()
    await choice(form, "Ends").select_option("on a day")
    await field(form, "Last day").fill("2040-02-07")
    await expect(form).to_contain_text("Every 2 weeks on Tuesday and Saturday, until 7 Feb 2040")
    dates = form.get_by_role("list", name="Due on").get_by_role("listitem")
    await expect(dates).to_have_text(
        [
            "Sat, 7 Jan 2040",
            "Tue, 17 Jan 2040",
            "Sat, 21 Jan 2040",
            "Tue, 31 Jan 2040",
            "Sat, 4 Feb 2040",
        ]
    )
    assert stored(person)[0]["recurrence"] is None
    await save(form)
    badge = one.row("Water the plants").locator(".badge")
    await expect(badge).to_contain_text("Every 2 weeks on Tuesday and Saturday")
    [todo] = stored(person)
    assert todo["recurrence"]["rule"] == "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SA;UNTIL=20400207"
    # The choices are made from what is stored.
    await expect(choice(form, "Repeats")).to_have_value("WEEKLY")
    await expect(field(form, "Tuesday")).to_be_checked()
    await expect(field(form, "Monday")).not_to_be_checked()
    await expect(field(form, "Last day")).to_have_value("2040-02-07")
    await choice(form, "Repeats").select_option("Never")
    await save(form)
    await expect(badge).to_have_count(0)
    assert stored(person)[0]["recurrence"] is None


async def test_the_end_of_the_month_is_clamped(tab: Tabs, person: Person) -> None:
    """Every month from the 31st is shown with the ends of shorter months, and is the same choice later."""
    create(person, title="Pay rent", dueDate="2040-01-31")
    one, form = await with_form(tab, "Pay rent")
    await choice(form, "Repeats").select_option("Every month")
    dates = form.get_by_role("list", name="Due on").get_by_role("listitem")
    await expect(dates.nth(1)).to_have_text("Wed, 29 Feb 2040")
    await save(form)
    badge = one.row("Pay rent").locator(".badge")
    await expect(badge).to_contain_text("on the 31st, or else the last day of the month")
    await expect(choice(form, "Repeats")).to_have_value("MONTHLY")
    before = stored(person)[0]
    # Sent again as it is chosen, it goes on as it does, also from February on.
    await one.button("Skip this one of Pay rent").click()
    await expect(field(form, "Due day")).to_have_value("2040-02-29")
    await field(form, "Missed ones come one by one").check()
    await save(form)
    after = stored(person)[0]
    assert after["recurrence"] == before["recurrence"] | {"catchesUp": True}
    await choice(form, "On").select_option("the last day")
    await expect(form).to_contain_text("Every month on the last day")
    await save(form)
    assert stored(person)[0]["recurrence"]["rule"] == "FREQ=MONTHLY;BYMONTHDAY=-1"


async def test_a_leap_day_repeats_as_it_was_chosen(tab: Tabs, person: Person) -> None:
    """Every year from 29 February on is that choice later, too, and an end is added to what is stored."""
    create(person, title="Leap", dueDate="2040-02-29", recurrence={"rule": "FREQ=YEARLY"})
    _, form = await with_form(tab, "Leap")
    await expect(choice(form, "Repeats")).to_have_value("YEARLY")
    rule = stored(person)[0]["recurrence"]["rule"]
    await choice(form, "Ends").select_option("on a day")
    # What isn't filled in yet is no reason to complain.
    await expect(form.locator(".problem:not(:empty)")).to_have_count(0)
    await field(form, "Last day").fill("2050-01-01")
    await save(form)
    assert stored(person)[0]["recurrence"]["rule"] == f"{rule};UNTIL=20500101"


async def test_the_form_keeps_the_focus(tab: Tabs, person: Person) -> None:
    """Dates are set by keyboard: the focus goes to what is refused, and stays in the form once it is saved."""
    create(person, title="Pay rent", dueDate="2040-01-07")
    one, form = await with_form(tab, "Pay rent")
    await field(form, "Start day").fill("2040-01-08")
    await field(form, "Start day").press("Enter")
    await expect(field(form, "Start day")).to_have_attribute("aria-invalid", "true")
    await expect(field(form, "Start day")).to_be_focused()
    await field(form, "Start day").fill("2040-01-06")
    await one.button("Save dates").focus()
    await one.press("Enter")
    await expect(one.button("Save dates")).to_have_count(0)
    await expect(field(form, "Due day")).to_be_focused()


async def test_a_refused_rule_is_told_at_its_field(tab: Tabs, person: Person) -> None:
    """A rule that can't be stored has the server's reason at its field, in the preview and when saved."""
    create(person, title="Stand up", dueDate=SATURDAY)
    _, form = await with_form(tab, "Stand up")
    await choice(form, "Repeats").select_option("By a rule")
    rule = field(form, "Rule (RRULE)")
    await rule.fill("FREQ=DAILY;BYHOUR=9")
    await expect(rule).to_have_attribute("aria-invalid", "true")
    reason = "“BYHOUR” is not supported: a todo repeats at its own time of day."
    await expect(rule).to_have_accessible_description(reason)
    await form.get_by_role("button", name="Save dates").click()
    await expect(rule).to_have_accessible_description(reason)
    assert stored(person)[0]["recurrence"] is None
    await rule.fill("FREQ=MONTHLY;BYDAY=2TU,-1FR")
    await expect(rule).to_have_accessible_description(
        "Every month on the 2nd Tuesday and the last Friday"
    )
    await save(form)
    assert stored(person)[0]["recurrence"]["rule"] == "FREQ=MONTHLY;BYDAY=2TU,-1FR"


async def test_rules_are_said_in_words(tab: Tabs, person: Person) -> None:
    """Every kind of rule that is stored has words of its own at its todo."""
    for title, (rule, mode) in enumerate(WORDS):
        recurrence = {"rule": rule, "mode": mode}
        create(person, title=str(title), dueDate="2040-01-31", recurrence=recurrence)
    one = await tab()
    badges = one.page.locator(".badge")
    await expect(badges).to_have_text([f"↻ Repeats: {words}" for words in WORDS.values()])


async def test_completing_shows_the_next_date(tab: Tabs, person: Person) -> None:
    """Completing an occurrence says when the next one is due; undo takes it and its copy back."""
    create(person, title="Water the plants", dueDate=SATURDAY, recurrence={"rule": "FREQ=WEEKLY"})
    one, other = await tab(), await tab()
    await one.complete("Water the plants")
    status = one.page.locator(".snackbar")
    await expect(status).to_contain_text("is completed, and is due again on Sat, 14 Jan 2040.")
    for each in (one, other):
        await each.shows(("Water the plants", False), ("Water the plants", True))
        await expect(each.page.locator(".due").first).to_have_text("due 14 Jan 2040")
    await one.button("Undo").click()
    for each in (one, other):
        await each.shows(("Water the plants", False))
        await expect(each.page.locator(".due")).to_have_text("due 7 Jan 2040")
    [todo] = stored(person)
    assert (todo["dueDate"], todo["recurrence"]["done"]) == (SATURDAY, 0)


async def test_completing_is_one_step_when_answers_are_lost(tab: Tabs, person: Person) -> None:
    """A completion, a bulk one and a skip whose answers are lost are each one step."""
    create(person, title="Water the plants", dueDate=SATURDAY, recurrence={"rule": "FREQ=WEEKLY"})
    create(person, title="Buy milk")
    one = await tab()
    await one.lose_answers("CompleteOccurrence", 1)
    await one.complete("Water the plants")
    await expect(one.unsaved).to_have_count(0)
    await expect(one.page.locator(".due").first).to_have_text("due 14 Jan 2040")
    await one.page.get_by_label("Select Buy milk", exact=True).check()
    await one.page.get_by_label("Select Water the plants", exact=True).first.check()
    await one.lose_answers("CompleteOccurrence", 1)
    await one.button("Complete 2 selected").click()
    await expect(one.page.locator(".due").first).to_have_text("due 21 Jan 2040")
    await expect(one.unsaved).to_have_count(0)
    await one.button("More for Water the plants").first.click()
    await one.lose_answers("SkipOccurrence", 1)
    await one.button("Skip this one of Water the plants").click()
    await expect(one.page.locator(".due").first).to_have_text("due 28 Jan 2040")
    await expect(one.unsaved).to_have_count(0)
    todos = [(todo["title"], todo["status"]) for todo in stored(person)]
    assert todos == [
        ("Water the plants", "PENDING"),
        ("Buy milk", "COMPLETED"),
        ("Water the plants", "COMPLETED"),
        ("Water the plants", "COMPLETED"),
    ]
    assert stored(person)[0]["recurrence"]["done"] == 2


async def test_an_edit_that_waits_does_not_stop_a_completion(tab: Tabs, person: Person) -> None:
    """An occurrence that was renamed a moment ago is completed, once."""
    create(person, title="Water plants", dueDate=SATURDAY, recurrence={"rule": "FREQ=WEEKLY"})
    one = await tab()
    released = await one.hold_answers("UpdateTodo")
    await one.rename("Water plants", "Water the plants")
    await one.complete("Water the plants")
    released.set()
    await one.shows(("Water the plants", False), ("Water the plants", True))
    assert stored(person)[0]["recurrence"]["done"] == 1


async def test_an_occurrence_is_skipped(tab: Tabs, person: Person) -> None:
    """Skipping says when the next one is due and leaves no copy; the last one can't be skipped."""
    create(person, title="Fast", dueDate=SATURDAY, recurrence={"rule": "FREQ=WEEKLY;COUNT=2"})
    one, form = await with_form(tab, "Fast")
    then = one.page.get_by_role("list", name="Then").get_by_role("listitem")
    await expect(then).to_have_text(["Sat, 14 Jan 2040"])
    await one.button("Skip this one of Fast").click()
    await expect(one.page.locator(".snackbar")).to_contain_text("due again on Sat, 14 Jan 2040.")
    await one.shows(("Fast", False))
    await expect(then).to_have_count(0)
    await one.button("Skip this one of Fast").click()
    await expect(one.alerts).to_contain_text("This is the last one: complete it instead.")
    await one.button("Undo").click()
    await expect(field(form, "Due day")).to_have_value(SATURDAY)


async def test_a_completion_is_taken_back_from_the_history(tab: Tabs, person: Person) -> None:
    """The last completion is taken back later, unless the date has moved since, which is told."""
    id = create(person, title="Run", dueDate=SATURDAY, recurrence={"rule": "FREQ=WEEKLY"})
    person.execute(COMPLETE, id=id)
    person.execute(COMPLETE, id=id)
    one = await tab()
    await one.button("More for Run").first.click()
    done = one.page.get_by_role("list", name="Completed").get_by_role("listitem")
    await expect(done).to_have_count(2)
    await expect(done.first).to_contain_text("Sat, 14 Jan 2040")
    await one.button("Undo the last completion of Run").click()
    await expect(done).to_have_count(1)
    assert stored(person)[0]["dueDate"] == "2040-01-14"
    person.execute(SET_DUE, id=id, day="2040-05-05")
    await expect(one.page.locator(".due").first).to_have_text("due 5 May 2040")
    await one.button("Undo the last completion of Run").click()
    await expect(one.alerts).to_contain_text("The completion of “Run” was not taken back.")
    await one.shows(("Run", False), ("Run", True))


async def test_the_last_occurrence_completes_the_todo(tab: Tabs, person: Person) -> None:
    """A todo whose rule has ended is completed itself, which can be undone."""
    create(person, title="Once", dueDate=SATURDAY, recurrence={"rule": "FREQ=DAILY;COUNT=1"})
    one = await tab()
    await one.complete("Once")
    await one.shows(("Once", True))
    await one.button("Undo").click()
    await one.shows(("Once", False))


async def test_days_have_what_is_due_at_a_time_and_on_a_day(tab: Tabs, person: Person) -> None:
    """A view of days shows both kinds, and what is overdue is marked once its day is over."""
    create(person, title="Long ago", dueDate="2001-02-03")
    create(person, title="Then, too", dueAt="2001-02-03T08:00:00Z")
    one = await tab()
    await one.go_to("Overdue")
    await one.shows(("Then, too", False), ("Long ago", False))
    await expect(one.page.locator(".late")).to_have_count(2)


async def test_a_todo_is_snoozed(tab: Tabs, person: Person) -> None:
    """A todo that is snoozed until tomorrow has a badge and leaves Today, and comes back when it is undone."""
    today = datetime.now(UTC).date()
    person.execute(SET_ZONE, zone="UTC")
    create(person, title="Water the plants", dueDate=str(today))
    one = await tab()
    await one.go_to("Today")
    await one.button("More for Water the plants").click()
    await one.button("Snooze until tomorrow").click()
    await one.shows()
    await one.counts("Today", 0)
    await expect(one.page.locator(".snackbar")).to_contain_text("is snoozed until")
    assert stored(person)[0]["snoozedUntil"] == f"{today + timedelta(1)}T00:00:00.000000Z"
    await one.go_to("Inbox")
    badge = one.row("Water the plants").locator(".badge")
    await expect(badge).to_contain_text("Snoozed until")
    await one.button("Undo").click()
    await expect(badge).to_have_count(0)
    await one.counts("Today", 1)
    await one.page.get_by_label("Snooze until", exact=True).fill("2040-01-07T09:30")
    await one.button("Snooze").click()
    await expect(badge).to_contain_text("Snoozed until 7 Jan 2040, 09:30")
    await one.counts("Today", 0)
    await one.button("Show again").click()
    await one.counts("Today", 1)
    assert stored(person)[0]["snoozedUntil"] is None


async def with_clock(browser: Any, tab: Tabs) -> Tab:
    """A tab whose clock can be put forward."""
    context = await browser.new_context()
    await context.clock.install()
    one = await tab(context, is_followed=False)
    await one.sign_in()
    await one.is_live()
    return one


async def test_a_snooze_ends_while_the_page_is_open(
    browser: Any, tab: Tabs, person: Person
) -> None:
    """A snooze shows no more at its end, and the todo counts among those of today again."""
    person.execute(SET_ZONE, zone="UTC")
    id = create(person, title="Call", dueDate=str(datetime.now(UTC).date()))
    end = datetime.now(UTC) + timedelta(minutes=20)
    person.execute(SNOOZE, id=id, until=end.isoformat())
    one = await with_clock(browser, tab)
    badge = one.row("Call").locator(".badge")
    await expect(badge).to_be_visible()
    await one.counts("Today", 0)
    # For the server it is over by this, which no event tells.
    person.execute(SNOOZE, id=id, until=None)
    await one.page.clock.fast_forward("21:00")
    await expect(badge).to_have_count(0)
    await one.counts("Today", 1)


async def test_what_is_due_gets_late_while_the_page_is_open(
    browser: Any, tab: Tabs, person: Person
) -> None:
    """A todo is marked as late once its moment has come, without anything being loaded."""
    due = datetime.now(UTC) + timedelta(minutes=20)
    create(person, title="Call", dueAt=due.isoformat())
    one = await with_clock(browser, tab)
    await expect(one.row("Call").locator(".due")).to_be_visible()
    await expect(one.row("Call").locator(".late")).to_have_count(0)
    await one.page.clock.fast_forward("21:00")
    await expect(one.row("Call").locator(".late")).to_be_visible()


async def test_an_address_leads_to_a_todo(tab: Tabs, person: Person) -> None:
    """An address with ?todo=… shows that todo, with a link to where it is, and one that is gone is told."""
    id = create(person, title="Buy milk")
    create(person, title="Another")
    one = await tab()
    await one.page.goto(f"{one.address}/?todo={id}")
    await one.shows(("Buy milk", False))
    await expect(one.page).to_have_url(f"{one.address}/#todo/{id}")
    await one.page.get_by_role("main").get_by_role("link", name="Inbox").click()
    await one.shows(("Buy milk", False), ("Another", False))
    await one.page.goto(f"{one.address}/?todo={one.person.username}")
    await one.shows(("Buy milk", False), ("Another", False))
    await one.page.goto(f"{one.address}/?todo=01a22bca-d910-7380-a261-4c2ecf84b8ea")
    await expect(one.page.get_by_text("There is no such todo any more.")).to_be_visible()
