"""Prometheus: what is counted, shown by a registry or written for a whole pool."""

from hybridcache.adapters.prometheus.exposition import (
    MAKING,
    Exposition,
    Registry,
    exposition_of,
)

__all__ = ["MAKING", "Exposition", "Registry", "exposition_of"]
