"""The content of a response that is to be stored, copied as it comes."""

import attrs

from hybridcache.core.http.making import finished
from hybridcache.core.http.message import Head, Stored
from hybridcache.core.http.storable import content_length


@attrs.define(eq=False)
class Content:
    """What has come of it so far.

    Attributes:

        template: What is stored, but for the body.

        head: What the origin said of it.

        most: Longest that may be stored, bytes.
    """

    template: Stored
    head: Head
    most: int
    _chunks: list[bytes] = attrs.field(factory=list, init=False)
    _size: int = attrs.field(default=0, init=False)

    def add(self, chunk: bytes) -> bool:
        """Take a part; whether it may still be stored."""
        self._size += len(chunk)
        if self._size > self.most:
            return False
        self._chunks.append(chunk)
        return True

    @property
    def whole(self) -> bool:
        """Whether all has come that the head announced."""
        return self._size == content_length(self.head.headers)

    def finished(self) -> Stored | None:
        """Return what is stored; None if it did not come whole."""
        return finished(self.template, b"".join(self._chunks), self.head)
