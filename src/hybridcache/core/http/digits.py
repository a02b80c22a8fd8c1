"""Numbers of HTTP fields: ASCII digits, no sign, clipped instead of overflowing."""

from typing import Final

# RFC 9111, section 1.2.2: a recipient may take any greater number for this one.
LONGEST: Final = 2**31


def number(value: bytes, most: int = LONGEST) -> int | None:
    """Read digits; a number above *most* is *most*, anything but digits is None."""
    if not value.isdigit():
        return None
    digits = value.lstrip(b"0")
    # Python refuses to convert thousands of digits, and they need not be converted.
    if len(digits) > len(str(most)):
        return most
    return min(int(digits or b"0"), most)
