"""Cuts the connections of those who don't read what was sent to them."""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from typing import Final

UNREAD_SECONDS: Final = 10.0
LOOKS: Final = 5


class Unread:
    """What waits to be read at the other end of a connection, which is cut unless it gets less.

    It costs nothing until `begin`, which is for when more waits than the kernel takes, and for when
    a connection closes: its transport would go on waiting for the other end, for ever.
    """

    __slots__ = ("_left", "_looks", "_loop", "_timer", "_transport")

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._timer: TimerHandle | None = None
        self._left: float = 0
        self._looks = 0

    def begin(self) -> None:
        """Begin to look, unless nothing waits."""
        if self._timer is None:
            self._left, self._looks = self._transport.get_write_buffer_size(), LOOKS
            self._look_again()

    def progress(self) -> None:
        """Count what was just read, though as much may wait at the next look."""
        self._looks = LOOKS

    def stop(self) -> None:
        """Look no more, as the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()

    def _look_again(self) -> None:
        waits = self._left > 0
        seconds = UNREAD_SECONDS / LOOKS
        self._timer = self._loop.call_later(seconds, self._look) if waits else None

    def _look(self) -> None:
        left = self._transport.get_write_buffer_size()
        self._looks = self._looks - 1 if left >= self._left else LOOKS
        self._left = left
        if left and not self._looks:
            self._transport.abort()
        else:
            self._look_again()
