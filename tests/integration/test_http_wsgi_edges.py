"""The WSGI middleware where applications, servers and the cache part ways."""

import os
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from tests.http.wsgi import FRESH, TEXT, Origin, Web, ask, asking, in_thread


@pytest.fixture(name="web")
def _web() -> Iterator[Web]:
    web = Web()
    yield web
    web.cache.close()


def test_who_the_server_authenticated_has_credentials(web: Web) -> None:
    """What answers a user whom the server authenticated serves nobody else."""
    origin = Origin()
    face = web.face(origin)
    ask(face, more={"REMOTE_USER": "alice"})

    other = ask(face, more={"REMOTE_USER": "bob"})

    assert 2 == origin.calls
    assert "fwd=" in other.said


def test_known_place_serves_nobody_who_the_server_authenticated(web: Web) -> None:
    """A URL that is served by its place alone is none for who has credentials."""
    origin = Origin()
    face = web.face(origin)
    for _ in range(3):
        ask(face)

    other = ask(face, more={"REMOTE_USER": "bob"})

    assert 2 == origin.calls
    assert "fwd=" in other.said


def test_for_all_is_for_who_the_server_authenticated(web: Web) -> None:
    """What is public serves users whom the server authenticated, too."""
    origin = Origin(fields=[("Cache-Control", "public, max-age=60")])
    face = web.face(origin)
    ask(face, more={"REMOTE_USER": "alice"})

    other = ask(face, more={"REMOTE_USER": "bob"})

    assert 1 == origin.calls
    assert "hybridcache; hit" in other.said
    assert "HTTP_AUTHORIZATION" not in origin.asked[0]


def test_run_that_raises_once_it_is_made_again(web: Web) -> None:
    """What comes of a request that is made again is stored, though the first run raised."""
    calls = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        calls.append(environ)
        tagged = ("ETag", '"1"')
        if "HTTP_IF_NONE_MATCH" in environ:
            start_response("304 Not Modified", [("ETag", '"x"')])(b"")
            raise ValueError
        lasting = FRESH if len(calls) > 1 else [("Cache-Control", "max-age=10")]
        start_response("200 OK", [TEXT, tagged, *lasting])
        return [b"%d" % len(calls)]

    face = web.face(app)
    ask(face)
    web.clock.advance(11.0)

    again, stored = ask(face), ask(face)

    assert (b"3", b"3") == (again.content, stored.content)
    assert 3 == len(calls)


def test_unsafe_request_behind_a_closed_cache(web: Web) -> None:
    """Behind a closed cache the application answers a POST, too."""
    face = web.face(Origin())
    web.cache.close()

    got = ask(face, method="POST")

    assert "200 OK" == got.status


@pytest.mark.parametrize("url", ["http://test/caf\xe9", "http://test/caf%C3%A9"])
def test_purge_of_a_url_as_people_write_it(web: Web, url: str) -> None:
    """A URL is purged whether or not what is no ASCII in it is escaped."""
    origin = Origin()
    face = web.face(origin)
    path = "/caf\xe9".encode().decode("latin-1")
    ask(face, path)
    face.purge(url)
    ask(face, path)

    assert 2 == origin.calls


def test_nobody_waits_longer_than_that_for_a_slow_client(web: Web) -> None:
    """Who waits for a response that a slow client holds up goes alone after wait_for."""
    origin = Origin([b"one", b"two"])
    face = web.face(origin, wait_for=0.05)
    slow = asking(face).begin()
    assert b"one" == slow.part()

    other = ask(face)

    assert (b"onetwo", 2) == (other.content, origin.calls)
    slow.finish()


def test_client_that_takes_nothing_holds_up_no_other(web: Web) -> None:
    """Others wait for a leader whose client takes nothing a second, and one leads then."""
    origin = Origin(chunks=(b"a", b"b"))
    face = web.face(origin)
    slow = asking(face).begin()
    slow.part()

    others = [in_thread(lambda: ask(face)) for _ in range(5)]
    got = [other.result(5).content for other in others]
    slow.finish()

    assert 2 == origin.calls
    assert [b"ab"] * 5 == got
    assert b"ab" == slow.content
    assert "hybridcache; hit" in ask(face).said


def test_child_of_a_thread_that_leads_stores(web: Web) -> None:
    """A child that was forked in mid-response stores what its parent was loading."""
    origin = Origin(chunks=(b"a", b"b"))
    face = web.face(origin)
    leader = asking(face).begin()
    leader.part()

    child = os.fork()
    if child == 0:
        try:
            ask(face)
            stored = "hybridcache; hit" in ask(face).said
        except BaseException:  # noqa: BLE001 (the child must end here)
            stored = False
        os._exit(0 if stored else 1)
    _, status = os.waitpid(child, 0)
    leader.finish()

    assert 0 == status
