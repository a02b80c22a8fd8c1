"""Whatever is asked and answered, nobody gets a response that is not for them.

A whole site goes by a drawn script: an origin that changes its mind, clients with and
without credentials, time that passes. What comes from the cache is held against all
that the origin ever said.
"""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from hybridcache import AsyncCache, Memory
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.faces.http.asgi import CacheMiddleware
from hybridcache.testing import ManualClock
from tests.http.asgi import Client, Got

URLS = ("/a", "/b")
CONTROLS = (
    "",
    "max-age=10",
    "max-age=10, must-revalidate",
    "max-age=10, stale-while-revalidate=10",
    "max-age=10, stale-if-error=20",
    "max-age=10, public",
    "s-maxage=10",
    "no-store",
    "private, max-age=10",
    "no-cache",
)
VARIES = ("", "accept", "accept, accept-language", "cookie", "*")


@attrs.frozen
class Sets:
    """From now on the origin answers a URL so."""

    url: str
    status: int
    control: str
    vary: str
    cookie: bool
    tagged: bool


@attrs.frozen
class Asks:
    """A client asks."""

    url: str
    fields: tuple[tuple[str, str], ...]


@attrs.frozen
class Changes:
    """A client changes something."""

    url: str


@attrs.frozen
class Passes:
    """Time passes."""

    seconds: float


Step = Sets | Asks | Changes | Passes

fields = st.lists(
    st.sampled_from(
        [
            ("accept", "x"),
            ("accept", "y"),
            ("accept-language", "de"),
            ("cookie", "a=1"),
            ("cookie", "a=2"),
            ("authorization", "me"),
            ("if-none-match", '"old"'),
            ("range", "bytes=0-"),
        ]
    ),
    max_size=3,
    unique_by=lambda field: field[0],
).map(tuple)
steps = st.one_of(
    st.builds(
        Sets,
        url=st.sampled_from(URLS),
        status=st.sampled_from([200, 200, 200, 404, 503]),
        control=st.sampled_from(CONTROLS),
        vary=st.sampled_from(VARIES),
        cookie=st.booleans(),
        tagged=st.booleans(),
    ),
    st.builds(Asks, url=st.sampled_from(URLS), fields=fields),
    st.builds(Asks, url=st.sampled_from(URLS), fields=fields),
    st.builds(Asks, url=st.sampled_from(URLS), fields=fields),
    st.builds(Changes, url=st.sampled_from(URLS)),
    st.builds(Passes, seconds=st.sampled_from([1.0, 6.0, 11.0, 25.0])),
)


@attrs.define
class Said:
    """A response of the origin: what it said, to whom, and when it last stood by it."""

    url: str
    answer: Sets
    asked: dict[bytes, bytes]
    at: float
    order: int

    @property
    def control(self) -> str:
        """Its Cache-Control."""
        return self.answer.control


@attrs.define
class World:
    """The origin, what it said, and the checks."""

    clock: ManualClock
    answers: dict[str, Sets] = attrs.field(
        factory=lambda: {
            url: Sets(url, 200, CONTROLS[1], "", False, True) for url in URLS
        }
    )
    said: dict[bytes, Said] = attrs.field(factory=dict)
    changed: dict[str, int] = attrs.field(factory=dict)
    count: Any = attrs.field(factory=itertools.count)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as the origin."""
        url = scope["path"]
        answer = self.answers[url]
        asked = dict(scope["headers"])
        if scope["method"] == "POST":
            await _send(send, 200, [], b"")
            return
        body = self._unchanged(answer, asked)
        headers = _headers(answer)
        if body is not None:
            was = self.said[body]
            was.at, was.answer = (
                self.clock(),
                attrs.evolve(answer, vary=was.answer.vary),
            )
            await _send(send, 304, [*headers, (b"etag", _tag(body))], b"")
            return
        body = b"%08d" % next(self.count)
        order = next(self.count)
        self.said[body] = Said(url, answer, asked, self.clock(), order)
        tag = [(b"etag", _tag(body))] if answer.tagged else []
        await _send(send, answer.status, [*headers, *tag], body)

    def _unchanged(self, answer: Sets, asked: dict[bytes, bytes]) -> bytes | None:
        """Stand by what was said, where that still holds in all but its time."""
        if not answer.tagged or answer.status != 200:
            return None
        for member in asked.get(b"if-none-match", b"").split(b", "):
            was = self.said.get(member.strip(b'"'))
            if was is None or was.url != answer.url or was.answer.status != 200:
                continue
            same_kind = was.answer.vary == answer.vary and was.answer.tagged
            if same_kind and _selects(was, asked):
                return member.strip(b'"')
        return None

    def check(self, step: Asks, got: Got) -> None:
        """Hold what a client got against all that was said."""
        if got.status == 416 or not got.body:
            return
        said = self.said[got.body]
        assert said.url == step.url
        if not got.hit:
            return
        asked = {name.encode(): value.encode() for name, value in step.fields}
        control = said.control
        assert "no-store" not in control
        assert "private" not in control
        assert "no-cache" not in control
        assert said.answer.vary != "*"
        assert _selects(said, asked)
        allowed = any(w in control for w in ("public", "s-maxage", "must-revalidate"))
        assert allowed or b"authorization" not in {*asked, *said.asked}
        assert not said.answer.cookie or "public" in control
        age = self.clock() - said.at
        assert age <= 10 or ("while" in control and age <= 20)
        assert got.one("age") == str(int(age))
        assert said.order >= self.changed.get(step.url, 0)


def _selects(said: Said, asked: dict[bytes, bytes]) -> bool:
    names = [name.strip().encode() for name in said.answer.vary.split(",") if name]
    return all(said.asked.get(name) == asked.get(name) for name in names)


def _headers(answer: Sets) -> list[tuple[bytes, bytes]]:
    headers = []
    if answer.control:
        headers.append((b"cache-control", answer.control.encode()))
    if answer.vary:
        headers.append((b"vary", answer.vary.encode()))
    if answer.cookie:
        headers.append((b"set-cookie", b"s=1"))
    return headers


def _tag(body: bytes) -> bytes:
    return b'"%b"' % body


async def _send(
    send: Any, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _settled() -> None:
    """Let what runs in the background come to its end."""
    for _ in range(50):
        await asyncio.sleep(0)


async def _play(script: list[Step]) -> None:
    clock = ManualClock()
    world = World(clock)
    memory = Memory(max_items=100)
    async with AsyncCache(name="w", downstream=memory, clock=clock) as cache:
        site = CacheMiddleware(world, cache=cache, policy=HTTPPolicy.safe())
        client = Client(site)
        for step in script:
            match step:
                case Sets():
                    world.answers[step.url] = step
                case Asks():
                    got = await client.get(step.url, headers=step.fields)
                    world.check(step, got)
                    await _settled()
                case Changes():
                    await client.get(step.url, method="POST")
                    world.changed[step.url] = next(world.count)
                case Passes():
                    clock.advance(step.seconds)


@given(st.lists(steps, max_size=40))
def test_nobody_gets_what_is_not_for_them(script: list[Step]) -> None:
    """What the cache serves was said for such a request, may be shared, and is in time."""
    asyncio.run(_play(script))


def test_the_checks_can_fail() -> None:
    """A hit of a private response would not go unseen."""
    world = World(ManualClock())
    private = Sets("/a", 200, "private, max-age=10", "", False, False)
    world.said[b"1"] = Said("/a", private, {}, 0.0, 0)
    hit = Got(200, ((b"cache-status", b"x; hit"), (b"age", b"0")), b"1", whole=True)

    try:
        world.check(Asks("/a", ()), hit)
    except AssertionError:
        return
    raise AssertionError
