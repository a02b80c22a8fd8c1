"""The WSGI face under real servers and frameworks, asked over real sockets."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flask
import httpx
import pytest
import redis
from prometheus_client import CollectorRegistry

from hybridcache import Cache, Memory
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.faces.http.wsgi import WSGICacheMiddleware
from tests.eventually import eventually
from tests.http.gunicorn import Gunicorn
from tests.http.waitress import Waitress
from tests.http.wsgi import FRESH, Origin
from tests.scraped import scraped


@pytest.fixture(name="registry")
def _registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture(name="cache")
def _cache(registry: CollectorRegistry) -> Iterator[Cache]:
    cache = Cache(name="web", downstream=Memory(), registry=registry)
    yield cache
    cache.close()


def behind(cache: Cache, app: Any, **changes: Any) -> Waitress:
    """Serve *app* behind *cache*."""
    policy = HTTPPolicy.safe(**changes)
    return Waitress(WSGICacheMiddleware(app, cache=cache, policy=policy))


def said(response: httpx.Response) -> str:
    """What Cache-Status says."""
    value: str = response.headers["cache-status"]
    return value


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> flask.Flask:
    """A Flask application that counts its calls."""
    app = flask.Flask("site")
    file = tmp_path / "file.txt"
    file.write_text("a file")
    app.config["calls"] = 0

    @app.before_request
    def count() -> None:
        app.config["calls"] += 1

    @app.after_request
    def fresh(response: flask.Response) -> flask.Response:
        response.cache_control.max_age = 60
        return response

    @app.get("/items/<int:number>")
    def item(number: int) -> str:
        return f"item {number}"

    @app.get("/stream")
    def stream() -> flask.Response:
        def parts() -> Iterator[str]:
            yield "for "
            yield flask.request.host

        body = flask.stream_with_context(parts())
        return flask.Response(body, mimetype="text/plain")

    @app.get("/file")
    def sent() -> flask.Response:
        return flask.send_file(file, max_age=60)

    return app


@pytest.mark.parametrize(
    ("path", "body"),
    [("/items/7", b"item 7"), ("/file", b"a file"), ("/stream", None)],
)
def test_flask(cache: Cache, site: flask.Flask, path: str, body: bytes | None) -> None:
    """Pages, files and streams of Flask are stored as they are sent, once."""
    with behind(cache, site) as server, httpx.Client(base_url=server.url) as client:
        first, second = client.get(path), client.get(path)

        assert "stored" in said(first)
        assert "; hit" in said(second)
        assert (body or f"for 127.0.0.1:{server.port}".encode()) == second.content
        assert first.content == second.content
        assert first.headers["content-type"] == second.headers["content-type"]
        assert 1 == site.config["calls"]


def test_flask_tells_its_routes(
    cache: Cache, site: flask.Flask, registry: CollectorRegistry
) -> None:
    """Requests are counted under the pattern of their route, never under their URL."""
    with behind(cache, site) as server, httpx.Client(base_url=server.url) as client:
        for number in (1, 2, 1):
            client.get(f"/items/{number}")

    shown = scraped(registry, "hybridcache_lookups_total", "web")

    assert {"/items/<int:number>"} == {labels[0] for labels in shown}
    assert 3 == sum(shown.values())


def test_flask_validates(cache: Cache, site: flask.Flask) -> None:
    """A client that has the file gets a 304 from the cache, and its part of it."""
    with behind(cache, site) as server, httpx.Client(base_url=server.url) as client:
        tag = client.get("/file").headers["etag"]

        has_it = client.get("/file", headers={"If-None-Match": tag})
        part = client.get("/file", headers={"Range": "bytes=2-"})
        head = client.head("/file")

    assert (304, b"") == (has_it.status_code, has_it.content)
    assert (206, b"file") == (part.status_code, part.content)
    assert (200, b"", "6") == (
        head.status_code,
        head.content,
        head.headers["content-length"],
    )
    assert 1 == site.config["calls"]


def test_raw_targets(cache: Cache) -> None:
    """Targets that a server decodes to one path are two things to the cache."""
    origin = Origin()
    with behind(cache, origin) as server, httpx.Client(base_url=server.url) as client:
        for path in ("/a%2Fb", "/a/b", "/a%3Fb", "/a?b", "/a%2Fb"):
            client.get(path)

    assert 4 == origin.calls


def test_strange_status(cache: Cache) -> None:
    """A status outside the registry reaches the client with its reason, twice."""
    origin = Origin(status="599 Strange One", listed=True)
    with behind(cache, origin) as server, httpx.Client(base_url=server.url) as client:
        got = [client.get("/") for _ in range(2)]

    assert [(599, "Strange One")] * 2 == [
        (each.status_code, each.reason_phrase) for each in got
    ]
    assert 1 == origin.calls


def test_requests_at_once(cache: Cache) -> None:
    """Requests at once over as many connections make one call of the application."""
    gate = threading.Event()
    origin = Origin([b"one", b"two"], gate=gate)
    with (
        behind(cache, origin) as server,
        httpx.Client(base_url=server.url) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        running = [pool.submit(client.get, "/") for _ in range(8)]
        waiting(cache, 7)
        gate.set()
        got = [each.result(20) for each in running]

    assert [b"onetwo"] * 8 == [each.content for each in got]
    assert 1 == origin.calls


def waiting(cache: Cache, count: int) -> None:
    """Wait until so many wait for a load."""

    def ready() -> bool:
        flights = cache._state.node.flights.flights()
        return count <= sum(each.latch.waiting for each in flights)

    eventually(ready)


def connected(server: Waitress) -> socket.socket:
    """Send a request, and return the connection when the response has begun."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.sendall(
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
    )
    assert b"HTTP/1.1 200 OK" in connection.recv(1000)
    return connection


# More than waitress keeps to itself before it sends.
LONG = b"x" * 20_000


def test_client_gone(cache: Cache) -> None:
    """The application of a client that went away is closed, and nothing is stored."""
    gate = threading.Event()
    origin = Origin([LONG, b"two", b"three", b"four"], gate=gate)
    with behind(cache, origin) as server:
        connected(server).close()
        eventually(origin.asked[0]["waitress.client_disconnected"])
        gate.set()
        eventually(lambda: origin.closed)

        assert origin.given in {1, 2}
        with httpx.Client(base_url=server.url) as client:
            assert "fwd=uri-miss" in said(client.get("/"))


def test_client_gone_while_others_wait(cache: Cache) -> None:
    """The response of a client that went away serves those who wait for it."""
    gate = threading.Event()
    origin = Origin([LONG, b"two", b"three", b"four"], gate=gate)
    with (
        behind(cache, origin) as server,
        ThreadPoolExecutor(2) as pool,
        httpx.Client(base_url=server.url) as client,
    ):
        leader = connected(server)
        followers = [pool.submit(client.get, "/") for _ in range(2)]
        waiting(cache, 2)
        leader.close()
        eventually(origin.asked[0]["waitress.client_disconnected"])
        gate.set()

        for each in followers:
            assert LONG + b"twothreefour" == each.result(20).content
        eventually(lambda: origin.closed)

    assert 1 == origin.calls


def test_fresh_first(cache: Cache) -> None:
    """A client has the first part over the socket while the application waits."""
    gate = threading.Event()
    origin = Origin([LONG, b"two"], gate=gate, fields=FRESH)
    with behind(cache, origin) as server:
        connection = connected(server)
        gate.set()
        while b"two" not in connection.recv(100_000):
            pass
        connection.close()
        eventually(lambda: origin.closed)


SITE = "tests.integration.worker.site:app"


@pytest.mark.slow
def test_gunicorn(redis_url: str, prefix: str, client: "redis.Redis") -> None:
    """Processes of gunicorn with one thread each make one call for all of them."""
    environment = {"SITE_REDIS": redis_url, "SITE_PREFIX": prefix}
    with (
        Gunicorn(SITE, "-w", "3", environment=environment) as server,
        httpx.Client(
            base_url=server.url, headers={"Connection": "close"}, timeout=30
        ) as web,
        ThreadPoolExecutor(9) as pool,
    ):
        running = [pool.submit(web.get, "/held") for _ in range(9)]
        eventually(lambda: client.get(f"{prefix}calls"), within=20)
        client.rpush(f"{prefix}gate", "open")
        got = [each.result(20) for each in running]

        assert [b"onetwo"] * 9 == [each.content for each in got]
        assert b"1" == client.get(f"{prefix}calls")
        for path in ("/a%2Fb", "/a/b", "/strange", "/file"):
            first, second = web.get(path), web.get(path)
            assert first.content == second.content
            assert "; hit" in said(second)
        assert (599, "Strange One") == (
            web.get("/strange").status_code,
            web.get("/strange").reason_phrase,
        )
        assert b"5" == client.get(f"{prefix}calls")
