"""Cuts the connections of those who don't read what was sent to them."""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from fcntl import ioctl
from sys import byteorder
from termios import TIOCOUTQ
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
        self._left = 0
        self._looks = 0

    def begin(self) -> None:
        """Begin to look, unless nothing waits."""
        if self._timer is None:
            self._left, self._looks = self._unacknowledged(), LOOKS
            self._look_again()

    def progress(self) -> None:
        """Count what was just read, though as much may wait at the next look."""
        self._looks = LOOKS

    def stop(self) -> None:
        """Look no more, as the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()

    def _look_again(self) -> None:
        waits = self._transport.get_write_buffer_size() > 0
        seconds = UNREAD_SECONDS / LOOKS
        self._timer = self._loop.call_later(seconds, self._look) if waits else None

    def _look(self) -> None:
        left = self._unacknowledged()
        self._looks = self._looks - 1 if left >= self._left else LOOKS
        self._left = left
        if not self._looks and self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._look_again()

    def _unacknowledged(self) -> int:
        """The bytes that the other end hasn't acknowledged, those in the kernel's buffer included.

        The kernel takes more only once a good part of its buffer is free, which may be megabytes: a
        client on a slow link reads all the time while the transport's own buffer stays as it is.
        """
        return self._transport.get_write_buffer_size() + in_kernel(self._transport)


def in_kernel(transport: Transport) -> int:
    """The bytes of a connection that wait in the kernel's send buffer; 0 where it can't tell."""
    connection = transport.get_extra_info("socket")
    try:
        return int.from_bytes(ioctl(connection.fileno(), TIOCOUTQ, bytes(4)), byteorder)
    except (AttributeError, OSError, ValueError):
        return 0
