"""Whether a property that holds is found not to, once something is broken."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st


def falsified(
    holds: Callable[..., object], examples: int, **drawn: st.SearchStrategy[Any]
) -> bool:
    """Whether *holds* raises for one of so many examples.

    Always the same examples, and nothing of it is kept: the failure is wanted.
    """
    search = settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )

    failures: list[Exception] = []

    def test(**values: object) -> None:
        try:
            holds(**values)
        except Exception as error:
            failures.append(error)
            raise

    # What the search itself has to say, of flaky examples for one, counts for nothing.
    with suppress(Exception):
        search(given(**drawn)(test))()
    return bool(failures)
