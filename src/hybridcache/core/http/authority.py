"""A Host as a key has it: one form for what means the same (RFC 9110, section 4.2.3)."""

from typing import Final

DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def authority(host: bytes, scheme: str) -> str:
    """Return *host* in lower case and without the scheme's default port."""
    name = host.decode("latin-1").strip().lower()
    return name.removesuffix(DEFAULT_PORTS.get(scheme, ":"))
