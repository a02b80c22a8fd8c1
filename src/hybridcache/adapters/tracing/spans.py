"""Lookups, loads, waits and requests as OpenTelemetry spans, through its API alone.

Without an SDK nothing is made. A wait and a request have no span of their own unless
what they belong to is recorded; a memory hit has one only inside a recorded span.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from contextvars import Token
from types import TracebackType
from typing import Final, Self, TypeAlias

import attrs
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TracerProvider,
)
from opentelemetry.util.types import AttributeValue

from hybridcache.adapters.tracing.here import current, recording
from hybridcache.core.outcome import HitFresh, HitStale, Outcome, Scope
from hybridcache.engine.tally import served_by
from hybridcache.engine.tracing import UNTRACED, LoadSpan, LookupSpan

log: Final = logging.getLogger("hybridcache.adapters")

Redact: TypeAlias = Callable[[str], str]
"""Makes of a key what a span may show."""
Provider: TypeAlias = TracerProvider
"""Where tracers come from; `None` means OpenTelemetry's global one."""


class _Block(AbstractContextManager["_Block"]):
    """A span that is current inside a block, whichever thread or task it runs in."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self._attached = Context()
        self._token: Token[Context] | None = None

    @property
    def link(self) -> SpanContext:
        """What those who wait for it refer to."""
        return self.span.get_span_context()

    def __enter__(self) -> Self:
        self._attached = trace.set_span_in_context(self.span)
        self._token = context.attach(self._attached)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            _fail(self.span, error)
        _end(self.span)
        # A flow whose loop is gone is ended in another context than its own.
        if self._token is not None and context.get_current() is self._attached:
            context.detach(self._token)

    def served(self, outcome: Outcome[object]) -> None:
        """Say what a lookup ended in."""
        attributes: dict[str, AttributeValue] = {
            "hybridcache.outcome": outcome.tag,
            "hybridcache.tier": served_by(outcome).value,
        }
        if isinstance(outcome, HitFresh | HitStale):
            attributes["hybridcache.age"] = outcome.age
        self.span.set_attributes(attributes)

    def failed(self, error: BaseException) -> None:
        """Say what a lookup's loader raised."""
        _fail(self.span, error)

    def ended(self, result: str, error: BaseException | None) -> None:
        """Say what a load ended in."""
        self.span.set_attribute("hybridcache.result", result)
        if error is not None:
            _fail(self.span, error)


def _end(span: Span, at: int | None = None) -> None:
    # What a processor raises: no lookup fails because tracing does.
    with suppress(Exception):
        span.end(at)


def _fail(span: Span, error: BaseException) -> None:
    """Show the kind of an error; its message may hold what the key or value holds."""
    kind = type(error).__qualname__
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, kind))


def span_tracing(
    cache: str, provider: TracerProvider | None, redact: Redact | None
) -> "SpanTracing":
    """Check where the spans of a cache shall go.

    Raises:

        TypeError: *provider* is no provider.
    """
    if provider is not None and not _is_provider(provider):
        msg = f"tracer_provider must be a TracerProvider or None, not {provider!r}"
        raise TypeError(msg)
    return SpanTracing(cache, provider, redact)


def _is_provider(provider: object) -> bool:
    return isinstance(provider, TracerProvider)


@attrs.define(eq=False)
class SpanTracing:
    """Spans of one cache.

    Attributes:

        cache: The cache's name.

        provider: Where tracers come from; the global one if None.

        redact: Makes of a key what a span may show; None shows none.
    """

    cache: str
    provider: TracerProvider | None = None
    redact: Redact | None = None
    _tracer: Tracer | None = attrs.field(default=None, init=False)
    _told: bool = attrs.field(default=False, init=False)

    @property
    def active(self) -> bool:
        """Whether anybody takes spans."""
        return self.tracer is not None

    def recording(self) -> bool:
        """Whether the caller's own span is recorded."""
        return bool(current()) and recording()

    def lookup(self, function: str, key: str) -> AbstractContextManager[LookupSpan]:
        """Trace what is inside as a lookup."""
        return self._block("hybridcache.lookup", function, key) or UNTRACED

    def refresh(self, function: str, key: str) -> AbstractContextManager[object]:
        """Trace what is inside as a root, linked to the lookup that caused it."""
        cause = trace.get_current_span().get_span_context()
        links = [Link(cause)] if cause.is_valid else []
        root = trace.set_span_in_context(INVALID_SPAN)
        name, attributes = "hybridcache.refresh", self._attributes(function, key)
        span = self._start(name, attributes, parent=root, links=links)
        return UNTRACED if span is None else _Block(span)

    def load(self, function: str, key: str) -> AbstractContextManager[LoadSpan]:
        """Trace what is inside as a load."""
        return self._block("hybridcache.load", function, key) or UNTRACED

    def waited(self, scope: Scope, link: object, seconds: float) -> None:
        """Make the span of a wait that ends now, linked to the load it waited for."""
        if not self.recording():
            return
        links = [Link(link)] if isinstance(link, SpanContext) and link.is_valid else []
        attributes = {"hybridcache.cache": self.cache, "hybridcache.scope": scope.value}
        self._past("hybridcache.wait", attributes, seconds, links=links)

    def asked(self, operation: str, result: str, seconds: float) -> None:
        """Make the span of a request to Redis that was answered now."""
        if not self.recording():
            return
        attributes = {
            "db.system.name": "redis",
            "hybridcache.cache": self.cache,
            "hybridcache.operation": operation,
            "hybridcache.result": result,
        }
        self._past("hybridcache.upstream", attributes, seconds, kind=SpanKind.CLIENT)

    @property
    def tracer(self) -> Tracer | None:
        """Makes spans; None as long as no provider was set."""
        if self._tracer is None:
            provider = self.provider or trace.get_tracer_provider()
            if not isinstance(provider, trace.ProxyTracerProvider):
                self._tracer = provider.get_tracer("hybridcache")
        return self._tracer

    def _block(self, name: str, function: str, key: str) -> _Block | None:
        if self.tracer is None:
            return None
        span = self._start(name, self._attributes(function, key))
        return None if span is None else _Block(span)

    def _attributes(self, function: str, key: str) -> dict[str, AttributeValue]:
        attributes: dict[str, AttributeValue] = {"hybridcache.cache": self.cache}
        if function:
            attributes["hybridcache.function"] = function
        if self.redact is not None:
            attributes["hybridcache.key"] = self._redacted(self.redact, key)
        return attributes

    def _redacted(self, redact: Redact, key: str) -> str:
        try:
            return redact(key)
        except Exception as error:  # noqa: BLE001 (a user's; no lookup fails for it)
            return f"not shown: {type(error).__qualname__}"

    def _past(
        self,
        name: str,
        attributes: Mapping[str, AttributeValue],
        seconds: float,
        *,
        links: Sequence[Link] = (),
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> None:
        now = time.time_ns()
        begun = now - int(seconds * 1e9)
        span = self._start(name, attributes, links=links, kind=kind, start_time=begun)
        if span is not None:
            _end(span, now)

    def _start(
        self,
        name: str,
        attributes: Mapping[str, AttributeValue],
        *,
        parent: Context | None = None,
        links: Sequence[Link] = (),
        kind: SpanKind = SpanKind.INTERNAL,
        start_time: int | None = None,
    ) -> Span | None:
        """Start a span; None where there is no tracer, or it raises."""
        if self.tracer is None:
            return None
        try:
            return self.tracer.start_span(
                name,
                parent,
                kind=kind,
                attributes=attributes,
                links=links,
                start_time=start_time,
            )
        except Exception:
            # A sampler's, or a processor's: no lookup fails because tracing does.
            if not self._told:
                self._told = True
                log.exception("no span of cache %r: said once", self.cache)
            return None
