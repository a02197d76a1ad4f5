"""Files of todos on the example's page."""

from io import BytesIO

from PIL import Image
from playwright.async_api import FilePayload, Locator, expect

from tests.examples.page import Tabs
from tests.examples.tabs import Tab

MAX_FILE_BYTES = 25 * 1024 * 1024


def picture(name: str = "receipt.png") -> FilePayload:
    """A picture as a person chooses it."""
    content = BytesIO()
    Image.new("RGB", (640, 480), "teal").save(content, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": content.getvalue()}


async def files_of(tab: Tab, title: str) -> Locator:
    """The files of a todo, in its panel."""
    await tab.button(f"More for {title}").click()
    return tab.page.get_by_role("region", name=f"Files of {title}")


async def attach(tab: Tab, title: str, file: FilePayload) -> None:
    """Choose a file to attach to a todo whose panel is open."""
    await tab.page.get_by_label(f"Attach a file to {title}").set_input_files(file)


async def test_a_picture_is_attached_and_shown_in_another_tab(tab: Tabs) -> None:
    """A picture that is attached in one tab is shown small in both, and gone from both once it is deleted."""
    one = await tab()
    await one.add("Buy milk")
    await one.shows(("Buy milk", False))
    other = await tab(one.page.context)
    files, others = await files_of(one, "Buy milk"), await files_of(other, "Buy milk")
    await attach(one, "Buy milk", picture())
    for shown in (files, others):
        await expect(shown.get_by_role("link", name="receipt.png")).to_be_visible()
        await expect(shown.locator("img")).to_have_js_property("complete", value=True)
    assert await files.locator("img").evaluate("image => image.naturalWidth") > 0
    await one.button("Delete the file receipt.png").click()
    for shown in (files, others):
        await expect(shown.get_by_role("listitem")).to_have_count(0)


async def test_a_file_that_is_too_large_is_refused_in_words(tab: Tabs) -> None:
    """A file above the limit isn't sent, and the page says why beside the field."""
    one = await tab()
    await one.add("Buy milk")
    await one.shows(("Buy milk", False))
    files = await files_of(one, "Buy milk")
    large: FilePayload = {
        "name": "film.bin",
        "mimeType": "application/octet-stream",
        "buffer": bytes(MAX_FILE_BYTES + 1),
    }
    await attach(one, "Buy milk", large)
    await expect(files.get_by_role("alert")).to_contain_text("A file has at most 25 MiB.")
    await expect(files.get_by_role("listitem")).to_have_count(0)
