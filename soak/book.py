"""What one process of the soak counts, and what it holds against the library."""

import threading
import time
from collections import Counter, deque
from typing import Final

import attrs

from hybridcache import LoadFailedElsewhere, LoadTimeout
from soak.items import TIMEOUT, LoaderError, Made, policy_of

# A deadline is kept if the caller is back so soon after it: two cores are shared by
# four processes, a Redis and the faults, and the measured lag comes on top.
SLACK: Final = 1.0
# A write that lies in the socket of a server that hangs is carried out when it goes on.
LONGEST_PAUSE: Final = 3.0
MOST_WRONGS: Final = 20


@attrs.frozen
class Wrong:
    """Something that must not happen.

    Attributes:

        what: Which rule it breaks.

        text: What was seen.

        began: When the lookup began.

        since: When the invalidation was called that it should have heeded, or 0.
    """

    what: str
    text: str
    began: float = 0.0
    since: float = 0.0


@attrs.frozen
class Wait:
    """The longest wait of a while: until when, how many seconds, and for what."""

    at: float
    seconds: float
    what: str = ""


@attrs.frozen
class Report:
    """What happened since the last one."""

    outcomes: "Counter[str]"
    wrongs: list[Wrong]
    longest: Wait | None
    lag: float
    rss: int


@attrs.define(eq=False)
class Book:
    """Kept by all callers of a process together."""

    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _outcomes: "Counter[str]" = attrs.field(factory=Counter, init=False)
    _wrongs: list[Wrong] = attrs.field(factory=list, init=False)
    _longest: Wait | None = attrs.field(default=None, init=False)
    _invalidated: dict[str, float] = attrs.field(factory=dict, init=False)
    _cleared: float = attrs.field(default=0.0, init=False)
    _lags: "deque[Wait]" = attrs.field(factory=lambda: deque(maxlen=200), init=False)

    # Invalidations

    def invalidated(self, key: str, called: float) -> None:
        """Note that an invalidation returned that reached Redis."""
        with self._lock:
            self._invalidated[key] = max(called, self._invalidated.get(key, 0.0))
            self._outcomes["invalidate"] += 1

    def cleared(self, called: float) -> None:
        """Note that a clear() returned that reached Redis."""
        with self._lock:
            self._cleared = max(called, self._cleared)
            self._outcomes["clear"] += 1

    def since(self, key: str) -> float:
        """Return before when no load may have begun whose value is served now."""
        return max(self._invalidated.get(key, 0.0), self._cleared)

    # Lookups

    def served(
        self, key: str, tag: str, value: Made, began: float, since: float
    ) -> None:
        """Judge what a lookup returned."""
        ended = time.monotonic()
        policy = policy_of(key)
        wrong: Wrong | None = None
        age = began - value.made
        if value.key != key:
            wrong = Wrong("wrong value", f"{value} for {key}", began)
        elif value.begun < since:
            early = since - value.begun
            text = f"{tag}: a load that began {early:.3f} s before it: {value}"
            wrong = Wrong("invalidated value", text, began, since)
        elif age > policy.ttl + TIMEOUT + LONGEST_PAUSE + SLACK:
            wrong = Wrong("expired value", f"{tag}: {age:.3f} s old: {value}", began)
        self._note(key, tag, began, ended, wrong)

    def raised(self, key: str, error: Exception, began: float) -> None:
        """Judge what a lookup raised."""
        ended = time.monotonic()
        match error:
            case LoaderError():
                fair = error.args == (key,)
            case LoadFailedElsewhere():
                fair = error.kind == "LoaderError" and error.message == key
            case LoadTimeout():
                fair = key.startswith("hang:")
            case _:
                fair = False
        name = type(error).__name__
        text = f"{name}: {error} for {key} after {ended - began:.3f} s"
        wrong = None if fair else Wrong("exception", text, began)
        self._note(key, name, began, ended, wrong)

    def _note(
        self, key: str, tag: str, began: float, ended: float, wrong: Wrong | None
    ) -> None:
        seconds = ended - began
        with self._lock:
            self._outcomes[tag] += 1
            if wrong is not None:
                self._add(wrong)
            if seconds > policy_of(key).wait_for + TIMEOUT + SLACK + self._lag(began):
                text = f"{tag} for {key} after {seconds:.3f} s"
                self._add(Wrong("deadline", text, began))
            hangs = key.startswith("hang:")
            if not hangs and (self._longest is None or seconds > self._longest.seconds):
                self._longest = Wait(ended, seconds, f"{tag}, {key}")

    def _add(self, wrong: Wrong) -> None:
        if len(self._wrongs) < MOST_WRONGS:
            self._wrongs.append(wrong)
        self._outcomes[f"({wrong.what})"] += 1

    # The machine

    def lagged(self, seconds: float) -> None:
        """Note that a thread or task that wanted to go on had to wait so long."""
        if seconds > 0.05:
            with self._lock:
                self._lags.append(Wait(time.monotonic(), seconds))

    def _lag(self, began: float) -> float:
        return max((one.seconds for one in self._lags if one.at >= began), default=0.0)

    def report(self) -> Report:
        """Return what happened since the last call."""
        with self._lock:
            outcomes, self._outcomes = self._outcomes, Counter()
            wrongs, self._wrongs = self._wrongs, []
            longest, self._longest = self._longest, None
            lag = max((one.seconds for one in self._lags), default=0.0)
        return Report(outcomes, wrongs, longest, lag, rss())


def rss() -> int:
    """Return how much memory this process occupies, bytes."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 (a hundred times faster)
        return int(statm.read().split()[1]) * 4096
