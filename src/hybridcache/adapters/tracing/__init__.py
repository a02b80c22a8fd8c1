"""OpenTelemetry: what is traced here, and the spans that a cache makes."""

from hybridcache.adapters.tracing.here import SPAN_KEY, UNRECORDED, current
from hybridcache.adapters.tracing.spans import (
    Provider,
    Redact,
    SpanTracing,
    span_tracing,
)

__all__ = [
    "SPAN_KEY",
    "UNRECORDED",
    "Provider",
    "Redact",
    "SpanTracing",
    "current",
    "span_tracing",
]
