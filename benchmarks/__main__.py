"""Measure the library against its bars; print a table and write JSON.

    python -m benchmarks [--json FILE] [--strict] [--only WORD]

It starts a Redis server of its own, and web servers, and takes about three minutes.
"""

import argparse
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import attrs

from benchmarks import (
    memory_hit,
    miss,
    redis_down,
    redis_hit,
    stampede,
    web_hit,
    web_misses,
)
from benchmarks.measuring import Measured
from hybridcache.testing.server import RedisServer

# The last one leaves the server dead.
PARTS: Final[dict[str, Callable[[RedisServer], list[Measured]]]] = {
    "memory": lambda _: memory_hit.measure(),
    "redis": redis_hit.measure,
    "miss": miss.measure,
    "stampede": stampede.measure,
    "web": lambda _: web_hit.measure(),
    "misses": web_misses.measure,
    "down": redis_down.measure,
}


def main() -> int:
    """Run what is asked for."""
    # A part stops Redis: that is in the table, and need not stand across it.
    logging.getLogger("hybridcache").addHandler(logging.NullHandler())
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"))
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if a bar is missed"
    )
    parser.add_argument("--only", choices=PARTS, action="append", metavar="WORD")
    asked = parser.parse_args()
    begun = time.monotonic()
    with RedisServer() as server:
        with server.client() as client:
            redis_version = str(client.info("server")["redis_version"])
        machine = {
            "python": platform.python_version(),
            "redis": redis_version,
            "redis-py": version("redis"),
            "cores": os.cpu_count(),
            "system": platform.platform(),
        }
        print(", ".join(f"{what} {which}" for what, which in machine.items()))
        print(f"\n{'':47}{'figure':>8}  {'bar':>5}         ours   reference")
        results = []
        for measured in _all(server, asked.only or list(PARTS)):
            print(_line(measured), flush=True)
            results.append(measured)
    seconds = time.monotonic() - begun
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    bars = [attrs.asdict(one) | {"passed": one.passed} for one in results]
    report = {"machine": machine, "seconds": round(seconds, 1), "bars": bars}
    asked.json.write_text(json.dumps(report, indent=2) + "\n")
    missed = sum(not one.passed for one in results)
    print(
        f"\n{len(results) - missed} of {len(results)} bars kept, in {seconds:.0f} s;"
        f" all figures are in {asked.json}"
    )
    return 1 if missed and asked.strict else 0


def _all(server: RedisServer, parts: list[str]) -> Iterator[Measured]:
    for name, part in PARTS.items():
        if name in parts:
            yield from part(server)


def _line(one: Measured) -> str:
    what = one.path if one.measure == "ratio" else f"{one.path}: {one.measure}"
    line = f"{what:<47}{one.figure:>8.2f}  {one.bar:>5g}  "
    line += "kept  " if one.passed else "MISSED"
    if one.ours is not None and one.reference is not None:
        line += f"{_time(one.ours):>10}  {_time(one.reference):>10}"
    if "commands_per_round" in one.details:
        line += f"  {one.details['commands_per_round']} commands"
    return line.rstrip()


def _time(seconds: float) -> str:
    micros = seconds * 1e6
    return f"{micros * 1000:.0f} ns" if micros < 1 else f"{micros:.1f} us"


if __name__ == "__main__":
    sys.exit(main())
