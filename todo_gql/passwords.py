"""Passwords: which ones are taken, and how they are kept."""

import asyncio
import base64
import hmac
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

import bcrypt

from todo_gql.common_passwords import common_passwords
from todo_gql.errors import ErrorCode, Unavailable
from todo_gql.keys import derived_key
from todo_gql.settings import Settings
from todo_gql.text import Problem, text_problem

T = TypeVar("T")

SHORTEST, LONGEST = 8, 128
WAITING_HASHES = 20


def password_problem(password: str, *names: str) -> Problem | None:
    """What is wrong with a new password of somebody with these names; None when nothing is."""
    if problem := text_problem(password, shortest=SHORTEST, longest=LONGEST):
        return problem
    for needed in (str.isupper, str.islower, str.isdecimal):
        if not any(map(needed, password)):
            message = "Use at least one upper-case letter, one lower-case letter and one digit."
            return ErrorCode.WEAK_PASSWORD, message
    if password.lower() in common_passwords(SHORTEST):
        return ErrorCode.WEAK_PASSWORD, "This is one of the passwords that everybody tries first."
    if password.lower() in {name.lower() for name in names}:
        return ErrorCode.WEAK_PASSWORD, "Your name is the first password that others would try."
    return None


async def hash_password(password: str, settings: Settings) -> str:
    """The hash to store, 60 characters; `Unavailable` when too many wait for theirs."""
    salt = bcrypt.gensalt(settings.bcrypt_rounds)
    hashed = await hashing_threads().run(partial(bcrypt.hashpw, _digest(password, settings), salt))
    return hashed.decode()


async def password_matches(password: str, stored: str | None, settings: Settings) -> bool:
    """Whether `stored` is the password's hash; without one it takes as long to say no.

    `Unavailable` when too many wait for theirs.
    """
    compared = (stored or _nobodys_hash(settings)).encode()
    check = partial(bcrypt.checkpw, _digest(password, settings), compared)
    return await hashing_threads().run(check) and stored is not None


def hash_is_outdated(stored: str, settings: Settings) -> bool:
    """Whether the hash was made at another cost than today's."""
    return int(stored.split("$")[2]) != settings.bcrypt_rounds


def _digest(password: str, settings: Settings) -> bytes:
    """What bcrypt is given, since it takes 72 bytes: 64 characters for any password."""
    text = password.encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(derived_key(settings, "passwords"), text, "sha384"))


def _nobodys_hash(settings: Settings) -> str:
    return f"$2b${settings.bcrypt_rounds:02}${'.' * 53}"


class HashingThreads:
    """Threads for what keeps a core busy, and no more waiting for one than `waiting`."""

    def __init__(self, threads: int, waiting: int) -> None:
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix="hashing")
        self.places = threading.Semaphore(threads + waiting)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns; `Unavailable` at once when there is no place to wait in."""
        if not self.places.acquire(blocking=False):
            raise Unavailable
        future = self.executor.submit(work)
        future.add_done_callback(lambda _: self.places.release())
        return await asyncio.wrap_future(future)


@cache
def hashing_threads() -> HashingThreads:
    """The process's threads, as many as cores, made when the first password comes."""
    return HashingThreads(os.cpu_count() or 1, WAITING_HASHES)
