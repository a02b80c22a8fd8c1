"""Where caches are counted: a registry's exposition, which starts anew in forks."""

from hybridcache.adapters.prometheus import (
    MAKING,
    Exposition,
    Registry,
    exposition_of,
)
from hybridcache.faces.forks import start_anew_in_forks, survive_forks

survive_forks(MAKING)


def counted_in(registry: Registry | None) -> Exposition:
    """Return what *registry* shows; the default registry's if None.

    Raises:

        TypeError: It is no registry.

        ValueError: It shows another metric under one of these names.
    """
    exposition = exposition_of(registry)
    start_anew_in_forks(exposition)
    if exposition.gauges is not None:
        survive_forks(exposition.gauges.lock)
    return exposition
