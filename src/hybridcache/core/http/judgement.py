"""What may become of an origin's response: a closed union."""

from typing import TypeAlias

import attrs

from hybridcache.core.http.message import Stored


@attrs.frozen(kw_only=True)
class Keep:
    """Store it, when its body has come whole.

    Attributes:

        template: What is stored, but for the body.

        prefix: The part that is here already: what came continues it, and the client
            gets both as one.

        expected: How long the body that comes now must be; None if unknown.
    """

    template: Stored
    prefix: bytes = b""
    expected: int | None = None


@attrs.frozen
class Freshened:
    """The origin found what is stored still good.

    Attributes:

        stored: That, with what the origin said.

        keep: Whether it may be stored on; else it serves this request alone.
    """

    stored: Stored
    keep: bool = True


@attrs.frozen
class UseStale:
    """The origin failed: serve what is stored."""

    stored: Stored


@attrs.frozen
class Pass:
    """The client gets it as it is, and it is not stored.

    Attributes:

        reason: In words.

        lasting: The next response to the same request will be no other.
    """

    reason: str
    lasting: bool = False


@attrs.frozen
class Again:
    """Ask the origin again, without any condition or range of the cache's."""


Judgement: TypeAlias = Keep | Freshened | UseStale | Pass | Again
