"""Rule 10: the same script of calls, faults and time is told the same in both colours.

The drivers alone are compared in `test_flows.py`, with drawn answers; here are the whole
caches, their ports and keepers, on a Redis by script; on a real one that fails, one
long script is in `tests/integration/faults/test_parity.py`.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcache import Memory, NoStore, NotModified, Policy, Store
from hybridcache.testing import ManualClock, ScriptedUpstream
from tests.colours import Handle, colour_of
from tests.eventually import eventually

USUAL = Policy(fresh_for=10, ttl=40, wait_for=9, retry_after=5)
POLICIES = (
    USUAL,
    USUAL.evolve(refresh_ahead=0.5, max_stale=5),
    USUAL.evolve(stale_wait=5, error_ttl=3),
    USUAL.evolve(suppress="process", memory_ttl=5),
    USUAL.evolve(suppress="none", run_in="caller"),
)


class LoaderError(Exception):
    """The loader's own."""


@attrs.frozen
class Call:
    """One call to one of two processes; its loader behaves as *loads* says."""

    how: str
    process: int
    key: str
    policy: Policy
    loads: str


@attrs.frozen
class Fault:
    """Something befalls Redis."""

    name: str
    args: tuple[float, ...] = ()


@attrs.frozen
class Later:
    """Time passes."""

    seconds: float


Step: TypeAlias = Call | Fault | Later

_calls = st.builds(
    Call,
    st.sampled_from(["outcome"] * 6 + ["refresh", "peek", "invalidate", "clear"]),
    st.integers(0, 1),
    st.sampled_from("ab"),
    st.sampled_from(POLICIES),
    st.sampled_from(["value"] * 3 + ["raise", "unstored", "unmodified", "brief"]),
)
_faults = st.sampled_from(
    [
        Fault("hang", (7.0,)),
        Fault("hang", (0.1,)),
        Fault("refuse", (7.0,)),
        Fault("answer_slowly", (0.2,)),
        Fault("answer_slowly", (0.3,)),
        Fault("lose_next_reply"),
        Fault("refuse_writes"),
        Fault("restart"),
        Fault("heal"),
    ]
)
_later = st.sampled_from([0.5, 3.0, 8.0, 12.0, 45.0]).map(Later)
scripts = st.lists(
    st.one_of(_calls, _calls, _calls, _faults, _later), min_size=2, max_size=16
)


def _loader(loads: str, numbers: Iterator[int]) -> Callable[[], Any]:
    def load() -> list[int]:
        number = next(numbers)
        replies: dict[str, Any] = {
            "unstored": NoStore([number]),
            "unmodified": NotModified(),
            "brief": Store([number], fresh_for=1, ttl=2),
        }
        if loads == "raise":
            raise LoaderError(number)
        return replies.get(loads, [number])  # type: ignore[no-any-return]  # replies

    return load


def _told(cache: Handle, step: Call, load: Callable[[], Any]) -> object:
    try:
        if step.how == "clear":
            return cache.clear()
        if step.how == "invalidate":
            return cache.invalidate(step.key)
        return getattr(cache, step.how)(step.key, load, step.policy)
    except Exception as error:  # noqa: BLE001 (compared)
        return type(error).__name__, str(error)


def said(name: str, script: list[Step]) -> list[object]:
    """Run *script* in the colour of that name; return all that was said."""
    numbers = iter(range(1000))
    with colour_of(name) as colour:
        colour.clock = ManualClock(1000.0)
        redis = ScriptedUpstream(colour.clock)
        caches = [
            colour.make_cache(name="shop", upstream=redis, downstream=Memory())
            for _ in range(2)
        ]
        heard: list[object] = []
        for step in script:
            match step:
                case Later(seconds=seconds):
                    colour.clock.advance(seconds)
                case Fault(name=fault, args=args):
                    getattr(redis, fault)(*args)
                case Call(process=process):
                    load = _loader(step.loads, numbers)
                    heard.append(_told(caches[process], step, load))
            # What runs in the background has no place in an order of calls.
            eventually(lambda: not any(len(one.node.flights) for one in caches))
            heard.append((len(redis.asked), colour.clock()))
        return [*heard, *redis.asked, redis.model.names()]


@settings(max_examples=40)
@given(script=scripts)
def test_both_colours_say_the_same(script: list[Step]) -> None:
    """Outcomes, errors, requests and the passing of time do not tell the colour."""
    assert said("sync", script) == said("async", script)
