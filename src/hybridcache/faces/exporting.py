"""Metrics for those who use OpenTelemetry and no Prometheus."""

from threading import Lock
from typing import Final

from hybridcache.adapters.meters import (
    Exports,
    MetricsProvider,
    Source,
    check_provider,
)
from hybridcache.adapters.prometheus import Registry
from hybridcache.faces.counting import counted_in
from hybridcache.faces.forks import survive_forks

_exports: Final = Exports()
_showing: Final = Lock()
survive_forks(_showing)


def export_to_opentelemetry(
    meter_provider: MetricsProvider | None = None, *, registry: Registry | None = None
) -> None:
    """Show the metrics of all caches as OpenTelemetry metrics, too.

    Call it once for each registry, before the first lookups: histograms begin here.
    Twice is no error.

    Args:

        meter_provider: What collects them; the global provider by default.

        registry: The registry of the caches; prometheus-client's default.

    Raises:

        TypeError: An argument is of a wrong type.
    """
    check_provider(meter_provider)
    exposition = counted_in(registry)
    with _showing:
        export = _exports.to(meter_provider)
        export.add(Source(exposition.figures, exposition.caches))
