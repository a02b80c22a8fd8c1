"""The WSGI middleware where applications, servers and the cache part ways."""

from collections.abc import Iterator

import pytest

from tests.http.wsgi import Origin, Web, ask


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


def test_for_all_is_for_who_the_server_authenticated(web: Web) -> None:
    """What is public serves users whom the server authenticated, too."""
    origin = Origin(fields=[("Cache-Control", "public, max-age=60")])
    face = web.face(origin)
    ask(face, more={"REMOTE_USER": "alice"})

    other = ask(face, more={"REMOTE_USER": "bob"})

    assert 1 == origin.calls
    assert "hybridcache; hit" in other.said
    assert "HTTP_AUTHORIZATION" not in origin.asked[0]
