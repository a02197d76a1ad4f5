"""The write timeout: closes the connections of clients that don't read what was sent."""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from fcntl import ioctl
from sys import byteorder
from termios import TIOCOUTQ
from typing import Final

UNREAD_SECONDS: Final = 10.0
CHECKS: Final = 5


class WriteTimeout:
    """Aborts a connection whose client acknowledges nothing for UNREAD_SECONDS.

    It costs nothing until `begin`, which is called when the kernel's buffer is full, and when a
    connection closes: its transport would otherwise wait for the client forever.
    """

    __slots__ = ("_checks_left", "_left", "_loop", "_timer", "_transport")

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._timer: TimerHandle | None = None
        self._left = 0
        self._checks_left = 0

    def begin(self) -> None:
        """Start to check the connection, unless its buffer is empty."""
        if self._timer is None:
            self._left, self._checks_left = self._unacknowledged(), CHECKS
            self._schedule_check()

    def progress(self) -> None:
        """Restart the timeout, as the client has read something."""
        self._checks_left = CHECKS

    def stop(self) -> None:
        """Stop checking, as the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()

    def _schedule_check(self) -> None:
        waits = self._transport.get_write_buffer_size() > 0
        seconds = UNREAD_SECONDS / CHECKS
        self._timer = self._loop.call_later(seconds, self._check) if waits else None

    def _check(self) -> None:
        left = self._unacknowledged()
        self._checks_left = self._checks_left - 1 if left >= self._left else CHECKS
        self._left = left
        if not self._checks_left and self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._schedule_check()

    def _unacknowledged(self) -> int:
        """The bytes that the client hasn't acknowledged, including those in the kernel's buffer.

        The kernel accepts more only once a good part of its buffer is free, which may be megabytes: a
        client on a slow link reads all the time while the transport's own buffer doesn't shrink.
        """
        return self._transport.get_write_buffer_size() + in_kernel(self._transport)


def in_kernel(transport: Transport) -> int:
    """The bytes in the kernel's send buffer of a connection; 0 where the system doesn't report it."""
    connection = transport.get_extra_info("socket")
    try:
        return int.from_bytes(ioctl(connection.fileno(), TIOCOUTQ, bytes(4)), byteorder)
    except (AttributeError, OSError, ValueError):
        return 0
