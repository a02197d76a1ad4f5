"""Importing and exporting on the example's page."""

from pathlib import Path
from zipfile import ZipFile

from playwright.async_api import FilePayload, Locator, expect

from tests.examples.page import Tabs
from tests.examples.tabs import Tab

LINES = """(A) Call mum +Family @phone due:2027-01-31
x 2026-11-02 2026-11-01 Buy milk +Home
Pay rent +Home due:2027-02-30
"""


def todo_txt(text: str = LINES) -> FilePayload:
    """A file as a person chooses it."""
    return {"name": "todo.txt", "mimeType": "text/plain", "buffer": text.encode()}


async def transfers(tab: Tab) -> tuple[Locator, Locator]:
    """Where to import and where to export."""
    await tab.go_to("Import and export")
    regions = (tab.page.get_by_role("region", name=name) for name in ("Import", "Export"))
    one, other = regions
    return one, other


async def test_a_file_is_tried_and_then_imported(tab: Tabs) -> None:
    """What a file has is counted before anything is stored, with what is odd in it, and then imported."""
    one = await tab()
    imports, _ = await transfers(one)
    await imports.get_by_label("File", exact=True).set_input_files(todo_txt())
    await imports.get_by_role("button", name="Try").click()
    tried = imports.get_by_role("list", name="What would come in")
    await expect(tried).to_contain_text("3 todos")
    await expect(imports.get_by_role("list", name="Problems")).to_contain_text("2027-02-30")
    await expect(one.link("Home")).to_have_count(0)

    await imports.get_by_role("button", name="Import this").click()
    await expect(imports.get_by_role("list", name="What came in")).to_contain_text("3 todos")
    await expect(imports.get_by_role("button", name="Import this")).to_have_count(0)


async def test_a_file_that_cannot_be_read_is_refused_in_words(tab: Tabs) -> None:
    """A file of no known format is refused with what to do about it, and nothing can be imported."""
    one = await tab()
    imports, _ = await transfers(one)
    unknown: FilePayload = {
        "name": "picture.png",
        "mimeType": "image/png",
        "buffer": b"\x89PNG\r\n\x1a\n" + bytes(64),
    }
    await imports.get_by_label("File", exact=True).set_input_files(unknown)
    await imports.get_by_role("button", name="Try").click()
    await expect(imports.get_by_role("alert").first).to_contain_text("format")
    await expect(imports.get_by_role("button", name="Import this")).to_have_count(0)


async def test_everything_is_exported_to_a_file(tab: Tabs, tmp_path: Path) -> None:
    """An export is made while its progress is shown, and saved as a zip file with the person's todos."""
    one = await tab()
    await one.add("Buy milk")
    await one.shows(("Buy milk", False))
    _, exports = await transfers(one)
    await exports.get_by_role("button", name="Export").click()
    link = exports.get_by_role("link", name="Save the export")
    async with one.page.expect_download() as download:
        await link.click()
    saved = tmp_path / "export.zip"
    await (await download.value).save_as(saved)
    with ZipFile(saved) as archive:
        assert any(b"Buy milk" in archive.read(name) for name in archive.namelist())
