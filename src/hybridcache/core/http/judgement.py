"""What may become of an origin's response: a closed union."""

from typing import TypeAlias

import attrs

from hybridcache.core.http.message import Head, Headers, Stored


@attrs.frozen(kw_only=True)
class Keep:
    """Store it, when its body has come whole.

    Attributes:

        template: What is stored, but for the body.

        prefix: The part that is here already: what comes continues it, and the client
            gets both as one.

        head: The head for that; None: the client gets the origin's.
    """

    template: Stored
    prefix: bytes = b""
    head: Head | None = None


@attrs.frozen
class Freshened:
    """The origin found what is stored still good: serve it, and store it so.

    Attributes:

        stored: It.

        own: Lines of the origin's that are for this client alone.
    """

    stored: Stored
    own: Headers = ()


@attrs.frozen
class ServeOnce:
    """What is stored is still good for this request, and may not be stored on.

    Attributes:

        stored: It.

        own: Lines of the origin's that are for this client alone.
    """

    stored: Stored
    own: Headers = ()


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


Judgement: TypeAlias = Keep | Freshened | ServeOnce | UseStale | Pass | Again
