"""Passwords and tokens by themselves, on real cryptography."""

import asyncio
import threading
from typing import Any
from uuid import uuid4

import pytest

from tests.support.forged_tokens import FORGERIES, Forger, minted
from todo_gql.api.errors import ErrorCode, Unavailable
from todo_gql.database.connection import fetchrow
from todo_gql.observability.request_record import RequestRecord, current
from todo_gql.security import authentication
from todo_gql.security.common_passwords import common_passwords
from todo_gql.security.passwords import (
    HashingThreads,
    hash_is_outdated,
    hash_password,
    password_matches,
    password_problem,
)
from todo_gql.security.tokens import Claims, RefreshToken, signed_access_token, verified_claims
from todo_gql.settings import Settings

CLAIMS = Claims(uuid4(), uuid4())


def test_a_signed_access_token_says_who_and_in_which_session(settings: Settings) -> None:
    """What the server signs, it believes."""
    assert verified_claims(signed_access_token(CLAIMS, settings), settings) == CLAIMS


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_access_token_says_nothing(settings: Settings, forge: Forger) -> None:
    """A token that the server wouldn't have signed just so is refused without an exception."""
    assert verified_claims(minted(settings, CLAIMS), settings) == CLAIMS
    assert verified_claims(forge(settings, CLAIMS), settings) is None


@pytest.mark.usefixtures("app")
async def test_a_good_token_of_no_session_is_nobody(settings: Settings) -> None:
    """A token alone, without its session in the database, opens nothing."""
    assert (
        await authentication.authenticate(signed_access_token(CLAIMS, settings), settings) is None
    )
    assert await authentication.authenticate(None, settings) is None


async def test_a_token_of_another_users_session_is_nobody(settings: Settings, account: Any) -> None:
    """The session has to belong to the user whom the token names."""
    viewer = await authentication.authenticate(account.token, settings)
    assert viewer is not None
    mixed = signed_access_token(Claims(uuid4(), viewer.session_id), settings)
    assert await authentication.authenticate(mixed, settings) is None


async def test_a_viewer_is_who_signed_in(settings: Settings, account: Any) -> None:
    """The token of a session that goes on gives its owner."""
    viewer = await authentication.authenticate(account.token, settings)
    assert viewer is not None
    assert (str(viewer.id), viewer.username, viewer.is_superuser) == (
        account.id,
        account.username,
        False,
    )


def test_a_refresh_token_is_read_back(settings: Settings) -> None:
    """What the server makes, it knows again."""
    token = RefreshToken.first(uuid4())
    assert RefreshToken.parse(token.text(settings), settings) == token
    assert token.child(settings) == token.child(settings) != token


def test_no_changed_character_leaves_a_refresh_token_good(settings: Settings) -> None:
    """Each character counts, the spare bits of the last one too."""
    text = RefreshToken.first(uuid4()).text(settings)
    for place, character in enumerate(text):
        for other in "ABQgw_":
            changed = text[:place] + other + text[place + 1 :]
            assert other == character or RefreshToken.parse(changed, settings) is None


@pytest.mark.parametrize("text", ["", "x", "A" * 86, "A" * 85 + "\n", "é" * 86, "A" * 1_000_000])
def test_a_guess_is_no_refresh_token(settings: Settings, text: str) -> None:
    """A text that the server didn't make is refused without the database."""
    assert RefreshToken.parse(text, settings) is None


def test_an_access_token_is_no_refresh_token(settings: Settings) -> None:
    """The one kind can't stand for the other."""
    assert RefreshToken.parse(signed_access_token(CLAIMS, settings), settings) is None


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Correct-horse-7", None),
        ("Åsa-ønsker-7", None),
        ("Aa3" + "x" * 125, None),
        ("Aa3" + "x" * 126, ErrorCode.TOO_LONG),
        ("Ab3defg", ErrorCode.TOO_SHORT),
        ("", ErrorCode.TOO_SHORT),
        ("Correct\0horse-7", ErrorCode.INVALID),
        ("Correct\nhorse-7", ErrorCode.INVALID),
        ("Correct\ud800horse-7", ErrorCode.INVALID),
        ("correct-horse-7", ErrorCode.WEAK_PASSWORD),
        ("CORRECT-HORSE-7", ErrorCode.WEAK_PASSWORD),
        ("Correct-horse", ErrorCode.WEAK_PASSWORD),
        ("Password1", ErrorCode.WEAK_PASSWORD),
        ("pASSWORD123", ErrorCode.WEAK_PASSWORD),
        ("Qwerty123", ErrorCode.WEAK_PASSWORD),
        ("P@ssw0rd", ErrorCode.WEAK_PASSWORD),
        ("Summer2024", ErrorCode.WEAK_PASSWORD),
        ("Ada.Lovelace-1815", ErrorCode.WEAK_PASSWORD),
        ("Countess.Of-1815", ErrorCode.WEAK_PASSWORD),
    ],
)
def test_a_password_is_taken_or_not(password: str, code: ErrorCode | None) -> None:
    """The rule: 8 to 128 characters of three kinds, not a common password, not one's name."""
    problem = password_problem(password, "ada.lovelace-1815", "countess.of-1815")
    assert (problem and problem[0]) == code


def test_the_common_passwords_are_those_that_the_rest_of_the_rule_lets_through() -> None:
    """The list has at least 3,000 entries, and none that would be refused without it."""
    assert len(common_passwords(8)) >= 3000
    for password in common_passwords(8):
        assert password == password.lower()
        first, *others = (place for place, letter in enumerate(password) if letter.isalpha())
        assert others
        typed = password[:first] + password[first].upper() + password[first + 1 :]
        assert password_problem(typed) == (
            ErrorCode.WEAK_PASSWORD,
            "This password is too common. Choose another.",
        )


async def test_a_password_counts_to_its_last_character(settings: Settings) -> None:
    """Nothing is cut off, though bcrypt looks at 72 bytes."""
    stored = await hash_password("Aa3" + "x" * 125, settings)
    assert len(stored) == 60
    assert await password_matches("Aa3" + "x" * 125, stored, settings)
    assert not await password_matches("Aa3" + "x" * 124 + "y", stored, settings)
    assert not await password_matches("\ud800" * 200, stored, settings)


async def test_no_password_is_that_of_nobody(settings: Settings) -> None:
    """A password for no account is wrong, after the same work."""
    assert not await password_matches("Correct-horse-7", None, settings)


async def test_a_hash_of_another_cost_is_outdated(settings: Settings) -> None:
    """A hash tells the cost that it was made at."""
    stored = await hash_password("Correct-horse-7", settings)
    dearer = settings.model_copy(update={"bcrypt_rounds": settings.bcrypt_rounds + 1})
    assert not hash_is_outdated(stored, settings)
    assert hash_is_outdated(stored, dearer)


async def test_hashing_refuses_who_finds_no_place_to_wait() -> None:
    """One works, one waits, a third is turned away; afterwards there is room again."""
    threads, gate = HashingThreads(threads=1, max_queued=1), threading.Event()
    first, second = (asyncio.ensure_future(threads.run(gate.wait)) for _ in range(2))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await threads.run(gate.wait)
    gate.set()
    assert all(await asyncio.gather(first, second))
    assert await threads.run(gate.is_set)


async def test_no_caller_takes_all_places_to_wait() -> None:
    """One caller's passwords leave slots for others, and all of them are hashed in the end."""
    threads, gate = HashingThreads(threads=1, max_queued=5), threading.Event()
    # A request of its own for each, with its caller.
    before = current.set(RequestRecord("", caller="one"))
    many = [asyncio.create_task(threads.run(gate.wait)) for _ in range(20)]
    current.set(RequestRecord("", caller="another"))
    other = asyncio.create_task(threads.run(gate.wait))
    current.reset(before)
    await asyncio.sleep(0)
    assert not any(task.done() for task in (*many, other))
    gate.set()
    assert all(await asyncio.gather(other, *many))
    assert not threads.limits


async def test_who_gives_up_waiting_leaves_the_place_free() -> None:
    """A cancelled wait takes no place."""
    threads, gate = HashingThreads(threads=1, max_queued=1), threading.Event()
    first, second = (asyncio.ensure_future(threads.run(gate.wait)) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    third = asyncio.ensure_future(threads.run(gate.wait))
    await asyncio.sleep(0)
    gate.set()
    assert all(await asyncio.gather(first, third))


async def test_who_gives_up_while_it_is_being_hashed_gives_the_place_back() -> None:
    """A thread that is at work is taken until it has done, and is free then."""
    threads, gate = HashingThreads(threads=1, max_queued=0), threading.Event()
    given_up = asyncio.ensure_future(threads.run(gate.wait))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    with pytest.raises(Unavailable):
        await threads.run(gate.is_set)
    gate.set()
    await asyncio.to_thread(threads.executor.shutdown)
    assert threads.capacity.acquire(blocking=False)


@pytest.mark.usefixtures("app")
async def test_the_event_loop_goes_on_while_passwords_are_hashed(settings: Settings) -> None:
    """Passwords are hashed in threads that don't hold the interpreter's lock."""
    dearer = settings.model_copy(update={"bcrypt_rounds": 10})
    hashing = asyncio.ensure_future(hash_password("Correct-horse-7", dearer))
    turns = 0
    while not hashing.done():
        await fetchrow("SELECT 1")
        turns += 1
    assert turns >= 3
