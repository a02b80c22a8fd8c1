"""What a panel is, whichever way it is drawn."""

from enum import Enum

import attrs


class Unit(Enum):
    """What a panel's numbers are."""

    RATE = "per second"
    SHARE = "share"
    SECONDS = "seconds"
    BYTES = "bytes"
    COUNT = "count"


class Shape(Enum):
    """How a panel is drawn."""

    LINES = "lines"
    STACKED = "stacked"


@attrs.frozen
class Line:
    """One query of a panel.

    Attributes:

        expression: PromQL, with the filter and the window left open.

        legend: What its series are called; ``{{label}}`` is a label's value.
    """

    expression: str
    legend: str


@attrs.frozen
class Panel:
    """One panel.

    Attributes:

        name: Its own, in addresses and tests.

        title: What it shows.

        tells: What one learns from it, in a sentence.

        unit: Of its numbers.

        lines: Its queries.

        shape: How it is drawn.

        wide: Whether it takes two columns.
    """

    name: str
    title: str
    tells: str
    unit: Unit
    lines: tuple[Line, ...]
    shape: Shape = Shape.LINES
    wide: bool = False


@attrs.frozen
class Section:
    """Panels that belong together."""

    title: str
    panels: tuple[Panel, ...]
