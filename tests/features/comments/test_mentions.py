"""What a comment's Markdown mentions."""

import pytest

from todo_gql.features.comments.mentions import mentioned_ids, without_mentions

ID = "01a22bdb-2c78-717a-ac0f-2be03f35c0f3"
MENTION = f"@[Bob](user:{ID})"

MENTIONING = [
    MENTION,
    f"@[](user:{ID.upper()})",
    f"@[B\\]ob](user:{ID})",
    f"x{MENTION}, {MENTION}!",
    f"`code` {MENTION} `code`",
    f"a lonely ` {MENTION}",
    f"\\`{MENTION}`",
    f"`a\n\n{MENTION}`",
    f"```\ncode\n```\n{MENTION}",
    f"> ```\n> code\n> ```\n\n{MENTION}",
    f"``` not ` a fence\n{MENTION}",
    f"a\n    {MENTION}",
    f"- item\n\n    {MENTION}",
    f"> {MENTION}",
    f"[{MENTION}](https://example.com)",
]
OTHERS = [
    f"`{MENTION}`",
    f"`` ` {MENTION} ``",
    f"`a\n{MENTION}`",
    f"```\n{MENTION}",
    f"```\n{MENTION}\n```",
    f"~~~ js\n{MENTION}\n~~~~",
    f"~~~\n```\n{MENTION}\n~~~",
    f"> ```\n> {MENTION}\n> ```",
    f"- ```\n  {MENTION}\n  ```",
    f"    {MENTION}",
    f"a\n\n\t{MENTION}",
    f"\\{MENTION}",
    f"@Bob](user:{ID})",
    f"@[Bob](user:{ID[:-1]})",
    f"@[Bob](todo:{ID})",
    f"@[Bob] (user:{ID})",
    f"[Bob](user:{ID})",
    f"@[B\nob](user:{ID})",
]


@pytest.mark.parametrize("body", MENTIONING, ids=repr)
def test_a_mention_stands_outside_code(body: str) -> None:
    """A mention in a text mentions somebody once, whatever stands around it."""
    assert list(map(str, mentioned_ids(body))) == [ID]


@pytest.mark.parametrize("body", OTHERS, ids=repr)
def test_code_mentions_nobody(body: str) -> None:
    """What stands in blocks and spans of code, is escaped or isn't written as a mention mentions nobody."""
    assert mentioned_ids(body) == []


def test_mentions_read_as_names() -> None:
    """A comment is quoted with the names of mentions alone."""
    assert without_mentions(f"Hi @[B\\]ob](user:{ID})!") == "Hi @B]ob!"
