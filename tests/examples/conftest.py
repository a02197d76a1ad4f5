"""The example's page, built and served before a real server, and people with tabs of it."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext

from tests.examples.backend import Backend, Person
from tests.examples.page import EXAMPLE, Tabs, environment
from tests.examples.tabs import Tab
from tests.support.browsing import CHROMIUM, chromium
from tests.support.ports import free_port
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@pytest.fixture(scope="session")
def built() -> None:
    """The page as it is served in production."""
    npm = shutil.which("npm")
    assert npm, "there is no npm"
    done = subprocess.run(
        [npm, "run", "build"],
        cwd=EXAMPLE,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A server on a database of its own."""
    folder = tmp_path_factory.mktemp("example")
    with EmbeddedPostgres(folder / "data", durable=False) as url:
        backend = Backend(url, folder)
        backend.start()
        with backend.running:
            yield backend


@pytest.fixture(scope="session")
def address(built: None, backend: Backend) -> Iterator[str]:
    """Where the page is, and the server behind it."""
    vite = EXAMPLE / "node_modules/.bin/vite"
    with subprocess.Popen(
        [vite, "preview", "--port", str(free_port())],
        cwd=EXAMPLE,
        env=environment(TODO_URL=f"http://127.0.0.1:{backend.port}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as preview:
        assert preview.stdout
        found = next(filter(None, map(ADDRESS.search, preview.stdout)))
        yield found[0]
        preview.terminate()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Any]:
    """One headless Chromium for all tests."""
    assert CHROMIUM, "there is no Chromium"
    async with chromium() as browser:
        yield browser


@pytest.fixture
def person(backend: Backend) -> Person:
    """Somebody with an empty list."""
    # A test that failed may have left it killed.
    if backend.server.process.poll() is not None:
        backend.start()
    person = Person(backend)
    person.register()
    return person


@pytest.fixture
def friend(backend: Backend, person: Person) -> Person:
    """Somebody else with an empty list."""
    friend = Person(backend)
    friend.register()
    return friend


@pytest.fixture
async def tab(browser: Any, address: str, person: Person) -> AsyncIterator[Tabs]:
    """Opens tabs of the person or another one, signed in, in a browser of their own or in one that is there."""
    tabs: list[Tab] = []

    async def opened(
        context: BrowserContext | None = None,
        *,
        whose: Person = person,
        expects_failures: bool = False,
        is_followed: bool = True,
    ) -> Tab:
        page = await (context or await browser.new_context()).new_page()
        tab = Tab(page, address, whose, expects_failures)
        tabs.append(tab)
        await tab.open()
        if context is None:
            await tab.sign_in()
        if is_followed:
            await tab.is_live()
        return tab

    yield opened
    for one in tabs:
        await one.page.context.close()
    assert [trouble for one in tabs for trouble in one.troubles] == []
