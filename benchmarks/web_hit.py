"""A hit in memory through a web server, against an application that only answers.

Both run on the same server and send 1 KiB with as many field lines. They are asked in
short turns, over connections that stay open. The server is what limits the rate: on a
machine with a core to spare for the client its process is busy all the time (*busy* in
the details). On a busier one look at *ratio_per_processor_second*, which what else runs
changes less.
"""

from statistics import median

import attrs

from benchmarks.client import answered, name
from benchmarks.measuring import Measured
from benchmarks.servers import Kind, Server, serving

ROUNDS = 21
SECONDS = 1
CONNECTIONS = 16
BAR = 0.80


@attrs.frozen
class Turn:
    """What a server did while it was asked.

    Attributes:

        rate: Responses a second.

        each: Processor seconds of the server for one response.

        busy: Share of the time in which the server had a processor.
    """

    rate: float
    each: float
    busy: float


def measure() -> list[Measured]:
    """Measure the ASGI and the WSGI middleware."""
    return [
        _measure("uvicorn", "ASGI", "benchmarks.web"),
        _measure("gunicorn", "WSGI", "benchmarks.web_wsgi"),
    ]


def _measure(kind: Kind, face: str, module: str) -> Measured:
    with (
        serving(kind, f"{module}:cached") as mine,
        serving(kind, f"{module}:bare") as other,
    ):
        rounds = []
        for turn in range(ROUNDS + 1):
            if turn % 2:
                ours, reference = _asked(mine), _asked(other)
            else:
                reference, ours = _asked(other), _asked(mine)
            rounds.append((ours, reference))
    # The first round warms up, and stores.
    del rounds[0]
    ratios = sorted(a.rate / b.rate for a, b in rounds)
    return Measured(
        f"{face} hit under {kind} : bare, requests/s",
        "ratio",
        median(ratios),
        BAR,
        1 / median(a.rate for a, _ in rounds),
        1 / median(b.rate for _, b in rounds),
        {
            "lowest": ratios[0],
            "highest": ratios[-1],
            "rounds": len(rounds),
            "requests_per_second": round(median(a.rate for a, _ in rounds)),
            "requests_per_second_bare": round(median(b.rate for _, b in rounds)),
            "ratio_per_processor_second": median(b.each / a.each for a, b in rounds),
            "busy": median(a.busy for a, _ in rounds),
            "busy_bare": median(b.busy for _, b in rounds),
            "client": name(),
        },
        at_least=True,
    )


def _asked(server: Server) -> Turn:
    before = server.spent()
    count, seconds = answered(server.port, SECONDS, CONNECTIONS)
    spent = server.spent() - before
    return Turn(count / seconds, spent / count, spent / seconds)
