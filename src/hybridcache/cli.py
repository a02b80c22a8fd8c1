"""The command ``hybridcache``."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

SHORTEST, LONGEST = 5.0, 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="hybridcache", description="A typed two-tier cache: memory and Redis."
    )
    parser.add_argument(
        "--version", action="version", version=f"hybridcache {_version()}"
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    demo = commands.add_parser(
        "demo",
        help="see it work: a slow search, several processes, a Redis that goes away",
        description="Three processes with dozens of callers search the standard"
        " library's source through one Redis, which is stopped and started again.",
    )
    demo.add_argument(
        "--seconds",
        type=_seconds,
        default=22.0,
        metavar="N",
        help="how long the acts take in all, 5 to 30 (default: 22)",
    )
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help(sys.stderr)
        return 2
    return _demo(chosen.seconds)


def _demo(seconds: float) -> int:
    if not _has_rich():
        print(
            "hybridcache demo needs rich, which the extra 'cli' installs:\n"
            "    pip install 'hybridcache[cli]'",
            file=sys.stderr,
        )
        return 1
    # Only here: the package itself does without rich.
    from hybridcache.demo.show import run  # noqa: PLC0415

    return run(seconds)


def _has_rich() -> bool:
    try:
        return find_spec("rich") is not None
    except ValueError:
        return False  # someone blocked it in sys.modules


def _seconds(text: str) -> float:
    seconds = float(text)
    if not SHORTEST <= seconds <= LONGEST:
        msg = f"must be from {SHORTEST:.0f} to {LONGEST:.0f}, not {text}"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def _version() -> str:
    try:
        return version("hybridcache")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
