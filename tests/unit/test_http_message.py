"""What is stored is checked: it may come from a Redis that others write to."""

import math
from typing import Any

import attrs
import pytest

from hybridcache.core.http.message import Stored

SOUND = Stored(
    status=200, headers=(), body=b"", length=0, lifetime=60.0, initial_age=0.0
)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 103},
        {"status": 0},
        {"status": 1000},
        {"lifetime": math.inf},
        {"lifetime": math.nan},
        {"initial_age": -1.0},
        {"stale_if_error": 1e300},
        {"headers": ((b"a", b"b\r\nset-cookie: c"),)},
        {"headers": ((b"a\nb", b""),)},
        {"headers": ((b"a", b"\0"),)},
    ],
)
def test_what_was_never_stored_is_refused(changes: dict[str, Any]) -> None:
    """A forged record, well-formed as it may be, is none of a stored response."""
    with pytest.raises(ValueError, match="stored"):
        attrs.evolve(SOUND, **changes)
