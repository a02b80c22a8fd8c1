"""What is told of a Redis that refuses commands and repeats what it was given."""

import logging
from collections.abc import Iterator

import pytest

from hybridcache import UpstreamAsked
from hybridcache.testing.server import RedisServer
from tests.integration.conftest import MakeNode
from tests.integration.nodes import Load

PERSON = "alice@example.com"


@pytest.fixture(name="without_scripts")
def _without_scripts() -> Iterator[RedisServer]:
    """A Redis that knows no scripts."""
    with RedisServer("--rename-command", "EVALSHA", "") as server:
        yield server


def test_nothing_that_is_told_bears_the_key(
    node: MakeNode, without_scripts: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The cause names the command that was refused, in events as in the log."""
    one = node(without_scripts.url)
    with caplog.at_level(logging.DEBUG, "hybridcache"):
        one.outcome(f"user:{PERSON}", Load())

    asked = [event for event in one.events if isinstance(event, UpstreamAsked)]
    causes = [event.cause for event in asked if event.cause]
    assert causes
    assert all("EVALSHA" in cause for cause in causes)
    assert "EVALSHA" in caplog.text
    assert PERSON not in "".join([*causes, caplog.text])
