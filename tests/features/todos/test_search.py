"""Searching todos: the same folding for titles, descriptions and searches, and every script."""

# ruff: noqa: RUF001 - letters that look like others are what this is about

from collections.abc import Callable
from contextlib import AbstractContextManager
from unicodedata import normalize

import pytest

from tests.support.accounts import CREATE, ERRORS, Account
from tests.support.statements import Statements
from todo_gql.api.search_text import FIELD, MARK
from todo_gql.database.connection import acquire, fetchrow
from todo_gql.features.todos import best_match
from todo_gql.features.todos.search_texts import fill_search_texts

SEARCH = """
query ($text: String) {
  todos(filter: { search: $text }, sort: [{ field: TITLE }]) { nodes { id title } totalCount }
  stats(filter: { search: $text }) { total }
}
"""
UPDATE = f"""
mutation ($id: ID!, $input: TodoUpdateInput!) {{
  todoUpdate(id: $id, input: $input) {{ todo {{ id }} {ERRORS} }}
}}
"""
STORED = "SELECT search_text FROM todos WHERE id = $1"


async def found(account: Account, text: str) -> list[str]:
    """The titles that a search finds, which are as many as are counted."""
    data = await account.data(SEARCH, text=text)
    titles = [node["title"] for node in data["todos"]["nodes"]]
    assert data["todos"]["totalCount"] == data["stats"]["total"] == len(titles)
    return titles


MATCHES = [
    ("Buy MILK", "milk"),
    ("buy milk", "MI"),
    ("buy milk", "k"),
    ("İstanbul'a git", "istanbul"),
    ("istanbul'a git", "İST"),
    ("ISPARTA", "isp"),
    ("ΟΔΟΣ Αθηνών", "οδος"),
    ("ο δρόμος", "ΔΡΌΜΟΣ"),
    ("ο δρόμος", "δρόμοσ"),
    ("Straße fegen", "STRASSE"),
    ("GROSSE STRASSE", "große str"),
    ("ﬁne ﬂowers", "fine flow"),
    ("cafe\u0301 au lait", "CAFÉ"),
    ("Café au lait", "cafe\u0301"),
    ("Ａｂｃ１２３ ｶﾅ", "abc123 カナ"),
    ("abc カナ", "ＡＢＣ ｶﾅ"),
    ("Купить молоко", "МОЛ"),
    ("Купить молоко", "ко"),
    ("우유 사기", "우유"),
    ("우유 사기", "유"),
    ("买牛奶和面包", "牛奶"),
    ("买牛奶和面包", "奶"),
    ("买牛奶和面包abc", "包a"),
    ("東京へ行く", "京へ"),
    ("दूध खरीदें", "खरी"),
    ("ซื้อนม", "นม"),
    ("شراء الحليب", "حل"),
    ("לקנות חלב", "חל"),
    ("mua sữa việt", "VIỆT"),
    ("party 🎉 tonight", "🎉"),
    ("👩‍👩‍👧 dinner", "👩‍👩‍👧"),
    ("100% sure_thing \\o/", "0% s"),
    ("100% sure_thing \\o/", "e_t"),
    ("100% sure_thing \\o/", "\\o"),
    ("a.b (c) [d] ^e$ *+?", "[d] ^"),
    ("a.b (c) [d] ^e$ *+?", "b "),
    ("learn c++ now", "c++"),
    ("℃ and ①", "°c and 1"),
]


@pytest.mark.parametrize(("title", "text"), MATCHES)
async def test_a_part_of_a_text_is_found(account: Account, title: str, text: str) -> None:
    """A folded part of a title or of a description is found, in any script and of any length."""
    await account.create(title=title)
    await account.create(title="~", description=f"on the next line:\n{title}")
    await account.create(title="# quite another")
    assert sorted(await found(account, text)) == sorted([normalize("NFC", title), "~"])


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("axb", "a_b"),
        ("100 sure", "100%"),
        ("a/b", "a\\b"),
        ("aab", "a.b"),
        ("牛 奶", "牛奶"),
        ("牛", "牛奶"),
        ("奶牛", "牛奶"),
        ("xy", "yx"),
        ("ж", "жж"),
        ("résumé", "resume now"),
    ],
)
async def test_what_is_no_part_is_not_found(account: Account, title: str, text: str) -> None:
    """Nothing in a search stands for another character."""
    await account.create(title=title)
    assert await found(account, text) == []


async def test_nothing_matches_across_title_and_description(account: Account) -> None:
    """A title's end and the beginning of its description are no text."""
    await account.create(title="один", description="два 牛")
    assert await found(account, "одиндва") == await found(account, "ин два") == []
    assert await found(account, "н") == await found(account, "牛") == ["один"]


@pytest.mark.parametrize("mark", [MARK, FIELD], ids=ascii)
async def test_marks_are_refused(account: Account, mark: str) -> None:
    """Neither a todo nor a search may contain the characters that mark search texts."""
    error = await account.error(SEARCH, text=f"a{mark}b")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    for values in ({"title": f"a{mark}b"}, {"title": "a", "description": f"a{mark}b"}):
        payload = (await account.data(CREATE, input=values))["todoCreate"]
        assert [error["code"] for error in payload["errors"]] == ["INVALID"]


async def test_long_searches_are_limited_together(account: Account) -> None:
    """All searches in a filter together may have as many characters to fold as one of them."""
    parts = [{"search": "ﷺ" * 2_400 + str(number)} for number in range(3)]
    query = "query ($filter: TodoFilter) { todos(filter: $filter) { totalCount } }"
    assert (await account.data(query, filter={"or": parts[:2]}))["todos"]["totalCount"] == 0
    error = await account.error(query, filter={"or": parts})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_an_edit_is_found_at_once(account: Account) -> None:
    """What an update has replaced isn't found any more, and what it has written is."""
    todo = await account.create(title="Молоко", description="牛奶")
    await account.data(UPDATE, id=todo["id"], input={"title": "Хлеб"})
    assert await found(account, "мо") == []
    assert await found(account, "ХЛ") == await found(account, "牛奶") == ["Хлеб"]
    await account.data(UPDATE, id=todo["id"], input={"description": None})
    assert await found(account, "牛奶") == []


WRITES = [
    "UPDATE todos SET title = 'Хлеб и соль' WHERE id = $1",
    "UPDATE todos SET title = 'ХЛЕБ' WHERE id = $1",
]


@pytest.mark.parametrize("write", WRITES)
async def test_what_the_previous_release_writes_is_found(account: Account, write: str) -> None:
    """A todo without search text is found by its title, and a worker fills the text in."""
    todo = await account.create(title="Хлеб", description="вода")
    async with acquire() as connection:
        await connection.execute(write, todo["id"])
    row = await fetchrow(STORED, todo["id"])
    assert row is not None
    assert row["search_text"] is None
    for _ in range(2):
        [title] = await found(account, "хлеб")
        assert title.lower().startswith("хлеб")
        assert await found(account, "ВО") == [title]
        assert await found(account, "молоко") == []
        await fill_search_texts()
    row = await fetchrow(STORED, todo["id"])
    assert row is not None
    assert row["search_text"] == f"{title.lower()}{FIELD}вода{MARK}"
    assert await fill_search_texts() == 0


WORDS = [
    ("Buy fresh milk", "milk buy"),
    ("Buy fresh milk", "MIL bu FRE"),
    ("Купить свежее молоко", "мол купи"),
    ("(milk), «buy»", "buy milk"),
    ("买牛奶 in Berlin", "ber 牛奶"),
    ("Straße fegen", "feg strass"),
    ("e-mail to_do_list", "list mail"),
]


@pytest.mark.parametrize(("title", "text"), WORDS)
async def test_words_are_found_in_any_order(account: Account, title: str, text: str) -> None:
    """A todo is found by the beginnings of its words, be they in title or description."""
    await account.create(title=title)
    await account.create(title="~", description=title)
    await account.create(title="Buy", description="bread")
    assert sorted(await found(account, text)) == sorted([title, "~"])


async def test_words_are_found_after_an_edit_of_their_case(account: Account) -> None:
    """A new title that is the same to searches is found by all of them at once."""
    todo = await account.create(title="Buy milk")
    await account.data(UPDATE, id=todo["id"], input={"title": "BUY Milk"})
    assert await found(account, "milk bu") == ["BUY Milk"]


async def test_words_are_found_by_their_beginnings_alone(account: Account) -> None:
    """Each of several words has to begin a word, unless they stand side by side."""
    await account.create(title="выпить молоко")
    assert await found(account, "молоко пить") == []
    assert await found(account, "пить мол") == ["выпить молоко"]


SIMILAR = [("Call the plumber", "plumer"), ("Café opening", "cafe"), ("Invoices", "invoyce")]


@pytest.mark.parametrize(("title", "text"), SIMILAR)
async def test_similar_words_are_found_where_few_match(
    account: Account, title: str, text: str
) -> None:
    """A misspelt Latin word finds similar ones, unless ten todos have it as it is."""
    await account.create(title=title)
    await account.create(title="Something else")
    assert await found(account, text) == [title]
    await account.create_many([{"title": text}] * 9)
    assert len(await found(account, text)) == 10
    await account.create(title=text)
    assert await found(account, text) == [text] * 10


@pytest.mark.parametrize("text", ["mlk", "молако", "1234", "牛乳"])
async def test_short_words_and_other_scripts_find_no_similar_ones(
    account: Account, text: str
) -> None:
    """Words of other scripts, and of fewer than four letters, are found as they are alone."""
    await account.create_many([{"title": title} for title in ("milk", "молоко", "1235", "牛奶")])
    assert await found(account, text) == []


async def test_similar_words_are_looked_for_where_the_filter_looks(account: Account) -> None:
    """Todos in the trash are found by similar words among those in the trash alone."""
    todo = await account.create(title="plumber")
    query = (
        "query ($f: TodoFilter) { todos(filter: $f) { totalCount } stats(filter: $f) { total } }"
    )
    deleted = "mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }"
    for wanted, total in (({"search": "plumer"}, 1), ({"not": {"search": "plumer"}}, 0)):
        data = await account.data(query, f=wanted)
        assert data == {"todos": {"totalCount": total}, "stats": {"total": total}}
    await account.data(deleted, id=todo["id"])
    for is_deleted, total in ((True, 1), (False, 0)):
        data = await account.data(query, f={"search": "plumer", "isDeleted": is_deleted})
        assert data["todos"]["totalCount"] == total


BEST = """
query ($text: String, $first: Int, $after: String, $last: Int, $before: String) {
  todos(filter: { search: $text }, first: $first, after: $after, last: $last, before: $before) {
    nodes { title } totalCount
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
  }
}
"""
RANKED_TODOS: list[dict[str, str]] = [
    {"title": "Milk tea"},
    {"title": "Get milk tea", "status": "COMPLETED"},
    {"title": "buttermilk tea"},
    {"title": "shopping", "description": "milk tea"},
    {"title": "tea with milk"},
    {"title": "party", "description": "tea, milk"},
    {"title": "done", "description": "tea; milk", "status": "CANCELLED"},
    {"title": "milc teas"},
]


async def test_the_best_match_comes_first(account: Account) -> None:
    """A search without a sort is sorted by how a todo matches, then title, then open, then newest."""
    for todo in reversed(RANKED_TODOS):
        await account.create(**todo)
    expected = [todo["title"] for todo in RANKED_TODOS]
    data = (await account.data(BEST, text="milk tea"))["todos"]
    assert [node["title"] for node in data["nodes"]] == expected
    assert data["totalCount"] == len(expected)


async def test_few_matches_are_looked_for_once(
    account: Account, recorded: Callable[[], AbstractContextManager[Statements]]
) -> None:
    """The page, its total and further pages look for no text again that the ids were found by."""
    for todo in RANKED_TODOS:
        await account.create(**todo)
    with recorded() as statements:
        page = (await account.data(BEST, text="milk tea", first=2))["todos"]
    assert page["totalCount"] == len(RANKED_TODOS)
    sent = [text for text in statements.texts if not text.startswith("EXPLAIN")]
    assert sum("t.search_text LIKE" in text for text in sent) == 1
    with recorded() as statements:
        await account.data(BEST, text="milk tea", first=2, after=page["pageInfo"]["endCursor"])
    assert sum("t.search_text LIKE" in text for text in statements.texts) == 1


@pytest.mark.parametrize("size", [1, 3, 7])
async def test_pages_of_best_matches_show_each_once(account: Account, size: int) -> None:
    """Pages forwards and backwards have each match once, in the one order."""
    for todo in reversed(RANKED_TODOS):
        await account.create(**todo)
    expected = [todo["title"] for todo in RANKED_TODOS]
    seen, cursor, more = list[str](), None, True
    while more:
        page = (await account.data(BEST, text="milk tea", first=size, after=cursor))["todos"]
        seen += [node["title"] for node in page["nodes"]]
        cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert page["pageInfo"]["hasPreviousPage"] is (len(seen) > size)
    assert seen == expected
    seen, cursor, more = [], None, True
    while more:
        page = (await account.data(BEST, text="milk tea", last=size, before=cursor))["todos"]
        seen = [node["title"] for node in page["nodes"]] + seen
        cursor, more = page["pageInfo"]["startCursor"], page["pageInfo"]["hasPreviousPage"]
    assert seen == expected


async def test_of_many_matches_the_newest_come_first(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit a page, and those after it, are as without a search."""
    await account.create(title="milk")
    await account.create_many([{"title": "x", "description": f"milk {n}"} for n in range(4)])
    monkeypatch.setattr(best_match, "MAX_RANKED", 4)
    first = (await account.data(BEST, text="milk", first=2))["todos"]
    assert [node["title"] for node in first["nodes"]] == ["x", "x"]
    monkeypatch.setattr(best_match, "MAX_RANKED", 5)
    after = first["pageInfo"]["endCursor"]
    rest = (await account.data(BEST, text="milk", after=after))["todos"]
    assert [node["title"] for node in rest["nodes"]] == ["x", "x", "milk"]
    best = (await account.data(BEST, text="milk"))["todos"]
    assert best["nodes"][0]["title"] == "milk"


@pytest.mark.parametrize("cursor", ["x", "W10"])
async def test_a_strange_cursor_is_refused(account: Account, cursor: str) -> None:
    """What is no cursor of a search's list is bad user input."""
    error = await account.error(BEST, text="milk", after=cursor)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
