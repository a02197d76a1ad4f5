"""Ports of this machine."""

import random
import socket


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def free_port_pair() -> int:
    """A port that nobody listens on, and nor does anybody on the next one.

    Below the range that the kernel takes ports of outgoing connections from.
    """
    for port in random.sample(range(15_000, 30_000, 2), 100):
        try:
            with (
                socket.create_server(("127.0.0.1", port)),
                socket.create_server(("127.0.0.1", port + 1)),
            ):
                return port
        except OSError:
            continue
    raise AssertionError("no two ports are free")
