"""What the cache would do with a request, and why, for people to read."""

import attrs

from hybridcache.core.explanation import Explanation
from hybridcache.core.http.message import Stored


@attrs.frozen
class RequestExplanation:
    """What the cache would do with a request.

    Attributes:

        course: ``hit``, ``stale-hit``, ``revalidate``, ``miss``, ``gateway-timeout``, or
            ``bypass``.

        why: The reason, in a word of Cache-Status (RFC 9211, section 2.2); empty for a
            hit.

        key: The cache key of the response, its variant's where the URL has several;
            empty for what bypasses the cache.

        stored: The response that is held, if there is one.

        age: Its age, seconds.

        entry: What each tier holds under *key*.
    """

    course: str
    why: str = ""
    key: str = ""
    stored: Stored | None = None
    age: float = 0.0
    entry: Explanation | None = None

    def __str__(self) -> str:
        """Say it in lines."""
        lines = [f"{self.course} ({self.why})" if self.why else self.course]
        if self.stored is not None:
            lines.append(
                f"stored: status {self.stored.status}, {len(self.stored.body)} bytes,"
                f" age {self.age:.1f} s, fresh for {self.stored.lifetime:g} s in all"
            )
        if self.entry is not None:
            lines.append(str(self.entry))
        return "\n".join(lines)
