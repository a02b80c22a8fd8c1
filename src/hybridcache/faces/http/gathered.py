"""The content of a response that is fetched in the background."""

from hybridcache.engine.http.behind import RefreshFailed


class Gathered:
    """What has come of it so far, within bounds.

    Args:

        most: Longest that may be stored, bytes: a policy's *max_body*.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._body = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take a part of it.

        Raises:

            RefreshFailed: It is longer than could be stored.
        """
        self._body += chunk
        if len(self._body) > self._most:
            msg = f"the content is longer than max_body={self._most} bytes"
            raise RefreshFailed(msg)

    def __len__(self) -> int:
        return len(self._body)

    def whole(self) -> bytes:
        """Return all of it."""
        return bytes(self._body)
