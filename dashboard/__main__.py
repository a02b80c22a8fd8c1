"""``make dashboard``: the page at work on real processes, a real Redis, and faults.

    python -m dashboard [--seconds N] [--pace N] [--port N]

Starts Prometheus, Redis and three processes of a service, and does to them what goes
wrong in production. Prints where to look, runs until Ctrl-C and ends all it started.
"""

import argparse
import math
import signal
import sys
import time
from types import FrameType

from prometheus_client import start_http_server

from dashboard.crew import Crew, ProcessLost
from dashboard.faults import Fault, Signs, Stage, schedule
from dashboard.prometheus import Prometheus, PrometheusUnavailable, find_prometheus
from hybridcache.testing.server import RedisServer, ServerUnavailable

PROCESSES = 3
POLL = 0.2
LAST_PORT = 65535
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the show that is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m dashboard",
        description="Show the library's dashboard live, with faults.",
    )
    parser.add_argument(
        "--seconds", type=_positive, help="how long it runs (default: until Ctrl-C)"
    )
    parser.add_argument(
        "--pace", type=_positive, default=1.0, help="how fast faults follow each other"
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="of Prometheus (default: a free one)"
    )
    asked = parser.parse_args()
    for ending in ENDING:
        signal.signal(ending, _interrupt)
    try:
        _run(asked.seconds, asked.pace, asked.port)
    except KeyboardInterrupt:
        print("\nStopped: all that was started has ended.", flush=True)
    except (PrometheusUnavailable, ServerUnavailable, ProcessLost) as error:
        print(f"make dashboard: {error}", file=sys.stderr)
        return 1
    return 0


def _positive(text: str) -> float:
    number = float(text)
    if not 0.0 < number < math.inf:
        msg = f"must be a number above 0, not {text}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= LAST_PORT:
        msg = f"must be from 0 (a free one) to {LAST_PORT}, not {text}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _run(seconds: float | None, pace: float, port: int) -> None:
    find_prometheus()
    signs = Signs()
    metrics, _ = start_http_server(0, addr="127.0.0.1", registry=signs.registry)
    with RedisServer() as server, Crew(server.url, PROCESSES) as crew:
        targets = {"service": crew.ports, "faults": [metrics.server_port]}
        with Prometheus(targets, port) as prometheus:
            _say(prometheus, crew)
            until = None if seconds is None else time.monotonic() + seconds
            for fault in schedule(pace):
                if not _happen(fault, Stage(server, crew), signs, until):
                    return


def _say(prometheus: Prometheus, crew: Crew) -> None:
    metrics = ", ".join(f"http://127.0.0.1:{port}/metrics" for port in crew.ports)
    print(f"dashboard   {prometheus.page}")
    print(f"Prometheus  {prometheus.url}")
    print(f"processes   {metrics}")
    print("Ctrl-C ends it.", flush=True)


def _happen(fault: Fault, stage: Stage, signs: Signs, until: float | None) -> bool:
    """Let a fault begin, last and end; say whether there is time for another."""
    now = time.monotonic()
    ends = now + fault.seconds
    if fault.name:
        print(f"   {fault.name}, {fault.seconds:.0f} s", flush=True)
    signs.show(fault, on=True)
    fault.begin(stage)
    while (now := time.monotonic()) < ends and (until is None or now < until):
        time.sleep(POLL)
    fault.end(stage)
    signs.show(fault, on=False)
    return until is None or now < until


def _interrupt(signum: int, _: FrameType | None) -> None:
    """End on the first signal; the next ones shall not interrupt the clean-up."""
    for ending in ENDING:
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt(signum)


if __name__ == "__main__":
    sys.exit(main())
