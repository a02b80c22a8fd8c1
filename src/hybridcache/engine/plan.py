"""What a load sets out with: what its caller has learned so far."""

import attrs

from hybridcache.engine.form import Form
from hybridcache.engine.lease_requests import Mode


@attrs.frozen
class Plan:
    """What a load sets out with.

    Attributes:

        mode: Which records of failures count; a refresh does not wait for a lease.

        rejected: Identity of the entry in Redis that would not do.

        previous: The value that it will replace, if any is known.

        cause: Why Redis did not answer; the load then does without.
    """

    mode: Mode = Mode.LOAD
    rejected: bytes = b""
    previous: Form[object] | None = None
    cause: str | None = None

    @property
    def cold(self) -> bool:
        """Whether Redis answered that it holds nothing."""
        return self.mode is Mode.LOAD and not self.rejected and self.cause is None

    def again(self) -> "Plan":
        """Return the plan of a follower that takes over."""
        return Plan(self.mode, self.rejected, self.previous)
