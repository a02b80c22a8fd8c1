"""A client that asks as fast as it is answered: wrk where it is, else this module.

    python -m benchmarks.client PORT SECONDS CONNECTIONS

It keeps so many connections open with one request under way on each, and prints how
many whole responses came, and in how many seconds.
"""

import re
import selectors
import shutil
import socket
import subprocess
import sys
import time
from typing import Final

# What a usual client sends besides Host.
FIELDS: Final = {
    "User-Agent": "bench",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
}
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def answered(port: int, seconds: int, connections: int) -> tuple[int, float]:
    """Ask in a process of its own for so long.

    Returns how many responses came, and in how many seconds that was.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        numbers = (f"{port}", f"{seconds}", f"{connections}")
        command = [sys.executable, "-m", "benchmarks.client", *numbers]
        count, taken = subprocess.check_output(command, text=True).split()
        return int(count), float(taken)
    fields = [part for name in FIELDS for part in ("-H", f"{name}: {FIELDS[name]}")]
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", *fields]
    said = subprocess.check_output([*command, f"http://127.0.0.1:{port}/"], text=True)
    assert "Non-2xx" not in said, said
    assert "Socket errors" not in said, said
    count = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec: *([0-9.]+)", said)
    assert count is not None, said
    assert rate is not None, said
    return int(count[1]), int(count[1]) / float(rate[1])


def name() -> str:
    """Say which client asks."""
    return "benchmarks.client" if shutil.which("wrk") is None else "wrk"


def request(port: int, path: str = "/") -> bytes:
    """Return the bytes of a GET."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in FIELDS.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def _main(port: int, seconds: float, connections: int) -> None:
    ask = request(port)
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(one, selectors.EVENT_READ, [one, b""])
        one.sendall(ask)
    count = 0
    begun = time.monotonic()
    while time.monotonic() < begun + seconds:
        for event, _ in selector.select(seconds):
            state = event.data
            got = state[0].recv(65536)
            assert got, "the server closed a connection"
            state[1] += got
            if _whole(state[1]):
                count += 1
                state[1] = b""
                state[0].sendall(ask)
    print(count, time.monotonic() - begun)


def _whole(response: bytes) -> bool:
    end = response.find(b"\r\n\r\n")
    if end < 0:
        return False
    assert response.startswith(b"HTTP/1.1 200 "), response[:end]
    length = _LENGTH.search(response, 0, end)
    assert length is not None, response[:end]
    return len(response) >= end + 4 + int(length[1])


if __name__ == "__main__":
    _main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
