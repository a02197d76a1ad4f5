"""The key pair that signs push messages: generated once, then the same for all processes."""

import stat
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from todo_gql.push.keys import (
    FILE_NAME,
    PushKeyError,
    new_key,
    push_key,
    push_problem,
    receiver_key,
    with_push_key,
)
from todo_gql.security.base64url import decoded
from todo_gql.settings import Settings

pytestmark = pytest.mark.own_schema


def settings_in(folder: Path, **more: object) -> Settings:
    """Settings with a DATA_DIR that don't depend on the machine."""
    return Settings(_env_file=None, data_dir=folder, **more)  # type: ignore[arg-type]


def test_a_key_is_generated_once(tmp_path: Path) -> None:
    """A key is stored in DATA_DIR for this user alone, and used from then on."""
    first = push_key(with_push_key(settings_in(tmp_path)))
    second = push_key(with_push_key(settings_in(tmp_path)))
    assert first
    assert second
    assert first.public == second.public
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    point = urlsafe_b64decode(f"{first.public}=")
    assert len(point) == 65
    assert point[0] == 0x04


def test_a_set_key_is_used(tmp_path: Path) -> None:
    """VAPID_PRIVATE_KEY is used as it is set, and nothing is stored."""
    # The key pair of RFC 8291, appendix A.
    private = SecretStr("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    for text in (private, SecretStr(f"{private.get_secret_value()}=")):
        pair = push_key(with_push_key(settings_in(tmp_path, vapid_private_key=text)))
        assert pair
        assert pair.public == (
            "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
        )
    assert list(tmp_path.iterdir()) == []


def test_production_generates_no_key(tmp_path: Path) -> None:
    """A server in production without VAPID_PRIVATE_KEY sends no pushes, and is no worse for that."""
    settings = settings_in(tmp_path, environment="production")
    assert push_problem(settings) is None
    assert push_key(with_push_key(settings)) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "short", "A" * 43, "_" * 43, "é"])
def test_a_damaged_key_is_refused(tmp_path: Path, content: str) -> None:
    """A file that holds no key of the curve stays as it is, and the error names it."""
    path = tmp_path / FILE_NAME
    path.write_text(content)
    with pytest.raises(PushKeyError, match=str(path)):
        with_push_key(settings_in(tmp_path))
    assert str(path) in (push_problem(settings_in(tmp_path)) or "")
    assert path.read_text() == content


def test_a_folder_that_is_not_writable_sends_no_pushes(tmp_path: Path) -> None:
    """The server runs without pushes where the key can't be stored."""
    (tmp_path / "file").write_text("no folder")
    settings = with_push_key(settings_in(tmp_path / "file" / "data"))
    assert push_key(settings) is None


@pytest.mark.parametrize(
    ("subject", "public_url", "sent"),
    [
        ("mailto:ops@example.com", "https://todo.example.com", "mailto:ops@example.com"),
        (None, "https://todo.example.com/app/", "https://todo.example.com/app"),
        (None, "http://127.0.0.1:8000", "mailto:no-reply@127.0.0.1"),
    ],
)
def test_the_subject_is_a_contact(
    tmp_path: Path, subject: str | None, public_url: str, sent: str
) -> None:
    """The contact in a push is VAPID_SUBJECT, else PUBLIC_URL if it has https, else MAIL_FROM."""
    settings = settings_in(tmp_path, vapid_subject=subject, public_url=public_url)
    assert settings.push_subject == sent


@pytest.mark.parametrize(
    "subject",
    ["ops@example.com", "mailto: ops@example.com", "mailto:", "http://example.com", "https://"],
)
def test_a_subject_is_a_url(tmp_path: Path, subject: str) -> None:
    """VAPID_SUBJECT is an https or mailto URL, without the white space that push services refuse."""
    with pytest.raises(ValidationError, match="vapid_subject"):
        settings_in(tmp_path, vapid_subject=subject)


@pytest.mark.parametrize("subject", ["mailto:ops@example.com", "https://example.com/contact"])
def test_public_subjects_have_no_problem(tmp_path: Path, subject: str) -> None:
    """A key with a public contact is fine in production, whatever PUBLIC_URL is."""
    settings = settings_in(
        tmp_path,
        environment="production",
        vapid_private_key=SecretStr(new_key()),
        vapid_subject=subject,
    )
    assert push_problem(settings) is None


def test_only_uncompressed_points_are_keys_of_browsers() -> None:
    """A compressed point, one that isn't on the curve, and other lengths raise ValueError."""
    # Of RFC 8291, appendix A.
    good = decoded(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    receiver_key(good)
    for wrong in (
        b"",
        good[:33],
        b"\x02" + good[1:33],
        good[:-1] + b"\x00",
        good + b"\x00",
        bytes(65),
        b"\x04" + bytes(64),
    ):
        with pytest.raises(ValueError, match="point"):
            receiver_key(wrong)


@pytest.mark.parametrize("text", ["a+b/", "a b", "ä", "a===b", "\x00"])
def test_other_alphabets_are_no_url_safe_base64(text: str) -> None:
    """What isn't of the URL-safe alphabet raises ValueError instead of being skipped."""
    with pytest.raises(ValueError, match=r"base64|padding"):
        decoded(text)
