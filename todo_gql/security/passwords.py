"""Passwords: which ones are taken, and how they are kept.

One password is the same in every form of Unicode that a keyboard may give it: it is counted, hashed
and compared in NFKC. Hashes of what was typed, from before that was so, go on, and are made anew.
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

SHORTEST, LONGEST = 8, 128
# What is longer than this as it is typed is too long in every form, and takes long to normalise.
MAX_RAW_LENGTH = 4 * LONGEST
WAITING_HASHES = 20
# How many a caller may have hashed or waiting at a time; the others wait for these.
MOST_OF_A_CALLER = 4


class Match(IntEnum):
    """Whether a password is the right one, which it is in its normal form, or only as typed."""

    NONE = 0
    NORMALISED = 1
    AS_TYPED = 2


def normalised(password: str) -> str:
    """The form of a password that is hashed (NFKC); one that is far too long stays as it is."""
    return password if len(password) > MAX_RAW_LENGTH else unicodedata.normalize("NFKC", password)


def password_problem(password: str, *names: str) -> Problem | None:
    """What is wrong with a new password of somebody with these names; None when nothing is.

    Its characters are counted in its normal form.
    """
    normal = normalised(password)
    if problem := text_problem(normal, shortest=SHORTEST, longest=LONGEST):
        return problem
    for needed in (str.isupper, str.islower, str.isdecimal):
        if not any(map(needed, normal)):
            message = "Use at least one upper-case letter, one lower-case letter and one digit."
            return ErrorCode.WEAK_PASSWORD, message
    if normal.casefold() in common_passwords(SHORTEST):
        return ErrorCode.WEAK_PASSWORD, "This is one of the passwords that everybody tries first."
    if normal.casefold() in {normalised(name).casefold() for name in names}:
        return ErrorCode.WEAK_PASSWORD, "Your name is the first password that others would try."
    return None


async def hash_password(password: str, settings: Settings) -> str:
    """The hash to store, 60 characters; `Unavailable` when too many wait for theirs."""
    salt = bcrypt.gensalt(settings.bcrypt_rounds)
    digest = _digest(normalised(password), settings)
    hashed = await hashing_threads().run(partial(bcrypt.hashpw, digest, salt))
    return hashed.decode()


async def password_matches(password: str, stored: str | None, settings: Settings) -> Match:
    """Whether `stored` is the password's hash; without one it takes as long to say no.

    A wrong password takes twice as long where it isn't typed in its normal form, whoever's it is.
    `Unavailable` when too many wait for theirs.
    """
    compared = (stored or _nobodys_hash(settings)).encode()
    forms = {normalised(password): Match.NORMALISED}
    forms.setdefault(password, Match.AS_TYPED)
    digests = [(_digest(form, settings), match) for form, match in forms.items()]
    match = await hashing_threads().run(partial(_first_match, digests, compared))
    return match if stored is not None else Match.NONE


def _first_match(digests: list[tuple[bytes, Match]], stored: bytes) -> Match:
    matches = (match for digest, match in digests if bcrypt.checkpw(digest, stored))
    return next(matches, Match.NONE)


def hash_is_outdated(stored: str, settings: Settings) -> bool:
    """Whether the hash was made at another cost than today's."""
    return int(stored.split("$")[2]) != settings.bcrypt_rounds


def _digest(password: str, settings: Settings) -> bytes:
    """What bcrypt is given, since it takes 72 bytes: 64 characters for any password."""
    text = password.encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(derived_key(settings, "passwords"), text, "sha384"))


def _nobodys_hash(settings: Settings) -> str:
    return f"$2b${settings.bcrypt_rounds:02}${'.' * 53}"


class Line:
    """Those of one caller who hash, or wait until fewer of them do."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(MOST_OF_A_CALLER)
        self.length = 0


class HashingThreads:
    """Threads for what keeps a core busy, and no more waiting for one than `waiting`.

    Of these one caller has `MOST_OF_A_CALLER`, so that others aren't refused because of them.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix="hashing")
        self.places = threading.Semaphore(threads + waiting)
        self.lines: dict[Caller, Line] = {}

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns; `Unavailable` when there is no place to wait in."""
        request = current.get()
        caller = request.caller if request else None
        if caller is None:
            return await self._run(work)
        line = self.lines.setdefault(caller, Line())
        line.length += 1
        try:
            async with line.turns:
                return await self._run(work)
        finally:
            line.length -= 1
            if not line.length:
                del self.lines[caller]

    async def _run(self, work: Callable[[], T]) -> T:
        if not self.places.acquire(blocking=False):
            raise Unavailable
        future = self.executor.submit(work)
        future.add_done_callback(lambda _: self.places.release())
        return await asyncio.wrap_future(future)


@cache
def hashing_threads() -> HashingThreads:
    """The process's threads, made when the first password comes: one core is left to the event loop.

    They have the usual priority. One of a lower priority may be set aside by the operating system
    while it holds the interpreter's lock, and the event loop would wait with it.
    """
    return HashingThreads(max(1, (os.cpu_count() or 1) - 1), WAITING_HASHES)
