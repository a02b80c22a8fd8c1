"""Which event loop runs in this thread, if one does."""

import asyncio


def running_loop() -> object | None:
    """Return the running event loop of this thread, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
