"""Close what a WSGI application returned (PEP 3333)."""


def close(iterable: object) -> None:
    """Call its ``close()``, if it has one: once, whatever became of the response."""
    method = getattr(iterable, "close", None)
    if method is not None:
        method()
