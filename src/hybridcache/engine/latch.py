"""Something that happens once and that threads and tasks wait for.

A waiter leaves a wake-up call; whoever settles the latch makes all calls, outside
the lock. A wake-up call must not block, raise or come back here.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Generic, TypeAlias, TypeVar

import attrs

T = TypeVar("T")
Wake: TypeAlias = Callable[[], None]
Lock: TypeAlias = AbstractContextManager[object]


@attrs.define(eq=False)
class Latch(Generic[T]):
    """Unsettled until :meth:`settle`; the first answer stays.

    Attributes:

        carrier: The event loop that the answer will come from, if one will. A sync
            wait on that loop's own thread would wait for ever.

        orphaned: Whether that loop is gone and no answer will come.
    """

    _lock: Lock
    carrier: object | None = attrs.field(default=None, init=False)
    orphaned: Callable[[], bool] = attrs.field(default=lambda: False, init=False)
    _answer: T | None = attrs.field(default=None, init=False)
    _settled: bool = attrs.field(default=False, init=False)
    _wakes: list[Wake] = attrs.field(factory=list, init=False)

    @property
    def answer(self) -> T | None:
        """The answer, or None while there is none."""
        return self._answer

    @property
    def waiting(self) -> int:
        """How many wait for it now."""
        return len(self._wakes)

    def add(self, wake: Wake) -> bool:
        """Have *wake* called once settled; False if that was already so."""
        with self._lock:
            if not self._settled:
                self._wakes.append(wake)
            return not self._settled

    def discard(self, wake: Wake) -> None:
        """Forget *wake*, if it was not called yet."""
        with self._lock:
            if wake in self._wakes:
                self._wakes.remove(wake)

    def settle(self, answer: T | None) -> bool:
        """Give the answer, None for none, and make the calls; False if done before."""
        with self._lock:
            if self._settled:
                return False
            self._answer, self._settled = answer, True
            wakes, self._wakes = self._wakes, []
        for wake in wakes:
            wake()
        return True
