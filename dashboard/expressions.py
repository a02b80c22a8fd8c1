"""PromQL, put together by functions: a name, a filter and an aggregation at a time.

What depends on where an expression is shown stays open: ``$selector`` stands for the
filter of job, instance and cache, ``$window`` for the range that rates are taken over.
"""

from typing import Final

PREFIX: Final = "hybridcache_"
SELECTOR: Final = "$selector"
WINDOW: Final = "$window"


def series(name: str, where: str = "") -> str:
    """Select a metric's series, by the open filter and one of one's own."""
    filters = f"{where}, {SELECTOR}" if where else SELECTOR
    return f"{PREFIX}{name}{{{filters}}}"


def rate(name: str, *by: str, where: str = "") -> str:
    """Say how often per second something was counted, summed by labels."""
    return _summed(f"rate({series(name, where)}[{WINDOW}])", by)


def total(name: str, *by: str, where: str = "") -> str:
    """Add gauges up, by labels."""
    return _summed(series(name, where), by)


def share(name: str, *by: str, where: str) -> str:
    """Say which part of a counter's rate *where* selects: 0 where it has no series."""
    part, whole = rate(name, *by, where=where), rate(name, *by)
    return f"({part} or 0 * {whole}) / {whole}"


def quantile(rank: float, name: str, *by: str, where: str = "") -> str:
    """Estimate a quantile of a histogram of seconds, by labels."""
    buckets = rate(f"{name}_bucket", "le", *by, where=where)
    return f"histogram_quantile({rank:g}, {buckets})"


def settled(expression: str, selector: str, window: str) -> str:
    """Fill in what was left open; an empty selector leaves nothing behind."""
    if selector:
        expression = expression.replace(SELECTOR, selector)
    else:
        expression = expression.replace(f"{{{SELECTOR}}}", "")
        expression = expression.replace(f", {SELECTOR}", "")
    return expression.replace(WINDOW, window)


def _summed(expression: str, by: tuple[str, ...]) -> str:
    grouping = f" by ({', '.join(by)}) " if by else ""
    return f"sum{grouping}({expression})"
