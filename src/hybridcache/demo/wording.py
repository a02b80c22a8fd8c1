"""Numbers in words."""


def number(count: int, noun: str) -> str:
    """Say how many: ``1 load``, ``2,000 loads``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def seconds_of(seconds: float) -> str:
    """Say how long: in milliseconds or in seconds."""
    if seconds < 0.0095:  # noqa: PLR2004 (9.5 ms: one digit more below)
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 0.9995:  # noqa: PLR2004 (999.5 ms)
        return f"{seconds * 1e3:.0f} ms"
    return f"{seconds:,.1f} s"


def long_time(seconds: float) -> str:
    """Say how long, for people: seconds, minutes or hours."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest} s"
    return seconds_of(seconds)
