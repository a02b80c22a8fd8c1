"""Every error that the library raises of its own accord.

A loader's own exception is never wrapped in one of these. Two of them,
:class:`Undecodable` and :class:`Unencodable`, stay inside: a lookup turns them
into a counted miss and a value that is returned but not stored.
"""


class HybridCacheError(Exception):
    """Root of all errors of this library."""


class Closed(HybridCacheError):  # noqa: N818 (the design's word for the state)
    """The cache was closed: make a new one."""


class LoadTimeout(HybridCacheError, TimeoutError):  # noqa: N818 (design, section 2)
    """No value within ``wait_for``; the text says what became of the load."""


class LoadFailedElsewhere(HybridCacheError):  # noqa: N818 (design, section 3)
    """Another process's loader failed and this caller had no time to try itself.

    Attributes:

        kind: Name of the exception's type in that process.

        message: Its text, at most 1 KiB.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return f"the load failed in another process: {self.kind}: {self.message}"


class ReentrantLoad(HybridCacheError):  # noqa: N818 (design, section 5)
    """A load asked for a key that waits for this very load."""


class WouldBlockLoop(HybridCacheError):  # noqa: N818 (design, section 5)
    """A sync lookup would wait on a flight that its own thread's event loop runs."""


class Undecodable(HybridCacheError):  # noqa: N818 (names what the bytes are)
    """Bytes in Redis that our encoder did not make for this key and type.

    Attributes:

        reason: A word fit for a metric label: ``magic``, ``key``, ``shape``...
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class Unencodable(HybridCacheError, TypeError):  # noqa: N818 (names what the value is)
    """A value that the codec cannot bring back equal and of the declared type."""
