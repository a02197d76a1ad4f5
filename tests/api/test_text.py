"""One rule for all text: what shows nothing, what is refused, what is kept, and what is one."""

# ruff: noqa: RUF001 - letters that look like others are what this is about

import json
import unicodedata
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.accounts import CREATE, ERRORS, PASSWORD, REGISTER, Account, Client
from tests.support.tag_operations import READ, RENAME, counts, rename, tag_id
from todo_gql.api.folding import canonical_name, folded
from todo_gql.api.text import shows
from todo_gql.database.connection import fetch

UPDATE = (
    "mutation ($id: ID!, $input: TodoUpdateInput!) { todoUpdate(id: $id, input: $input)"
    f" {{ todo {{ title description version tags {{ name }} }} {ERRORS} }} }}"
)
PROFILE = (
    "mutation ($input: ProfileUpdateInput!) { profileUpdate(input: $input)"
    " { user { firstName lastName bio avatarUrl } errors { code path } } }"
)
BULK = (
    "mutation ($ids: [ID!]!, $action: TodoBulkAction!) { todoBulkUpdate(ids: $ids, action: $action)"
    " { updated results { todo { tags { name } } } errors { code path } } }"
)
SOME = "query ($names: [String!]) { todos(filter: { tags: { some: $names } }) { totalCount } }"
EVERY = "query ($names: [String!]) { todos(filter: { tags: { every: $names } }) { totalCount } }"
NONE = "query ($names: [String!]) { todos(filter: { tags: { none: $names } }) { totalCount } }"
SEARCH_TAGS = "query ($text: String) { tags(search: $text) { nodes { name } } }"
SEARCH = "query ($text: String) { todos(filter: { search: $text }) { nodes { title } } }"

INVISIBLE = [
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u180e", "\u061c"),
    *("\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\ufe0f", "\u200e", "\u2063", "\u17b4"),
    *("\U000e0041", "\U000e0100", "\ufff9", " \u200b\u3000\u2800 ", "\U0001d173", "\u2028", "\n"),
]
# What is folded, dropped or joined, and what decides of that.
CHANGED = (
    "iİıΣσςßẞſﬁ\u0301\u0307\u0323\u0345\u200b\u200c\u200d\ufe0f\u034f\u1160\u180b\u1820"
    "\u094d\u0915\u0647\u06cc\u2764\u00a0\U0001f469\U0001f3f4\U000e0067\U000e007f\ue000"
)
REFUSED = [
    *("\0", "\x01", "\x0b", "\x0c", "\x1b", "\x1c", "\x1f", "\x7f", "\x80", "\x85", "\x9f"),
    *("\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"),
    "\ud800",
]
ids = ascii


async def sent(account: Account, query: str, **variables: Any) -> Any:
    """The answer to an operation, in whose variables there may be lone surrogates."""
    body = json.dumps({"query": query, "variables": variables})
    headers = {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"}
    answer: Any = (await account.http.post("/graphql", content=body, headers=headers)).json()
    return answer


def problems(payload: Any) -> list[tuple[str, list[str]]]:
    """The codes and the paths of a payload's errors."""
    return [(error["code"], error["path"]) for error in payload["errors"]]


@pytest.mark.parametrize("text", INVISIBLE, ids=ids)
async def test_text_that_shows_nothing_is_empty(account: Account, text: str) -> None:
    """It is no title and no name of a tag, and clears what may be empty."""
    values = {"title": text, "tags": ["a", text], "description": text}
    payload = (await account.data(CREATE, input=values))["todoCreate"]
    assert problems(payload) == [
        ("TOO_SHORT", ["input", "title"]),
        ("TOO_SHORT", ["input", "tags", "1"]),
    ]
    todo = await account.create(tags=["a"], description=text)
    assert todo["description"] == ""
    profile = {"firstName": text, "lastName": text, "bio": text, "avatarUrl": text}
    payload = (await account.data(PROFILE, input=profile))["profileUpdate"]
    assert payload == {"user": dict.fromkeys(profile), "errors": []}
    [renamed] = problems(await rename(account, todo["tags"][0]["id"], text))
    assert renamed == ("TOO_SHORT", ["name"])
    assert (await account.data(SEARCH, text=text.strip("\n\u2028")))["todos"]["nodes"] != []
    assert (await account.data(SEARCH_TAGS, text=text.strip("\n\u2028")))["tags"]["nodes"] != []


@pytest.mark.parametrize("char", REFUSED, ids=ids)
async def test_control_characters_are_refused(account: Account, char: str) -> None:
    """Control characters and bidirectional overrides are refused anywhere, and never dropped."""
    texts = [f"{char}ab", f"ab{char}", f"a{char}b", f" {char}ab"]
    for text in texts[:2]:
        todo = {"title": text, "description": text}
        payload = (await sent(account, CREATE, input=todo))["data"]["todoCreate"]
        assert problems(payload) == [("INVALID", ["input", name]) for name in todo]
    payload = (await sent(account, CREATE, input={"title": "x", "tags": texts}))["data"]
    paths = [["input", "tags", str(place)] for place in range(4)]
    assert problems(payload["todoCreate"]) == [("INVALID", path) for path in paths]
    names = ("firstName", "lastName", "bio", "avatarUrl")
    profile = dict(zip(names, texts, strict=True))
    payload = (await sent(account, PROFILE, input=profile))["data"]["profileUpdate"]
    assert problems(payload) == [("INVALID", ["input", name]) for name in profile]
    payload = (await sent(account, RENAME, id="x", name=texts[0]))["data"]["tagRename"]
    assert problems(payload)[1:] == [("INVALID", ["name"])]


@pytest.mark.parametrize("char", ["\0", "\x1c", "\x85", "\u202e", "\u2066"], ids=ids)
async def test_nobody_looks_for_control_characters(account: Account, char: str) -> None:
    """What can't be stored can't be asked for."""
    for query in (SEARCH, SEARCH_TAGS, SOME, EVERY, NONE):
        text = f"{char}a"
        [error] = (await sent(account, query, text=text, names=[text]))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("char", ["\x1f", "\u202e"], ids=ids)
async def test_names_of_a_new_account_follow_the_rule(client: Client, char: str) -> None:
    """All that is wrong is told at once."""
    username = f"user-{uuid4().hex[:12]}"
    given = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    texts = dict.fromkeys(("firstName", "lastName", "bio"), f"{char}Ada")
    payload = (await client.execute(REGISTER, {"input": given | texts}))["data"]["register"]
    assert problems(payload) == [("INVALID", ["input", name]) for name in texts]


async def test_line_breaks_are_for_text_in_lines(account: Account) -> None:
    """White space around a title is trimmed, line breaks too; inside they are refused."""
    assert (await account.create(title="\t\u3000Home \r\n"))["title"] == "Home"
    for inside in ("\n", "\r", "\t", "\u2028", "\u2029"):
        payload = (await account.data(CREATE, input={"title": f"a{inside}b"}))["todoCreate"]
        assert problems(payload) == [("INVALID", ["input", "title"])]
    lines = "a\r\n\tb\u2028\nc "
    assert (await account.create(description=lines))["description"] == lines


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "श्रीमान्\u200cको",
        "র\u200d্যাম",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f642\u200d\u2194\ufe0f",
        "\U0001f9d1\U0001f3fd\u200d\U0001f680",
        "1\ufe0f\u20e3",
        "\u2764\ufe0f",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "葛\U000e0100",
        "\u05e9\u05dc\u05d5\u05dd",
    ],
    ids=ids,
)
async def test_joiners_that_are_needed_stay(account: Account, text: str) -> None:
    """Joiners stay in titles and tags, as scripts and emoji need them."""
    todo = await account.create(title=text, tags=[text])
    assert (todo["title"], todo["tags"][0]["name"]) == (text, text)
    assert (await account.data(SOME, names=[text]))["todos"]["totalCount"] == 1


async def test_titles_are_kept_as_typed_in_nfc(account: Account) -> None:
    """Marks that give a direction and useless joiners stay; what is decomposed is composed."""
    title = "\u200fA\u200bbc\u00ad ﬁ Ⅳ e\u0301"
    todo = await account.create(title=title, description="e\u0301")
    assert todo["title"] == title.replace("e\u0301", "é")
    assert todo["description"] == "é"
    changed = await account.data(UPDATE, id=todo["id"], input={"title": title})
    assert changed["todoUpdate"]["todo"]["version"] == 1
    for text in ("e\u0301", "é"):
        assert len((await account.data(SEARCH, text=text))["todos"]["nodes"]) == 1


ONE_TAG = [
    (
        "home",
        ["Home", "ho\u200bme", "home\u200d", "\ufeffhome", "ho\u00adme", "home\ufe0f", "ｈome"],
    ),
    (
        "home",
        ["ho\u200cme", "\u200ehome", "home\u2060", "h\u034fome", "home\U000e0041", "ho\u3164me"],
    ),
    ("home", ["\u2800 home", "home\u2800", "ho\ufff9me", "home\u00a0", "ho\U0001d159me"]),
    ("\u2801\u2800\u2801", ["\u2800\u2801\u2800\u2801\u2800"]),
    ("iş", ["İş", "i\u0307ş", "IŞ", "İs\u0327"]),
    ("οδος", ["ΟΔΟΣ", "οδοσ", "Οδος"]),
    ("σας και σας", ["ΣΑΣ ΚΑΙ ΣΑΣ", "σασ και σασ"]),
    ("strasse", ["Straße", "STRASSE", "STRA\u1e9eE"]),
    ("fix", ["ﬁx", "FIX"]),
    ("k", ["\u212a", "K"]),
    ("é", ["É", "e\u0301", "E\u0301"]),
    ("s", ["ſ"]),
    ("ᾳ", ["ᾼ", "\u03b1\u0345", "αι"]),
    ("خانه", ["خانه\u200c", "\u200dخانه"]),
    ("کارها", ["کار\u200cها"]),
    ("שלום", ["של\u200dום", "\u200fשלום"]),
    ("\u2764", ["\u200b\u2764", "\u2764\u200d"]),
]


@pytest.mark.parametrize(("name", "typed"), ONE_TAG, ids=ids)
async def test_one_name_is_one_tag(account: Account, name: str, typed: list[str]) -> None:
    """One tag is found however its name is typed: on todos, in filters, bulk and renames."""
    name = canonical_name(name)
    todos = [await account.create(tags=[text, name]) for text in typed]
    assert [[tag["name"] for tag in todo["tags"]] for todo in todos] == [[name]] * len(typed)
    assert await counts(account) == [(name, len(typed))]
    id = todos[0]["tags"][0]["id"]
    ids = [todo["id"] for todo in todos]
    for text in typed:
        for query in (SOME, EVERY):
            count = (await account.data(query, names=[text]))["todos"]["totalCount"]
            assert count == len(typed)
        assert (await account.data(NONE, names=[text]))["todos"]["totalCount"] == 0
        found = (await account.data(SEARCH_TAGS, text=text))["tags"]["nodes"]
        assert found == [{"name": name}]
        assert (await rename(account, id, text))["tag"]["name"] == name
        added = (await account.data(BULK, ids=ids, action={"addTags": [text]}))["todoBulkUpdate"]
        assert (added["updated"], added["errors"]) == (0, [])
    assert (await account.data(READ, id=ids[0]))["todo"]["version"] == 1
    action = {"removeTags": [typed[0]]}
    removed = (await account.data(BULK, ids=ids, action=action))["todoBulkUpdate"]
    assert removed["updated"] == len(typed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("می\u200cخواهم", "میخواهم"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\U0001f4bb"),
        ("ı", "i"),
        ("e", "é"),
        (
            "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
            "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
        ),
    ],
    ids=ids,
)
async def test_what_shows_otherwise_is_another_tag(account: Account, one: str, other: str) -> None:
    """Joiners that change what is seen make a difference."""
    todo = await account.create(tags=[one, other])
    assert len(todo["tags"]) == 2


async def test_a_search_for_part_of_a_greek_word_finds_the_tag(account: Account) -> None:
    """A search for part of a Greek word finds the tag though the part ends in another sigma."""
    await account.create(tags=["Οδοσήμανση", "ΟΔΟΣ"])
    found = (await account.data(SEARCH_TAGS, text="οδος"))["tags"]["nodes"]
    assert {tag["name"] for tag in found} == {"οδοσήμανση", "οδος"}


@pytest.mark.parametrize("old", ["i\u0307ş", "straße", "οδοσ", "ho\u200bme"], ids=ids)
async def test_a_tag_of_an_older_form_goes_on(account: Account, old: str) -> None:
    """It is found, kept, removed and renamed by what it shows."""
    todo = await account.create(tags=["old", "b"])
    await fetch(
        "UPDATE tags SET name = $2 WHERE owner_id = $1 AND name = 'old'", UUID(account.id), old
    )
    for query, expected in ((SOME, 1), (EVERY, 1), (NONE, 0)):
        assert (await account.data(query, names=[old]))["todos"]["totalCount"] == expected
    assert (await account.data(SEARCH_TAGS, text=old))["tags"]["nodes"] == [{"name": old}]
    same = await account.data(UPDATE, id=todo["id"], input={"tags": [old, "b"]})
    assert same["todoUpdate"]["todo"]["version"] == 1
    ids = [todo["id"]]
    added = (await account.data(BULK, ids=ids, action={"addTags": [old]}))["todoBulkUpdate"]
    assert added["updated"] == 0
    payload = await rename(account, await tag_id(account, old), old)
    assert payload["tag"]["name"] == canonical_name(old)
    assert await counts(account) == sorted([("b", 1), (canonical_name(old), 1)])


async def test_a_tag_of_an_older_form_is_removed(account: Account) -> None:
    """A tag that was stored in an older form can be removed by its present name too."""
    todo = await account.create(tags=["old"])
    await fetch(
        "UPDATE tags SET name = 'straße' WHERE owner_id = $1 AND name = 'old'", UUID(account.id)
    )
    action = {"removeTags": ["STRASSE"]}
    removed = (await account.data(BULK, ids=[todo["id"]], action=action))["todoBulkUpdate"]
    assert removed["results"] == [{"todo": {"tags": []}}]
    assert await counts(account) == []


@pytest.mark.parametrize(
    ("field", "longest"), [("title", 200), ("description", 5_000), ("tags", 50)]
)
async def test_raw_text_is_bound_before_it_is_normalised(
    account: Account, field: str, longest: int
) -> None:
    """Four characters for each that it may have in the end, of which fewer may be left."""
    for text in ("x" * (4 * longest + 1), "e\u0301" * (2 * longest + 1), "é" * (longest + 1)):
        value = [text] if field == "tags" else text
        payload = (await account.data(CREATE, input={"title": "x", field: value}))["todoCreate"]
        assert {error["code"] for error in payload["errors"]} == {"TOO_LONG"}
    text = "e\u0301" * longest
    todo = await account.create(**{field: [text] if field == "tags" else text})
    assert len(todo["tags"][0]["name"] if field == "tags" else todo[field]) == longest


async def test_marks_are_not_heaped_up(account: Account) -> None:
    """Thirty on a character are more than any script needs."""
    await account.create(title="a" + "\u0323\u0301" * 15, tags=["a" + "\u0323\u0301" * 15])
    heap = "a" + "\u0301\u0323" * 16
    for text in (heap, unicodedata.normalize("NFC", heap)):
        values = {"title": text, "description": text, "tags": [text]}
        payload = (await account.data(CREATE, input=values))["todoCreate"]
        assert {error["code"] for error in payload["errors"]} == {"INVALID"}
        assert len(payload["errors"]) == 3


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(CHANGED), max_size=8))
@example("İ\u0323")
@example("i\u200b\u0307")
@example("Σ\u0301Σ")
@example("\u0345\u0301α")
@example("\ue000\u200da")
@example("\u0378\u200c\u0379")
def test_a_name_names_itself(text: str) -> None:
    """What a tag shows is what it is called by, and letter case makes no difference."""
    name = canonical_name(text)
    assert canonical_name(name) == name
    assert canonical_name(text.upper().lower()) == canonical_name(text.upper())
    assert folded(folded(text)) == folded(text)
    assert unicodedata.is_normalized("NFKC", folded(text))


@given(st.text(st.sampled_from("aé\u200b\u200d\ufe0f \u3164\U0001f469"), max_size=8))
def test_what_shows_has_a_name(text: str) -> None:
    """Text that shows something is a name, and text that shows nothing is none."""
    assert shows(canonical_name(text)) == shows(text)
