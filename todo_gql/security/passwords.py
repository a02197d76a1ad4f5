"""Password rules, and hashing with bcrypt.

Passwords are normalized (Unicode NFKC) before they are counted, hashed and compared, since keyboards
produce different forms of one text. Older hashes of unnormalized passwords still match, and are
replaced at the next login.
"""

import asyncio
import base64
import hmac
import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from functools import cache, partial
from typing import TypeVar

import bcrypt

from todo_gql.api.errors import ErrorCode, Unavailable
from todo_gql.api.text import Problem, text_problem
from todo_gql.observability.request_record import Caller, current
from todo_gql.security.common_passwords import common_passwords
from todo_gql.security.key_derivation import derived_key
from todo_gql.settings import Settings

T = TypeVar("T")

MIN_LENGTH, MAX_LENGTH = 8, 128
# A longer input is too long in every normal form, and slow to normalize.
MAX_RAW_PASSWORD_LENGTH = 4 * MAX_LENGTH
MAX_QUEUED = 20
# Concurrent hashes of one caller, running or queued; further ones wait for these.
MAX_PER_CALLER = 4


class Match(IntEnum):
    """Whether a password matches a hash: normalized, or only as typed (an older hash)."""

    NONE = 0
    NORMALISED = 1
    AS_TYPED = 2


def normalised(password: str) -> str:
    """The password in NFKC; unchanged if it is longer than `MAX_RAW_PASSWORD_LENGTH`."""
    return (
        password
        if len(password) > MAX_RAW_PASSWORD_LENGTH
        else unicodedata.normalize("NFKC", password)
    )


def password_problem(password: str, *names: str) -> Problem | None:
    """The first rule that a new password of a user with these names breaks; None if it is valid."""
    normal = normalised(password)
    if problem := text_problem(normal, shortest=MIN_LENGTH, longest=MAX_LENGTH):
        return problem
    for needed in (str.isupper, str.islower, str.isdecimal):
        if not any(map(needed, normal)):
            message = "Use at least one upper-case letter, one lower-case letter and one digit."
            return ErrorCode.WEAK_PASSWORD, message
    if normal.casefold() in common_passwords(MIN_LENGTH):
        return ErrorCode.WEAK_PASSWORD, "This password is too common. Choose another."
    if normal.casefold() in {normalised(name).casefold() for name in names}:
        return ErrorCode.WEAK_PASSWORD, "The password must not be your user name or e-mail address."
    return None


async def hash_password(password: str, settings: Settings) -> str:
    """The bcrypt hash to store, 60 characters; raises `Unavailable` if the queue is full."""
    salt = bcrypt.gensalt(settings.bcrypt_rounds)
    digest = _digest(normalised(password), settings)
    hashed = await hashing_threads().run(partial(bcrypt.hashpw, digest, salt))
    return hashed.decode()


async def password_matches(password: str, stored: str | None, settings: Settings) -> Match:
    """Compare a password with a stored hash; takes as long without one, so that timing reveals nothing.

    A wrong password that isn't in normal form takes twice as long, for every account. Raises
    `Unavailable` if the queue is full.
    """
    compared = (stored or _dummy_hash(settings)).encode()
    forms = {normalised(password): Match.NORMALISED}
    forms.setdefault(password, Match.AS_TYPED)
    digests = [(_digest(form, settings), match) for form, match in forms.items()]
    match = await hashing_threads().run(partial(_first_match, digests, compared))
    return match if stored is not None else Match.NONE


def _first_match(digests: list[tuple[bytes, Match]], stored: bytes) -> Match:
    matches = (match for digest, match in digests if bcrypt.checkpw(digest, stored))
    return next(matches, Match.NONE)


def hash_is_outdated(stored: str, settings: Settings) -> bool:
    """Whether the hash has another cost factor than the settings."""
    return int(stored.split("$")[2]) != settings.bcrypt_rounds


def _digest(password: str, settings: Settings) -> bytes:
    """The input of bcrypt, which is limited to 72 bytes: base64 of HMAC-SHA-384, 64 characters."""
    text = password.encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(derived_key(settings, "passwords"), text, "sha384"))


def _dummy_hash(settings: Settings) -> str:
    return f"$2b${settings.bcrypt_rounds:02}${'.' * 53}"


class CallerLimit:
    """The concurrency limit of one caller, and how many of its calls are running or waiting."""

    def __init__(self) -> None:
        self.semaphore = asyncio.Semaphore(MAX_PER_CALLER)
        self.calls = 0


class HashingThreads:
    """A thread pool for CPU-bound work, with at most `max_queued` calls waiting for a thread.

    One caller uses at most `MAX_PER_CALLER` of them, so that it can't fill the queue for others.
    """

    def __init__(self, threads: int, max_queued: int) -> None:
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix="hashing")
        self.capacity = threading.Semaphore(threads + max_queued)
        self.limits: dict[Caller, CallerLimit] = {}

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread; returns its result, or raises `Unavailable` if the queue is full."""
        request = current.get()
        caller = request.caller if request else None
        if caller is None:
            return await self._run(work)
        limit = self.limits.setdefault(caller, CallerLimit())
        limit.calls += 1
        try:
            async with limit.semaphore:
                return await self._run(work)
        finally:
            limit.calls -= 1
            if not limit.calls:
                del self.limits[caller]

    async def _run(self, work: Callable[[], T]) -> T:
        if not self.capacity.acquire(blocking=False):
            raise Unavailable
        future = self.executor.submit(work)
        future.add_done_callback(lambda _: self.capacity.release())
        return await asyncio.wrap_future(future)


@cache
def hashing_threads() -> HashingThreads:
    """The threads of the process, created at first use; one core is left to the event loop.

    They have normal priority: the operating system may suspend a thread of lower priority while it
    holds the interpreter lock, and the event loop would wait for it.
    """
    return HashingThreads(max(1, (os.cpu_count() or 1) - 1), MAX_QUEUED)
