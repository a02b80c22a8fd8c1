"""Metrics for those who use OpenTelemetry and no Prometheus."""

from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from hybridcache.adapters import meters
from hybridcache.adapters.meters import MetricsProvider
from hybridcache.adapters.prometheus import Exposition, Registry
from hybridcache.faces.counting import counted_in
from hybridcache.faces.forks import survive_forks

_shown: Final[WeakKeyDictionary[Exposition, list[MetricsProvider]]] = (
    WeakKeyDictionary()
)
_showing: Final = Lock()
survive_forks(_showing)


def export_to_opentelemetry(
    meter_provider: MetricsProvider | None = None, *, registry: Registry | None = None
) -> None:
    """Show the metrics of all caches as OpenTelemetry metrics, too.

    Call it once, before the first lookups: histograms begin here. Twice is no error.

    Args:

        meter_provider: What collects them; the global provider by default.

        registry: The registry of the caches; prometheus-client's default.

    Raises:

        TypeError: An argument is of a wrong type.
    """
    provider = meters.provider_of(meter_provider)
    exposition = counted_in(registry)
    with _showing:
        known = _shown.setdefault(exposition, [])
        if provider not in known:
            known.append(provider)
            meters.show(provider, exposition.figures, exposition.caches)
