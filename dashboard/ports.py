"""Ports of 127.0.0.1."""

import socket
from contextlib import closing


def free_port() -> int:
    """Find one on which nobody listens now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
