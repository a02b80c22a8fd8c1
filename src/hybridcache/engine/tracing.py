"""What a tracer is asked to do; the engine knows when, the tracer knows how.

A lookup and a load are blocks, for what happens inside belongs to them. A wait and a
request to Redis are told once they have ended: nothing happens inside.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

import attrs

from hybridcache.core.outcome import Outcome, Scope


class LookupSpan(Protocol):
    """A lookup that is being traced."""

    def served(self, outcome: Outcome[object]) -> None:
        """Say what it ended in."""

    def failed(self, error: BaseException) -> None:
        """Say what its loader raised."""


class LoadSpan(Protocol):
    """A load that is being traced.

    Attributes:

        link: What those who wait for it refer to.
    """

    @property
    def link(self) -> object:
        """What those who wait for it refer to."""

    def ended(self, result: str, error: BaseException | None) -> None:
        """Say what it ended in: stored, unstored or error."""


class Tracing(Protocol):
    """Where spans go.

    Attributes:

        active: Whether anybody takes spans.
    """

    @property
    def active(self) -> bool:
        """Whether anybody takes spans."""

    def recording(self) -> bool:
        """Whether the caller's own span is recorded, and so every lookup inside."""

    def lookup(self, function: str, key: str) -> AbstractContextManager[LookupSpan]:
        """Trace what is inside as a lookup."""

    def refresh(self, function: str, key: str) -> AbstractContextManager[object]:
        """Trace what is inside apart from the lookup that caused it."""

    def load(self, function: str, key: str) -> AbstractContextManager[LoadSpan]:
        """Trace what is inside as a load."""

    def waited(self, scope: Scope, link: object, seconds: float) -> None:
        """Tell that another's load was waited for until now."""

    def asked(self, operation: str, result: str, seconds: float) -> None:
        """Tell that Redis was asked, and that the answer came just now."""


class _Untraced:
    """A lookup or a load that nobody traces."""

    link: object = None

    def served(self, outcome: Outcome[object]) -> None:
        """Tell nobody."""

    def failed(self, error: BaseException) -> None:
        """Tell nobody."""

    def ended(self, result: str, error: BaseException | None) -> None:
        """Tell nobody."""


UNTRACED: Final = nullcontext(_Untraced())
"""A block of which no span is made."""


@attrs.frozen
class NoTracing:
    """The tracer where there is none."""

    active: bool = False

    def recording(self) -> bool:
        """Say that nothing is recorded."""
        return False

    def lookup(self, function: str, key: str) -> AbstractContextManager[LookupSpan]:  # noqa: ARG002 (a port)
        """Make no span."""
        return UNTRACED

    def refresh(self, function: str, key: str) -> AbstractContextManager[object]:  # noqa: ARG002 (a port)
        """Make no span."""
        return UNTRACED

    def load(self, function: str, key: str) -> AbstractContextManager[LoadSpan]:  # noqa: ARG002 (a port)
        """Make no span."""
        return UNTRACED

    def waited(self, scope: Scope, link: object, seconds: float) -> None:
        """Make no span."""

    def asked(self, operation: str, result: str, seconds: float) -> None:
        """Make no span."""
