"""A TCP proxy between the library and Redis, which spoils what passes through it.

One thread a direction and connection. Faults are attributes that a test sets at any
moment; they hold for what passes from then on.
"""

import contextlib
import random
import socket
import struct
import threading
import time
from typing import Final, Self

import attrs

_CHUNK: Final = 65536
# A connection that is closed so sends a reset, no end.
_RESET: Final = struct.pack("ii", 1, 0)


@attrs.define(eq=False)
class Pair:
    """A connection of a client, and the one that the proxy made for it."""

    client: socket.socket
    server: socket.socket
    is_subscribed: bool = False

    def close(self, *, reset: bool = False) -> None:
        """Close both."""
        for one in (self.client, self.server):
            with contextlib.suppress(OSError):
                if reset:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                else:
                    one.shutdown(socket.SHUT_RDWR)
            one.close()


class Proxy:
    """Listens on a port of its own, and passes on to *port*.

    Attributes:

        latency: How long each piece of a reply is held back, seconds.

        rate: Bytes of replies a second; 0 for as fast as they come.

        is_silent: Whether bytes vanish, both ways, and nobody is told (half-open).

        mutes_subscriptions: Whether replies on subscribed connections alone vanish.

        cut_after: Send so many bytes of each reply, then a reset.

        flips: How likely one bit of a piece of a reply is turned over.
    """

    def __init__(self, port: int, *, seed: int = 0) -> None:
        self.latency = 0.0
        self.rate = 0.0
        self.is_silent = False
        self.mutes_subscriptions = False
        self.cut_after: int | None = None
        self.flips = 0.0
        self.flipped = 0
        self.cut = 0
        self._target = port
        self._dice = random.Random(seed)
        self._pairs: set[Pair] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closed = False
        self._spawn(self._accept)

    @property
    def url(self) -> str:
        """What to give to a cache."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def drop(self, *, reset: bool = False) -> None:
        """Close all connections of this moment."""
        for pair in list(self._pairs):
            pair.close(reset=reset)

    def heal(self) -> None:
        """Spoil nothing from now on."""
        self.latency = self.rate = self.flips = 0.0
        self.is_silent = self.mutes_subscriptions = False
        self.cut_after = None

    @staticmethod
    def _spawn(target: object, *args: object) -> None:
        threading.Thread(target=target, args=args, daemon=True).start()  # type: ignore[arg-type]  # any of ours

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = Pair(client, server)
            self._pairs.add(pair)
            self._spawn(self._up, pair)
            self._spawn(self._down, pair)

    def _up(self, pair: Pair) -> None:
        with contextlib.suppress(OSError):
            while data := pair.client.recv(_CHUNK):
                pair.is_subscribed = pair.is_subscribed or b"SUBSCRIBE" in data
                if not self.is_silent:
                    pair.server.sendall(data)
        self._end(pair)

    def _down(self, pair: Pair) -> None:
        with contextlib.suppress(OSError):
            while data := pair.server.recv(_CHUNK):
                if self.is_silent or (self.mutes_subscriptions and pair.is_subscribed):
                    continue
                if self.cut_after is not None:
                    pair.client.sendall(data[: self.cut_after])
                    self.cut += 1
                    pair.close(reset=True)
                    break
                if self.latency:
                    time.sleep(self.latency)
                self._send(pair.client, self._spoilt(data))
        self._end(pair)

    def _send(self, client: socket.socket, data: bytes) -> None:
        rate = self.rate
        if not rate:
            client.sendall(data)
            return
        step = max(1, int(rate / 50))
        for at in range(0, len(data), step):
            client.sendall(data[at : at + step])
            time.sleep(step / rate)

    def _spoilt(self, data: bytes) -> bytes:
        if self._dice.random() >= self.flips:
            return data
        at = self._dice.randrange(len(data))
        spoilt = bytearray(data)
        spoilt[at] ^= 1 << self._dice.randrange(8)
        self.flipped += 1
        return bytes(spoilt)

    def _end(self, pair: Pair) -> None:
        pair.close()
        self._pairs.discard(pair)
