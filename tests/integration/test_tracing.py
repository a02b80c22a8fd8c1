"""Spans of lookups, loads, waits and requests, as an SDK's exporter is given them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
import redis
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    Decision,
    Sampler,
    SamplingResult,
)
from opentelemetry.trace import SpanKind, StatusCode

from hybridcache import (
    AsyncCache,
    Cache,
    HitFresh,
    HitStale,
    Memory,
    Miss,
    Policy,
    Suppressed,
)
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.nodes import POLICY, Colour, Load, LoopThread, Node, awaited

STALE = Policy(fresh_for=0.05, ttl=3600, wait_for=10)


class Traces:
    """What was traced so far."""

    def __init__(self, *, sampled: bool = True) -> None:
        self.provider = (
            TracerProvider() if sampled else TracerProvider(sampler=ALWAYS_OFF)
        )
        self._exporter = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def all(self, name: str) -> list[ReadableSpan]:
        """Return the ended spans of a name, in the order of their ends."""
        spans = self._exporter.get_finished_spans()
        return [span for span in spans if span.name == f"hybridcache.{name}"]

    def one(self, name: str) -> ReadableSpan:
        """Return the only span of a name, once it has ended."""
        eventually(lambda: self.all(name))
        (span,) = self.all(name)
        return span

    def forget(self) -> None:
        """Forget them."""
        self._exporter.clear()


class MakeTraced(Protocol):
    """The type of the fixture ``traced``."""

    def __call__(self, url: str | None, *, trace_keys: object = None) -> Node:
        """Make a node whose spans go to the fixture ``traces``."""
        ...


@pytest.fixture(name="traces")
def _traces() -> Traces:
    """An exporter that keeps all spans."""
    return Traces()


@pytest.fixture(name="traced")
def _traced(
    colour: Colour, prefix: str, loop: LoopThread, traces: Traces
) -> Iterator[MakeTraced]:
    """Make traced nodes of the test's colour."""
    made: list[Node] = []

    def make(url: str | None, *, trace_keys: object = None) -> Node:
        assert trace_keys is None or callable(trace_keys)
        node = Node(
            colour,
            url,
            prefix,
            loop,
            tracer_provider=traces.provider,
            trace_keys=trace_keys,
        )
        made.append(node)
        return node if url is None else node.subscribed()

    yield make
    for node in made:
        node.close()


@contextmanager
def caller(traces: Traces) -> Iterator[ReadableSpan]:
    """Be inside a recorded span, tasks that are begun from here too."""
    with traces.provider.get_tracer("test").start_as_current_span("caller") as span:
        assert isinstance(span, ReadableSpan)
        yield span


def parent_of(span: ReadableSpan) -> int | None:
    """Return the id of the span that *span* is inside of."""
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    """Return the id of *span*."""
    context = span.get_span_context()
    assert context is not None
    return context.span_id


def linked(span: ReadableSpan) -> list[int]:
    """Return the ids of the spans that *span* refers to."""
    return [link.context.span_id for link in span.links]


def test_a_miss_is_traced_from_top_to_bottom(
    traced: MakeTraced, traces: Traces, redis_url: str
) -> None:
    """A cold lookup is one trace: read and lease, then the load, which writes."""
    node = traced(redis_url)
    assert isinstance(node.outcome("k", Load(7)), Miss)

    lookup, load = traces.one("lookup"), traces.one("load")
    asked = traces.all("upstream")
    assert parent_of(lookup) is None
    assert {
        "hybridcache.cache": "node",
        "hybridcache.outcome": "miss",
        "hybridcache.tier": "loader",
    } == lookup.attributes
    assert id_of(lookup) == parent_of(load)
    assert "stored" == (load.attributes or {})["hybridcache.result"]
    operations = [
        ((span.attributes or {})["hybridcache.operation"], parent_of(span))
        for span in asked
    ]
    assert [
        ("read", id_of(lookup)),
        ("acquire", id_of(lookup)),
        ("write", id_of(load)),
    ] == operations
    assert {SpanKind.CLIENT} == {span.kind for span in asked}
    assert {"ok"} == {(span.attributes or {})["hybridcache.result"] for span in asked}


def test_a_hit_from_redis_says_its_tier_and_age(
    traced: MakeTraced, traces: Traces, redis_url: str
) -> None:
    """A hit from Redis is a span with outcome, tier and age."""
    traced(redis_url).outcome("k", Load(7))
    traces.forget()
    outcome = traced(redis_url).outcome("k", Load())

    attributes = traces.one("lookup").attributes or {}
    assert isinstance(outcome, HitFresh)
    assert "hit-fresh" == attributes["hybridcache.outcome"]
    assert "redis" == attributes["hybridcache.tier"]
    assert outcome.age == attributes["hybridcache.age"]
    assert [] == traces.all("load")


def test_memory_hits_are_traced_inside_a_recorded_span(
    traced: MakeTraced, traces: Traces
) -> None:
    """A memory hit has a span where the caller's is recorded, and none elsewhere."""
    node = traced(None)
    node.outcome("k", Load(7))
    traces.forget()
    node.outcome("k", Load())
    assert [] == traces.all("lookup")

    with caller(traces) as outer:
        node.outcome("k", Load())
    lookup = traces.one("lookup")
    assert id_of(outer) == parent_of(lookup)
    attributes = lookup.attributes or {}
    assert ("hit-fresh", "memory") == (
        attributes["hybridcache.outcome"],
        attributes["hybridcache.tier"],
    )


def test_decorated_memory_hits_are_traced_too(traces: Traces) -> None:
    """The short way of a decorated function is left inside a recorded span."""
    cache = Cache(downstream=Memory(), tracer_provider=traces.provider)

    @cache.cached(POLICY, key="{n}")
    def double(n: int) -> int:
        return 2 * n

    for _ in range(3):
        double(4)
    traces.forget()
    assert 8 == double(4)
    assert [] == traces.all("lookup")
    with traces.provider.get_tracer("test").start_as_current_span("caller"):
        assert 8 == double(4)

    attributes = traces.one("lookup").attributes or {}
    assert str(attributes["hybridcache.function"]).endswith("double")
    cache.close()


def test_decorated_memory_hits_of_tasks_are_traced_too(
    traces: Traces, loop: LoopThread
) -> None:
    """So it is with an async function."""
    cache = AsyncCache(downstream=Memory(), tracer_provider=traces.provider)

    @cache.cached(POLICY, key="{n}")
    async def double(n: int) -> int:
        return 2 * n

    async def calls() -> int:
        for _ in range(3):
            await double(4)
        traces.forget()
        await double(4)
        assert [] == traces.all("lookup")
        with traces.provider.get_tracer("test").start_as_current_span("caller"):
            return await double(4)

    assert 8 == loop.run(calls())
    assert "hit-fresh" == (traces.one("lookup").attributes or {})["hybridcache.outcome"]
    loop.run(cache.close())


def test_a_follower_refers_to_the_load_it_waited_for(
    traced: MakeTraced, traces: Traces
) -> None:
    """A follower's wait is a span inside its lookup, linked to the leader's load."""
    node, load = traced(None), Load(7, held=True)
    leader = node.begin("k", load)
    load.begun()
    follower = node.begin("k", load)
    node.joined("k", 2)
    load.release()
    assert isinstance(follower.result(15), Suppressed)
    leader.result(15)

    wait = traces.one("wait")
    assert [id_of(traces.one("load"))] == linked(wait)
    assert "process" == (wait.attributes or {})["hybridcache.scope"]
    eventually(lambda: len(traces.all("lookup")) == 2)
    lookups = {
        (span.attributes or {})["hybridcache.outcome"]: id_of(span)
        for span in traces.all("lookup")
    }
    assert lookups["suppressed"] == parent_of(wait)


def test_a_wait_for_another_process_is_traced(
    traced: MakeTraced, traces: Traces, redis_url: str, client: "redis.Redis"
) -> None:
    """Who waits for another process's load has a wait of scope cluster, unlinked."""
    one, other, load = traced(redis_url), traced(redis_url), Load(7, held=True)
    leader = one.begin("k", load)
    load.begun()
    follower = other.begin("k", Load())
    eventually(lambda: awaited(client, other.names("k")))
    load.release()
    assert isinstance(follower.result(15), Suppressed)
    leader.result(15)

    wait = traces.one("wait")
    assert "cluster" == (wait.attributes or {})["hybridcache.scope"]
    assert [] == linked(wait)


def test_a_refresh_is_a_trace_of_its_own(
    traced: MakeTraced, traces: Traces, redis_url: str
) -> None:
    """A background refresh is a root, linked to the lookup that caused it."""
    node = traced(redis_url)
    node.outcome("k", Load(7), STALE)
    traces.forget()
    with caller(traces):
        eventually(
            lambda: isinstance(node.outcome("k", Load(8), STALE), HitStale), every=0.01
        )
    refresh = traces.one("refresh")
    stale = [
        span
        for span in traces.all("lookup")
        if (span.attributes or {})["hybridcache.outcome"] == "hit-stale"
    ]

    assert parent_of(refresh) is None
    assert [id_of(stale[0])] == linked(refresh)
    assert id_of(refresh) == parent_of(traces.one("load"))


def test_a_stale_hit_that_waits_for_anothers_refresh_refers_to_its_load(
    traced: MakeTraced, traces: Traces
) -> None:
    """With `stale_wait` who joins a refresh has a wait, linked to the refresh's load."""
    policy = STALE.evolve(stale_wait=10)
    node, load = traced(None), Load(8, held=True)
    node.outcome("k", Load(7), policy)
    machines = node.cache._state.wiring.ctx
    kept = machines.node.recall("k", _fingerprint(node), machines.now())
    assert kept is not None
    eventually(lambda: machines.now() > kept.written_at + STALE.fresh_for)
    traces.forget()
    with caller(traces):
        leader = node.begin("k", load, policy)
        load.begun()
        follower = node.begin("k", load, policy)
        node.joined("k", 2)
    load.release()

    assert {"miss", "suppressed"} == {leader.result(15).tag, follower.result(15).tag}
    assert [id_of(traces.one("load"))] == linked(traces.one("wait"))


def _fingerprint(node: Node) -> bytes:
    return node.cache._state.shape(int).fingerprint


class _Broken(Sampler):
    """A sampler that fails at a refresh."""

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        """Fail at refreshes."""
        if "hybridcache.refresh" in (*args, *kwargs.values()):
            raise LookupError
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        """Say so."""
        return "broken"


def test_a_sampler_that_raises_fails_no_load(colour: Colour, loop: LoopThread) -> None:
    """What OpenTelemetry raises costs a span, never a lookup or a refresh."""
    provider = TracerProvider(sampler=_Broken())
    node = Node(colour, None, "t:", loop, tracer_provider=provider)
    policy = STALE.evolve(fresh_for=0.01)
    node.outcome("k", Load(1), policy)

    eventually(lambda: node.outcome("k", Load(2), policy).value == 2)
    node.close()


def test_what_the_loader_traces_is_inside_its_load(
    traced: MakeTraced, traces: Traces
) -> None:
    """The trace follows the load into its thread or task."""
    inside: list[trace.SpanContext] = []

    def load() -> int:
        inside.append(trace.get_current_span().get_span_context())
        return 1

    traced(None).outcome("k", load)

    assert [id_of(traces.one("load"))] == [context.span_id for context in inside]


def test_keys_are_shown_only_as_they_are_told_to(
    traced: MakeTraced, traces: Traces
) -> None:
    """Spans bear no key unless a function says what of it may be shown."""
    traced(None).outcome("user:7", Load())
    assert "hybridcache.key" not in (traces.one("lookup").attributes or {})
    traces.forget()

    def redact(key: str) -> str:
        return key.split(":", maxsplit=1)[0]

    traced(None, trace_keys=redact).outcome("user:7", Load())
    assert "user" == (traces.one("lookup").attributes or {})["hybridcache.key"]
    assert "user" == (traces.one("load").attributes or {})["hybridcache.key"]


def test_a_failing_redaction_fails_no_lookup(
    traced: MakeTraced, traces: Traces
) -> None:
    """Where the redacting function raises, the span says so in the key's place."""

    def redact(key: str) -> str:
        raise LookupError(key)

    assert 7 == traced(None, trace_keys=redact).outcome("user:7", Load(7)).value
    key = (traces.one("lookup").attributes or {})["hybridcache.key"]
    assert "not shown: LookupError" == key


def test_a_failure_shows_its_kind_and_not_its_message(
    traced: MakeTraced, traces: Traces
) -> None:
    """A loader's exception marks load and lookup as errors, by its type alone."""
    with pytest.raises(ValueError, match="secret"):
        traced(None).outcome("k", Load(error=ValueError("secret")))

    for name in ("load", "lookup"):
        span = traces.one(name)
        assert StatusCode.ERROR is span.status.status_code
        assert "ValueError" == span.status.description
        assert "ValueError" == (span.attributes or {})["error.type"]
        assert () == span.events


def test_redis_down_is_seen_in_the_trace(
    traced: MakeTraced, traces: Traces, own_redis: RedisServer
) -> None:
    """A lookup that Redis did not answer shows the failed request and its outcome."""
    node = traced(own_redis.url)
    own_redis.stop()
    node.outcome("k", Load(7))

    lookup = traces.one("lookup")
    asked = traces.all("upstream")
    assert "upstream-down" == (lookup.attributes or {})["hybridcache.outcome"]
    assert {"down"} == {(span.attributes or {})["hybridcache.result"] for span in asked}


def test_what_is_not_sampled_is_not_traced(
    traces: Traces, traced: MakeTraced, redis_url: str
) -> None:
    """Inside a span that was not sampled, nothing is exported and all is served."""
    node = traced(redis_url)
    dropped = Traces(sampled=False)
    with dropped.provider.get_tracer("test").start_as_current_span("caller"):
        assert 7 == node.outcome("k", Load(7)).value
        assert 7 == node.outcome("k", Load(8)).value

    for name in ("lookup", "load", "upstream", "wait"):
        assert [] == traces.all(name)


def test_a_wrong_provider_is_refused() -> None:
    """What is no provider, or no function of a key, is refused when the cache is made."""
    provider: object = "https://collector"
    with pytest.raises(TypeError, match="tracer_provider must be a TracerProvider"):
        Cache(tracer_provider=provider)  # type: ignore[arg-type] # as is meant
    redact: object = "str"
    with pytest.raises(TypeError, match="trace_keys must be a function"):
        Cache(trace_keys=redact)  # type: ignore[arg-type] # as is meant


def test_threads_have_traces_of_their_own(traces: Traces) -> None:
    """A span that is current in one thread is none of another's lookups."""
    cache = Cache(tracer_provider=traces.provider)
    seen: list[object] = []
    with traces.provider.get_tracer("test").start_as_current_span("caller"):
        thread = threading.Thread(
            target=lambda: seen.append(cache.get_or_load("k", Load(7), POLICY))
        )
        thread.start()
        thread.join(15)

    assert [7] == seen
    assert parent_of(traces.one("lookup")) is None
    cache.close()
