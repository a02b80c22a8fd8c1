"""What a load hands to its callers is what a tier would give back."""

import pytest

from hybridcache.adapters.codec import shape_of
from hybridcache.engine.form import normalised


@pytest.mark.parametrize(
    ("declared", "made", "expected"),
    [
        (float, 1, 1.0),
        (float | None, 1, 1.0),
        (list[float], [1], [1.0]),
        (int, 1, 1),
        (bool, True, True),
        (str, "1", "1"),
    ],
)
def test_a_value_is_normalised_to_its_declared_type(
    declared: object, made: object, expected: object
) -> None:
    """An int where float is declared is a float for the first caller too."""
    value, _ = normalised(made, shape_of(declared))

    assert repr(expected) == repr(value)
