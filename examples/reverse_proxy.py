"""A caching reverse proxy, built from any HTTP face of the library.

Run it, with h11, httpx and requests installed, or by ``make proxy ARGS="..."``::

    python examples/reverse_proxy.py --origin http://127.0.0.1:8000 --face asgi

It trusts its origin: by default the policy is the conformant one, which stores what
sets a cookie too, and guesses freshness from Last-Modified. With ``--profile safe`` it
does neither.

What it is made of is in ``examples/proxy``.
"""

import argparse
import contextlib
import errno
import logging
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

if not __package__:
    # Run by its path: the root of the repository is where ``examples`` is found.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from examples.proxy.wiring import Inner, Plan, Profile, run

_NO_FACE = "none"
# A port that is in use, that is not ours to take, or of an address that is not here.
_NO_PLACE = frozenset({errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL})


def plan_of(arguments: list[str]) -> Plan:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="reverse_proxy.py",
        description="A caching reverse proxy, built from an HTTP face of the library.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--origin",
        required=True,
        # It has none: without this the help would name None.
        default=argparse.SUPPRESS,
        type=_origin,
        metavar="URL",
        help="whose responses are cached: http://HOST:PORT",
    )
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8080",
        type=_address,
        metavar="HOST:PORT",
        help="where to serve; port 0 for any that is free",
    )
    parser.add_argument(
        "--face",
        default=Inner.ASGI,
        choices=[*Inner, _NO_FACE],
        help="what the proxy is built from",
    )
    parser.add_argument("--redis", metavar="URL", help="a second tier")
    parser.add_argument(
        "--profile",
        default=Profile.CONFORMANT,
        choices=list(Profile),
        type=Profile,
        help=(
            "conformant: all that the RFCs allow a shared cache, responses that set"
            " a cookie included; safe: HTTPPolicy.safe()"
        ),
    )
    # Without a face: through what it would wrap.
    parser.add_argument(
        "--inner",
        default=Inner.ASGI,
        choices=list(Inner),
        type=Inner,
        help=argparse.SUPPRESS,
    )
    chosen = parser.parse_args(arguments)
    cached = chosen.face != _NO_FACE
    return Plan(
        origin=chosen.origin,
        listen=chosen.listen,
        inner=Inner(chosen.face) if cached else chosen.inner,
        cached=cached,
        redis=chosen.redis,
        profile=chosen.profile,
    )


def main() -> int:
    """Be a proxy until interrupted."""
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
    plan = plan_of(sys.argv[1:])
    host, port = plan.listen
    try:
        with contextlib.suppress(KeyboardInterrupt):
            run(plan, lambda at: print(f"http://{host}:{at}", flush=True))
    except OSError as error:
        if error.errno not in _NO_PLACE:
            raise
        why = os.strerror(error.errno)
        print(f"cannot listen on {host}:{port}: {why}", file=sys.stderr)
        return 1
    return 0


def _origin(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None or parts.path not in {"", "/"}:
        msg = f"{url!r} is not of the form http://HOST:PORT"
        raise argparse.ArgumentTypeError(msg)
    return parts.hostname, parts.port or 80


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        msg = f"{text!r} is not of the form HOST:PORT"
        raise argparse.ArgumentTypeError(msg)
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main())
