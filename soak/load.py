"""Load with faults: processes with real caches, one real Redis, and what goes wrong.

    python -m soak.load [--seconds N] [--seed N] [--workers N] [--rate N] [--every N]

Looked at all along: no wrong value, none that was invalidated before the lookup, no
exception that is not the loader's, no caller over its deadline; memory that does not
grow; and at the end no task, thread, connection, lease or record left behind. Prints
the figures; the exit code is 1 if anything was wrong. The seed fixes which faults
there are and which keys are asked for, not how the processes interleave.
"""

import argparse
import secrets
import signal
import sys
import time
from random import Random

from hybridcache.testing.server import RedisServer
from soak.crew import Crew
from soak.faults import Happened, Stage, drawn, happen
from soak.orders import Leave
from soak.verdict import figures, grown, left_in_redis, wrongs


def main() -> int:
    """Run the soak that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m soak.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rate", type=float, default=10_000, help="lookups a second")
    parser.add_argument("--every", type=float, default=3.0, help="seconds to a fault")
    asked = parser.parse_args()
    # Told to end, it ends its processes and its server, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seed = secrets.randbits(32) if asked.seed is None else asked.seed
    print(f"load with faults: seed {seed}, {asked.workers} processes", flush=True)
    with RedisServer() as server:
        crew = Crew(server.url, "soak:", seed, asked.workers, asked.rate)
        try:
            stage = Stage(server, crew, Random(seed))
            begun = time.monotonic()
            happened = _faults(stage, begun + asked.seconds, asked.every)
            seconds = time.monotonic() - begun
            crew.tell(Leave())
            problems = [f"left behind: {text}" for text in crew.ended()]
            with server.client() as client:
                problems += [f"left behind: {text}" for text in left_in_redis(client)]
        finally:
            crew.close()
    found = wrongs(crew, stage.restored)
    problems += [f"{wrong.what}, {name}: {wrong.text}" for name, wrong in found]
    problems += [text for text in map(grown, crew.members) if text is not None]
    for line in figures(crew, happened, seconds):
        print(line)
    print(f"{len(problems)} thing(s) wrong")
    for problem in problems:
        print(f"  {problem}")
    return 1 if problems else 0


def _faults(stage: Stage, until: float, every: float) -> list[Happened]:
    """Let a fault happen every few seconds, none of them near the end."""
    happened: list[Happened] = []
    for kind in drawn(stage.random):
        calm = stage.between(0.5, 1.5) * every
        if time.monotonic() + calm + min(5.0, every) > until and happened:
            break
        time.sleep(calm)
        happened.append(happen(kind, stage))
    time.sleep(max(0.0, until - time.monotonic()))
    return happened


if __name__ == "__main__":
    sys.exit(main())
