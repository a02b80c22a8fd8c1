"""The fixture of both colours."""

from collections.abc import Iterator

import pytest

from tests.colours import Colour, colour_of


@pytest.fixture(name="colour", params=["sync", "async"])
def _colour(request: pytest.FixtureRequest) -> Iterator[Colour]:
    """Each test once in each colour."""
    with colour_of(request.param) as colour:
        yield colour
