"""What is counted and traced of HTTP: each request that is looked up, once."""

import asyncio
from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from hybridcache import AsyncCache, Memory
from hybridcache.http import CacheMiddleware
from tests.http.asgi import Client, Origin


class Route:
    """What a framework leaves in the scope."""

    path = "/items/{id}"


async def answer(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
    """Answer as an application that routes."""
    scope["route"] = Route
    await origin.answer(send)


def test_requests_are_counted_by_route() -> None:
    """A miss, its followers, hits and errors are each counted once, by the route."""
    registry = CollectorRegistry()

    async def play() -> None:
        cache = AsyncCache(name="w", downstream=Memory(max_items=9), registry=registry)
        async with cache:
            origin = Origin(script=answer)
            client = Client(CacheMiddleware(origin, cache=cache))
            both = [asyncio.create_task(client.get("/items/1")) for _ in range(2)]
            await asyncio.gather(*both)
            await client.get("/items/1")
            await client.get("/items/1", method="POST")

    asyncio.run(play())
    counted = {
        outcome: registry.get_sample_value(
            "hybridcache_lookups_total",
            {"cache": "w", "function": Route.path, "outcome": outcome, "tier": tier},
        )
        for outcome, tier in (
            ("miss", "loader"),
            ("suppressed", "loader"),
            ("hit-fresh", "memory"),
        )
    }

    assert counted == {"miss": 1, "suppressed": 1, "hit-fresh": 1}


def test_lookups_are_spans() -> None:
    """Inside a server's span, a miss and a hit are each one span of a lookup."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def play() -> None:
        memory = Memory(max_items=9)
        cache = AsyncCache(name="w", downstream=memory, tracer_provider=provider)
        async with cache:
            client = Client(CacheMiddleware(Origin(script=answer), cache=cache))
            for _ in range(2):
                with provider.get_tracer("server").start_as_current_span("GET"):
                    await client.get("/items/1")

    asyncio.run(play())
    spans = exporter.get_finished_spans()
    lookups = [span for span in spans if span.name == "hybridcache.lookup"]
    outcomes = [dict(span.attributes or {}) for span in lookups]

    assert [a["hybridcache.outcome"] for a in outcomes] == ["miss", "hit-fresh"]
    requests = {span.context.span_id for span in spans if span.name == "GET"}
    assert {span.parent.span_id for span in lookups if span.parent} == requests
