"""What a tier answers when it is asked for an entry."""

import attrs

from hybridcache.core.outcome import Tier
from hybridcache.engine.form import Form, Whole


@attrs.frozen
class Hit:
    """What a tier holds, not yet judged; it can be assessed as it is.

    Attributes:

        form: The value, as it may be kept and handed to many.

        tier: Memory or Redis.

        written_at: Monotonic instant, seconds; not later than it really was.

        fresh_for: Seconds.

        ttl: Seconds.

        identity: Tells Redis's entry from any other.

        opened: The value itself where it was decoded just now: for one caller.
    """

    form: Form[object]
    tier: Tier
    written_at: float
    fresh_for: float
    ttl: float
    identity: bytes
    opened: Whole[object] | None = None

    @property
    def served(self) -> Form[object]:
        """What the caller who found it is given."""
        return self.form if self.opened is None else self.opened

    def for_another(self) -> "Hit":
        """Return it for a caller who shares the find, with a value of its own."""
        return self if self.opened is None else attrs.evolve(self, opened=None)


@attrs.frozen
class Missing:
    """Redis holds nothing that will do; *identity* of what it holds instead."""

    identity: bytes = b""
