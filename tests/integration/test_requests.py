"""A request to Redis, in either colour: what it may take, and who fails with whom."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import redis

from hybridcache.adapters.upstream.awaiting import MOST_LINES, AwaitingUpstream
from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.adapters.upstream.subscription import Subscription
from hybridcache.adapters.upstream.template import Template, template_of
from hybridcache.engine.entry_requests import Found, Read
from hybridcache.engine.names import names_of
from hybridcache.engine.request import Fault, Trouble
from hybridcache.testing.server import RedisServer
from tests.integration.faults.proxy import Proxy
from tests.integration.nodes import Colour
from tests.run import Run

TIMEOUT = 0.25
# What a busy machine adds, seconds.
MARGIN = 0.25
READ = Read(names_of("p:", "k"))
WITHIN = 20.0

Answer = Found | Fault


def asking(template: Template, colour: Colour, timeout: float) -> Callable[[], Answer]:
    """Return what asks once, each time over new connections."""

    def ask() -> Answer:
        if colour == "sync":
            blocking = BlockingUpstream(template, timeout)
            try:
                return blocking.ask(READ, timeout)
            finally:
                blocking.end()
        return asyncio.run(AwaitingUpstream(template, timeout).ask(READ, timeout))

    return ask


class Broken(redis.CredentialProvider):
    """A user's provider whose own server is down."""

    def get_credentials(self) -> tuple[str, str]:
        """Fail."""
        msg = "no token today"
        raise LookupError(msg)


def test_a_credential_provider_that_raises(colour: Colour, redis_url: str) -> None:
    """Whatever a user's credential provider raises, Redis is down, and says why."""
    client = redis.Redis.from_url(redis_url)
    options = client.connection_pool.connection_kwargs
    template = template_of(
        redis.Redis(
            host=options["host"], port=options["port"], credential_provider=Broken()
        )
    )
    answer = asking(template, colour, TIMEOUT)()

    assert Fault(Trouble.DOWN, "LookupError: no token today") == answer
    assert not Subscription(template, TIMEOUT).open("channel")


def test_a_timeout_says_what_it_was(colour: Colour, own_redis: RedisServer) -> None:
    """The cause of a timeout has the time in it, the same in both colours."""
    ask = asking(template_of(own_redis.url), colour, TIMEOUT)
    own_redis.pause()
    try:
        answer = ask()
    finally:
        own_redis.resume()

    assert Fault(Trouble.DOWN, "TimeoutError: no answer within 0.25 s") == answer


def test_connecting_takes_no_longer_than_a_request(
    colour: Colour, own_redis: RedisServer
) -> None:
    """Password, name and database are told within the request's own time."""
    with own_redis.client() as client:
        client.config_set("requirepass", "pw")
    try:
        with Proxy(own_redis.port) as proxy:
            # Each by itself would be in time.
            proxy.latency = TIMEOUT * 0.8
            url = proxy.url.replace("//", "//:pw@").replace("/0", "/1?client_name=me")
            ask = asking(template_of(url), colour, TIMEOUT)
            begun = time.monotonic()
            answer = ask()
            took = time.monotonic() - begun
    finally:
        with redis.Redis(port=own_redis.port, password="pw") as client:
            client.config_set("requirepass", "")

    assert Fault(Trouble.DOWN, "TimeoutError: no answer within 0.25 s") == answer
    assert TIMEOUT + MARGIN / 2 > took


async def crowd(upstream: AwaitingUpstream, size: int) -> Sequence[Answer]:
    """Ask so many times at once."""
    return await asyncio.gather(*(upstream.ask(READ, TIMEOUT) for _ in range(size)))


def test_a_crowd_of_tasks_does_not_make_redis_look_down(
    own_redis: RedisServer, run: Run
) -> None:
    """However many tasks ask at once, connections are few and all are answered."""
    upstream = AwaitingUpstream(template_of(own_redis.url), TIMEOUT)
    with own_redis.client() as client:
        before = client.info("stats")["total_connections_received"]
        answers = run(crowd(upstream, 1000))
        made = client.info("stats")["total_connections_received"] - before

    assert {Found} == {type(answer) for answer in answers}
    assert MOST_LINES >= made


def test_a_crowd_of_tasks_fails_together(own_redis: RedisServer, run: Run) -> None:
    """While Redis hangs nobody waits for one timeout after another."""
    upstream = AwaitingUpstream(template_of(own_redis.url), TIMEOUT)

    async def hang() -> tuple[Sequence[Answer], float]:
        await crowd(upstream, MOST_LINES)
        own_redis.pause()
        begun = time.monotonic()
        answers = await crowd(upstream, 4 * MOST_LINES)
        return answers, time.monotonic() - begun

    try:
        answers, took = run(hang())
    finally:
        own_redis.resume()

    cause = "TimeoutError: no answer within 0.25 s"
    assert {Fault(Trouble.DOWN, cause)} == set(answers)
    assert TIMEOUT + MARGIN > took


def test_a_loop_that_was_busy_is_no_timeout(own_redis: RedisServer, run: Run) -> None:
    """An answer that came in time counts, though the loop was too busy to read it."""
    upstream = AwaitingUpstream(template_of(own_redis.url), TIMEOUT)

    async def busy() -> Answer:
        await upstream.ask(READ, TIMEOUT)
        asked = asyncio.create_task(upstream.ask(READ, TIMEOUT))
        await asyncio.sleep(0)
        # A task of the user's that blocks the loop; the answer comes meanwhile.
        time.sleep(TIMEOUT * 1.5)  # noqa: ASYNC251 (what is tested)
        return await asked

    assert isinstance(run(busy()), Found)


def test_cancelled_tasks_give_their_turn_on(own_redis: RedisServer, run: Run) -> None:
    """After any number of cancelled requests as many are served at once as before."""
    upstream = AwaitingUpstream(template_of(own_redis.url), TIMEOUT)

    async def cancel() -> Sequence[Answer]:
        for turn in range(5):
            asked = [
                asyncio.create_task(upstream.ask(READ, TIMEOUT))
                for _ in range(3 * MOST_LINES)
            ]
            for _ in range(turn):
                await asyncio.sleep(0)
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return await crowd(upstream, 2 * MOST_LINES)

    assert {Found} == {type(answer) for answer in run(cancel())}


@pytest.fixture(name="_impatient")
def _impatient() -> Iterator[None]:
    """Threads that take turns at nearly every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_impatient")
def test_loops_in_many_threads(redis_url: str) -> None:
    """Loops may begin and end in many threads at a time on one upstream."""
    upstream = AwaitingUpstream(template_of(redis_url), 5.0)
    answers: list[Any] = []

    def loops() -> None:
        for _ in range(60):
            try:
                answers.append(asyncio.run(upstream.ask(READ, 5.0)))
            except Exception as error:  # noqa: BLE001 (compared)
                answers.append(error)

    threads = [threading.Thread(target=loops) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN)

    assert {Found} == {type(answer) for answer in answers}
