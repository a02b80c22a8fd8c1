"""The examples, run as their users would: a server in a process, and real clients."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from hybridcache.testing.server import RedisServer

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "fastapi": "uvicorn examples.fastapi_app:app --port {port} --log-level warning",
    "flask": "waitress --listen 127.0.0.1:{port} examples.flask_app:app",
}
WITHIN = 30.0
POLL = 0.05
# As long as the examples' /slow is, from when it was asked for.
FRESH_FOR = 5.0

pytestmark = pytest.mark.slow


@contextmanager
def running(which: str, **environment: str) -> Iterator[httpx.Client]:
    """Run an example; give a client of it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", *COMMANDS[which].format(port=port).split()]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}
    ) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                deadline = time.monotonic() + WITHIN
                while not answers(client):
                    assert time.monotonic() < deadline, f"{which} does not start"
                    assert process.poll() is None
                    time.sleep(POLL)
                yield client
        finally:
            process.terminate()


def answers(client: httpx.Client) -> bool:
    """Whether the server is there."""
    with suppress(httpx.TransportError):
        return client.get("/nothing").status_code == httpx.codes.NOT_FOUND
    return False


def hit(response: httpx.Response) -> bool:
    """Whether Cache-Status says that it was served from the cache."""
    return "; hit" in response.headers["cache-status"]


def is_stale(response: httpx.Response) -> bool:
    """Whether it was served from the cache past its freshness; it must be a hit."""
    assert hit(response)
    return "; ttl=-" in response.headers["cache-status"]


@pytest.fixture(name="client", scope="module", params=COMMANDS)
def _client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    with running(request.param) as client:
        yield client


def test_page_and_its_assets_are_kept(client: httpx.Client) -> None:
    """The page and all that it refers to come from the cache the second time."""
    page = client.get("/")
    for path in ("/", *re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text)):
        first, second = client.get(path), client.get(path)

        assert first.content == second.content
        assert hit(second)
        assert "age" in second.headers


def test_browser_that_asks_again_is_told_304(client: httpx.Client) -> None:
    """Who has it already gets no body, and the application is not asked."""
    tag = client.get("/assets/page.css").headers["etag"]
    again = client.get("/assets/page.css", headers={"If-None-Match": tag})

    assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"])
    assert hit(again)


def test_change_is_seen_at_once(client: httpx.Client) -> None:
    """A PUT drops what the cache held under its URL, and nothing else."""
    client.get("/assets/page.js")
    client.get("/assets/pen.svg")
    changed = client.put("/assets/page.js", content=b"// changed\n")
    after = client.get("/assets/page.js")

    assert httpx.codes.NO_CONTENT == changed.status_code
    assert "// changed\n" == after.text
    assert not hit(after)
    assert hit(client.get("/assets/pen.svg"))


def test_post_drops_the_page_it_leads_to(client: httpx.Client) -> None:
    """A note that was posted is on the page that the browser is sent to."""
    client.get("/")
    posted = client.post("/notes", data={"note": "Call <Ann>"})

    assert (303, "/") == (posted.status_code, posted.headers["location"])
    assert "Call &lt;Ann&gt;" in client.get("/").text


def test_page_of_one_user_is_never_shared(client: httpx.Client) -> None:
    """Each user is greeted by name, and nothing of it is stored."""
    for user in ("ann", "bob", "ann"):
        response = client.get("/me", headers={"Cookie": f"user={user}"})

        assert f"Hello {user}" == response.text
        assert not hit(response)
        assert "stored" not in response.headers["cache-status"]


def test_only_the_first_one_waits(client: httpx.Client) -> None:
    """What took a second is fresh at first, then served stale while it is replaced."""
    first, fresh = client.get("/slow"), client.get("/slow")
    time.sleep(FRESH_FOR)
    begun = time.monotonic()
    stale = client.get("/slow")
    took = time.monotonic() - begun

    assert first.text == fresh.text == stale.text
    assert not is_stale(fresh)
    assert is_stale(stale)
    # Not the second that the application takes.
    assert took < 0.9
    deadline = time.monotonic() + WITHIN
    while client.get("/slow").text == first.text:
        assert time.monotonic() < deadline
        time.sleep(POLL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_resumes_from_the_cache(client: httpx.Client, tmp_path: Path) -> None:
    """What curl asks for the rest of comes from what is stored, as a part."""
    whole = client.get("/assets/pen.svg").content
    file = tmp_path / "pen.svg"
    file.write_bytes(whole[:20])
    url = f"{client.base_url}/assets/pen.svg"
    head = subprocess.check_output(
        ["curl", "-s", "-C", "-", "-o", f"{file}", "-D", "-", url], text=True
    )

    assert head.startswith("HTTP/1.1 206 ")
    assert "; hit" in head
    assert whole == file.read_bytes()


@pytest.mark.parametrize("which", COMMANDS)
def test_two_servers_share_redis(which: str) -> None:
    """With Redis named, what one server stored the next one serves."""
    with RedisServer() as redis:
        with running(which, HYBRIDCACHE_REDIS=redis.url) as one:
            port = one.base_url.port
            made = one.get("/slow", headers={"Host": "shared"})
        with running(which, HYBRIDCACHE_REDIS=redis.url) as other:
            assert port != other.base_url.port
            served = other.get("/slow", headers={"Host": "shared"})

    assert made.text == served.text
