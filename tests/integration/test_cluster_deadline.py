"""A request to a cluster ends within its timeout, whatever the nodes say and however slowly."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import hiredis
import pytest

from hybridcache.adapters.upstream.clustered import AwaitingCluster, BlockingCluster
from hybridcache.adapters.upstream.slots import slot_of
from hybridcache.adapters.upstream.template import Template
from hybridcache.engine.entry_requests import Read
from hybridcache.engine.lease_requests import Renew, RenewMany
from hybridcache.engine.names import names_of
from hybridcache.engine.request import Fault, Request

TIMEOUT = 0.25
# A request is two commands: one round fits into the timeout, two do not.
DELAY = 0.1
READ = Read(names_of("shop:", "items:7"))


@contextlib.contextmanager
def node(answer: Callable[[list[bytes]], bytes | None]) -> Iterator[int]:
    """Answer every command as *answer* says, which may wait; None: not at all."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        reader = hiredis.Reader()
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                reader.feed(data)
                while (command := reader.gets()) is not False:
                    reply = answer(command)
                    if reply is not None:
                        connection.sendall(reply)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def asked(
    template: Template, colour: str, request: Request[object] = READ
) -> Callable[[], object]:
    """Return what asks the cluster once, in either colour."""
    if colour == "sync":
        blocking = BlockingCluster(template, TIMEOUT)
        return lambda: blocking.ask(request, TIMEOUT)
    awaiting = AwaitingCluster(template, TIMEOUT)
    return lambda: asyncio.run(awaiting.ask(request, TIMEOUT))


def slots_at(*ports: int) -> bytes:
    """Say that these nodes have all slots, each as many."""
    size = 16384 // len(ports)
    entries = [
        b"*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n"
        % (number * size, number * size + size - 1, port)
        for number, port in enumerate(ports)
    ]
    return b"*%d\r\n" % len(entries) + b"".join(entries)


def of(*ports: int) -> Template:
    """Make the template of a cluster with these startup nodes."""
    return Template({}, tls=False, startup=tuple(("127.0.0.1", port) for port in ports))


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_redirections_do_not_prolong_a_request(colour: str) -> None:
    """A node that redirects slowly and without end costs one timeout, not one each."""
    ports: list[int] = []

    def answer(command: list[bytes]) -> bytes:
        time.sleep(DELAY)
        if command[0] == b"CLUSTER":
            return slots_at(ports[0])
        return f"-MOVED {slot_of('x')} 127.0.0.1:{ports[0]}\r\n".encode()

    with node(answer) as port:
        ports.append(port)
        ask = asked(of(port), colour)
        begun = time.monotonic()
        answered = ask()
        took = time.monotonic() - begun
    assert isinstance(answered, Fault)
    # Without a common end: 0.1 s to learn the slots and 0.2 s a redirection.
    assert took < TIMEOUT + 0.25, took


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_node_that_hangs_is_asked_last_the_next_time(colour: str) -> None:
    """Only the first request is lost to a node that never says who has which slot."""
    ports: list[int] = []

    def healthy(command: list[bytes]) -> bytes:
        if command[0] == b"CLUSTER":
            return slots_at(ports[1])
        return b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n" if command[0] == b"TIME" else b"$-1\r\n"

    with node(lambda _: None) as hanging, node(healthy) as well:
        ports += [hanging, well]
        ask = asked(of(hanging, well), colour)
        assert isinstance(ask(), Fault)
        assert not isinstance(ask(), Fault)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_primary_that_hangs_keeps_no_lease_of_another_from_renewal(
    colour: str,
) -> None:
    """Of leases that are renewed at once only those on the hanging primary are not."""
    ports: list[int] = []
    names = [names_of("shop:", f"items:{number}") for number in range(6)]
    request = RenewMany(tuple(Renew(one, "t" * 16) for one in names))
    hang = [slot_of(one.lease) < 8192 for one in names]
    assert {True, False} == set(hang)

    def healthy(command: list[bytes]) -> bytes:
        return slots_at(*ports) if command[0] == b"CLUSTER" else b":1\r\n"

    with node(lambda _: None) as hanging, node(healthy) as well:
        ports += [hanging, well]
        ask = asked(of(well), colour, request)
        for _ in range(2):
            assert tuple(None if one else True for one in hang) == ask()
