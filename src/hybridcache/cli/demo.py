"""``hybridcache demo``: it needs rich, which the package itself does without."""

import sys
from importlib.util import find_spec


def demo(seconds: float) -> int:
    """Run the demo and return the exit code."""
    if not _has_rich():
        print(
            "hybridcache demo needs rich, which the extra 'cli' installs:\n"
            "    pip install 'hybridcache[cli]'",
            file=sys.stderr,
        )
        return 1
    # Only here: see above.
    from hybridcache.demo.show import run  # noqa: PLC0415

    return run(seconds)


def _has_rich() -> bool:
    try:
        return find_spec("rich") is not None
    except ValueError:
        return False  # someone blocked it in sys.modules
