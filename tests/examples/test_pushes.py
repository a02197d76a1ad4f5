"""Reminders that the page has pushed to its browser, as far as that goes without a push service."""

import json
from typing import Any

from playwright.async_api import BrowserContext, Page, expect

from tests.examples.backend import Person
from tests.examples.page import Tabs
from tests.examples.tabs import Tab
from tests.support.push_services import Browser
from tests.support.waiting import until
from todo_gql.push.message import PushMessage

SWITCH = "Reminders in this browser"
SUBSCRIPTIONS = "{ pushPublicKey pushSubscriptions { userAgent lastError } }"
# Browsers subscribe at a push service of their maker's, which isn't there: its part alone is replaced.
PUSH_SERVICE = """
const sent = %s;
const subscription = (key) => ({
  options: { applicationServerKey: Uint8Array.from(
    atob(key.replaceAll('-', '+').replaceAll('_', '/')), (byte) => byte.charCodeAt()).buffer },
  toJSON: () => sent,
  unsubscribe: async () => { localStorage.removeItem('key'); return true; },
});
PushManager.prototype.getSubscription = async () => {
  const key = localStorage.getItem('key');
  return key && subscription(key);
};
PushManager.prototype.subscribe = async ({ applicationServerKey: key, userVisibleOnly }) => {
  if (!userVisibleOnly) throw new Error('Chromium wants every push to be shown.');
  localStorage.setItem('key', key);
  return subscription(key);
};
"""
# Only a click of a person's may open windows: what it would open is noted in its place.
CLICK = """
async () => {
  const opened = [];
  Clients.prototype.openWindow = async (address) => { opened.push(address); };
  const [notification] = await registration.getNotifications();
  const waits = [];
  const click = new NotificationEvent('notificationclick', { notification });
  click.waitUntil = (promise) => waits.push(promise);
  dispatchEvent(click);
  await Promise.allSettled(waits);
  return opened;
}
"""
CREATE = """
mutation ($title: String!) { todoCreate(input: { title: $title }) { todo { id } errors { code } } }
"""
NOTIFICATIONS = """
navigator.serviceWorker.ready
  .then((registration) => registration.getNotifications())
  .then((shown) => shown.map(({ title, body, tag, data }) => ({ title, body, tag, url: data.url })))
"""


async def signed_in(context: BrowserContext, tab: Tabs) -> Tab:
    """A tab of the context, with the person signed in."""
    one = await tab(context, is_followed=False)
    await one.sign_in()
    await one.is_live()
    return one


async def with_push_service(browser: Any) -> BrowserContext:
    """A browser that allows notifications, and reaches a push service."""
    context: BrowserContext = await browser.new_context(permissions=["notifications"])
    sent = Browser("https://push.example/1").input
    keys = {name: sent[name] for name in ("p256dh", "auth")}
    await context.add_init_script(
        PUSH_SERVICE % json.dumps({"endpoint": sent["endpoint"], "keys": keys})
    )
    return context


async def deliver(page: Page, origin: str, payload: bytes) -> None:
    """Hand a message to the service worker of the page, as the browser does with what it decrypted."""
    devtools = await page.context.new_cdp_session(page)
    registrations: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(
            one["registrationId"] for one in event["registrations"] if not one["isDeleted"]
        ),
    )
    await devtools.send("ServiceWorker.enable")
    await until(lambda: bool(registrations))
    message = {"origin": origin, "registrationId": registrations[-1], "data": payload.decode()}
    await devtools.send("ServiceWorker.deliverPushMessage", message)


async def test_a_browser_subscribes_and_shows_what_is_pushed(
    browser: Any, tab: Tabs, person: Person, address: str
) -> None:
    """The switch subscribes the browser, whose service worker shows what arrives."""
    one = await signed_in(await with_push_service(browser), tab)
    await expect(one.button(SWITCH)).to_have_attribute("aria-pressed", "false")
    await one.button(SWITCH).click()
    await expect(one.button(SWITCH)).to_have_attribute("aria-pressed", "true")
    [stored] = person.execute(SUBSCRIPTIONS)["pushSubscriptions"]
    assert "Chrome" in stored["userAgent"]
    message = PushMessage("Reminder", "Buy milk", "?todo=1", "a todo")
    await deliver(one.page, address, message.payload())
    shown: list[dict[str, str]] = []

    async def is_shown() -> bool:
        shown[:] = await one.page.evaluate(NOTIFICATIONS)
        return bool(shown)

    await until(is_shown)
    assert shown == [message._asdict()]
    # The same todo again replaces what is shown.
    await deliver(one.page, address, message._replace(body="Buy oat milk").payload())
    await until(lambda: _has_body(one.page, "Buy oat milk"))
    assert len(await one.page.evaluate(NOTIFICATIONS)) == 1


async def test_a_click_on_a_notification_leads_to_its_todo(
    browser: Any, tab: Tabs, person: Person, address: str
) -> None:
    """A click shows the todo in a tab that is open, which keeps what it has, or else in a new one."""
    milk, _ = (
        person.execute(CREATE, title=title)["todoCreate"]["todo"]["id"]
        for title in ("Buy milk", "Buy bread")
    )
    one = await signed_in(await with_push_service(browser), tab)
    await one.button(SWITCH).click()
    await expect(one.button(SWITCH)).to_have_attribute("aria-pressed", "true")
    await deliver(
        one.page, address, PushMessage("Reminder", "Buy milk", f"?todo={milk}", "a").payload()
    )
    await until(lambda: _has_body(one.page, "Buy milk"))
    await one.shows(("Buy milk", False), ("Buy bread", False))
    await one.page.evaluate("window.isSame = true")
    [worker] = one.page.context.service_workers
    assert await worker.evaluate(CLICK) == []
    await one.shows(("Buy milk", False))
    assert await one.page.evaluate("window.isSame")
    await expect(one.page).to_have_url(f"{address}/#todo/{milk}")

    await worker.evaluate(
        "(url) => registration.showNotification('Reminder', { data: { url } })", f"?todo={milk}"
    )
    await one.page.goto("about:blank")
    [opened] = await worker.evaluate(CLICK)
    assert opened == f"{address}/?todo={milk}"
    await one.page.goto(opened)
    await one.shows(("Buy milk", False))


async def _has_body(page: Page, body: str) -> bool:
    return body in [one["body"] for one in await page.evaluate(NOTIFICATIONS)]


async def test_the_page_keeps_its_subscription(browser: Any, tab: Tabs, person: Person) -> None:
    """A page that is loaded again is still subscribed, and tells the server again."""
    one = await signed_in(await with_push_service(browser), tab)
    await one.button(SWITCH).click()
    await expect(one.button(SWITCH)).to_have_attribute("aria-pressed", "true")
    await one.page.reload()
    await expect(one.button(SWITCH)).to_have_attribute("aria-pressed", "true")
    assert len(person.execute(SUBSCRIPTIONS)["pushSubscriptions"]) == 1
    await one.button(SWITCH).click()
    await expect(one.button(SWITCH)).to_have_attribute("aria-pressed", "false")


async def test_signing_out_ends_pushes(browser: Any, tab: Tabs, person: Person) -> None:
    """Who uses the browser next gets nothing of who signed out."""
    one = await signed_in(await with_push_service(browser), tab)
    await one.button(SWITCH).click()
    await expect(one.button(SWITCH)).to_have_attribute("aria-pressed", "true")
    await one.button("Sign out").click()
    await expect(one.page.get_by_label("User name")).to_be_visible()
    assert person.execute(SUBSCRIPTIONS)["pushSubscriptions"] == []
    assert await one.page.evaluate("localStorage.getItem('key')") is None


async def test_a_browser_that_may_not_says_so(browser: Any, tab: Tabs, person: Person) -> None:
    """Somebody who doesn't allow notifications is told why there are none, and isn't subscribed."""
    one = await signed_in(await browser.new_context(), tab)
    await one.button(SWITCH).click()
    await expect(one.alerts).to_contain_text("set to show no notifications")
    await expect(one.button(SWITCH)).to_have_attribute("aria-pressed", "false")
    assert person.execute(SUBSCRIPTIONS)["pushSubscriptions"] == []
