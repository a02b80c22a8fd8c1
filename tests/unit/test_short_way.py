"""The short way of a memory hit where OpenTelemetry's context holds something."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from opentelemetry.baggage import set_baggage
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import set_span_in_context

from hybridcache import Cache, Memory, Policy

POLICY = Policy(fresh_for=60, ttl=3600)


def _calls(function: Callable[[int], int], inside: Context) -> list[str]:
    """Return what is called in Python by one call of *function* in a context."""
    called: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    token = attach(inside)
    sys.setprofile(note)
    try:
        function(7)
    finally:
        sys.setprofile(None)
        detach(token)
    return called


def _unsampled() -> Context:
    tracer = TracerProvider(sampler=ALWAYS_OFF).get_tracer("t")
    return set_span_in_context(tracer.start_span("s"))


def _ended() -> Context:
    span = TracerProvider().get_tracer("t").start_span("s")
    span.end()
    return set_span_in_context(span)


@pytest.mark.parametrize(
    ("made", "calls"),
    [
        (Context, []),
        (lambda: set_baggage("tenant", "a"), []),
        (_unsampled, []),
        (_ended, ["is_recording"]),
    ],
    ids=["nothing", "baggage", "unsampled", "ended"],
)
def test_a_hit_calls_nothing_but_the_span(
    made: Callable[[], Context], calls: list[str]
) -> None:
    """Only a span that may be recorded is asked, and nothing else is called."""
    with Cache(name="c", downstream=Memory()) as cache:

        @cache.cached(POLICY, key="{n}")
        def double(n: int) -> int:
            return 2 * n

        for _ in range(3):
            double(7)
        assert ["__hc_wrapper", *calls] == _calls(double, made())
