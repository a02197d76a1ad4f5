"""The JSON of push messages, cut to what every push service takes."""

import orjson
import pytest

from todo_gql.push.message import MAX_PAYLOAD_BYTES, PushMessage

pytestmark = pytest.mark.own_schema


def test_a_short_message_is_complete() -> None:
    """A message has a title, a body, a URL and a tag."""
    message = PushMessage("Reminder", "Sail", "?todo=1", "1")
    assert orjson.loads(message.payload()) == {
        "title": "Reminder",
        "body": "Sail",
        "url": "?todo=1",
        "tag": "1",
    }


@pytest.mark.parametrize("character", ["a", "ä", "日", "👩", '"', "\n"])
def test_a_long_body_is_cut(character: str) -> None:
    """A body of any script is cut between characters, so that all of the JSON fits."""
    message = PushMessage("Reminder", character * 5_000, "?todo=1", "1")
    content = message.payload()
    assert len(content) <= MAX_PAYLOAD_BYTES == 3_900
    cut = orjson.loads(content)
    assert cut["title"] == "Reminder"
    assert cut["body"].endswith("…")
    assert message.body.startswith(cut["body"].removesuffix("…"))
    assert len(content) > MAX_PAYLOAD_BYTES - 8


def test_a_long_title_is_cut_after_the_body() -> None:
    """The title is cut where no body helps, and what clients need stays."""
    message = PushMessage("t" * 5_000, "b" * 5_000, "?todo=1", "1")
    content = message.payload(200)
    assert len(content) <= 200
    cut = orjson.loads(content)
    assert cut["body"] == ""
    assert cut["title"].startswith("ttt")
    assert cut["url"] == "?todo=1"
