"""What is asked when a key is to be explained."""

from typing import Final, Protocol

import attrs

from hybridcache.core.policy import Policy

# Where no policy is given: an entry is judged by its own lives, and the rest is as
# Policy has it by default.
ANY_POLICY: Final = Policy(fresh_for=1, ttl=1)


class Declared(Protocol):
    """The codec of a declared type, as far as a look needs it."""

    @property
    def fingerprint(self) -> bytes:
        """Digest of the declared type's shape."""

    def decode(self, data: bytes) -> object:
        """Decode a body, or raise `Undecodable`."""


@attrs.frozen
class Inquiry:
    """What is asked for.

    Attributes:

        key: The key.

        policy: By which a lookup would judge.

        shape: Of the declared type, which entries must fit; None for any.

        bypass: Whether lookups of this context read and write nothing.
    """

    key: str
    policy: Policy = ANY_POLICY
    shape: Declared | None = None
    bypass: bool = False

    def fits(self, fingerprint: bytes) -> bool:
        """Whether a lookup would take what was made under that shape."""
        return self.shape is None or self.shape.fingerprint == fingerprint
