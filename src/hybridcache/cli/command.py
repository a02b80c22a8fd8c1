"""The command line: its words, its options, and how it ends."""

import argparse
import io
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from hybridcache.cli.demo import demo
from hybridcache.cli.exits import Ended, Exit, tell_aside, without_secrets
from hybridcache.cli.explain import explain
from hybridcache.cli.health import health

SHORTEST, LONGEST = 5.0, 30.0
# Longer than a cache would wait: who asks by hand may ask a Redis far away.
DEFAULT_TIMEOUT = 2.0
LONGEST_TIMEOUT = 60.0
# As shells have it: 128 and the number of SIGINT.
INTERRUPTED = 130

_CODES = """\
exit codes:
  0  explain: a fresh entry is there; health: Redis is fit for a cache
  1  explain: no fresh entry (absent, stale, expired, cleared); health: not fit
  2  wrong usage: an option, the URL, a key that can be none
  3  Redis cannot be reached, or does not let us in
  4  explain: what stands under the name is no entry of hybridcache
  5  the answer could not be written: a full disk, for one
"""


class _Parser(argparse.ArgumentParser):
    """A parser that repeats no password of a URL that came in a wrong place."""

    def error(self, message: str) -> NoReturn:
        super().error(without_secrets(message))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A key may have characters that the terminal's encoding has not.
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        match chosen.command:
            case "demo":
                return demo(chosen.seconds)
            case "explain":
                return explain(
                    chosen.url,
                    chosen.key,
                    prefix=chosen.prefix,
                    timeout=chosen.timeout,
                    as_json=chosen.json,
                )
            case "health":
                return health(
                    chosen.url,
                    prefix=chosen.prefix,
                    timeout=chosen.timeout,
                    as_json=chosen.json,
                )
            case _:
                parser.print_help(sys.stderr)
                return Exit.USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Ended as end:
        tell_aside(without_secrets(end.line))
        return end.code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="hybridcache", description="A typed two-tier cache: memory and Redis."
    )
    parser.add_argument(
        "--version", action="version", version=f"hybridcache {_version()}"
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    shows = commands.add_parser(
        "demo",
        help="see it work: a slow search, several processes, a Redis that goes away",
        description="Three processes with dozens of callers search the standard"
        " library's source through one Redis, which is stopped and started again.",
    )
    shows.add_argument(
        "--seconds",
        type=_seconds,
        default=22.0,
        metavar="N",
        help="how long the acts take in all, 5 to 30 (default: 22)",
    )
    explains = commands.add_parser(
        "explain",
        help="what Redis holds of one key, and what a lookup would do",
        description="Say what Redis holds of one key: the entry's age and state, who"
        " holds its lease, what keeps loads from starting. Nothing is changed, and the"
        " value is not shown.",
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _place(explains)
    explains.add_argument(
        "key",
        metavar="KEY",
        help="the whole name in Redis, 'shop:{items:7}', or with --prefix the key",
    )
    explains.add_argument(
        "--prefix", metavar="P", help="what the cache's names begin with, such as shop:"
    )
    checks = commands.add_parser(
        "health",
        help="whether a Redis is fit for a cache",
        description="Say whether a Redis is fit for a cache: reachable, 6.2 or newer,"
        " no replica, scripts and messages allowed. No data is changed.",
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _place(checks)
    checks.add_argument(
        "--prefix",
        metavar="P",
        help="look at this prefix's marker and channel as well, and try its rights",
    )
    return parser


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "url", metavar="URL", help="redis://host:port/db, rediss:// or unix://"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, in one line")
    parser.add_argument(
        "--timeout",
        type=_timeout,
        default=DEFAULT_TIMEOUT,
        metavar="S",
        help=f"of each request, seconds (default: {DEFAULT_TIMEOUT:g})",
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not SHORTEST <= seconds <= LONGEST:
        msg = f"must be from {SHORTEST:.0f} to {LONGEST:.0f}, not {text}"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def _timeout(text: str) -> float:
    seconds = float(text)
    if not 0.0 < seconds <= LONGEST_TIMEOUT:
        msg = f"must be above 0, up to {LONGEST_TIMEOUT:.0f}, not {text}"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def _version() -> str:
    try:
        return version("hybridcache")
    except PackageNotFoundError:
        return "(not installed)"
