"""What users and our own tests need to test with: a clock, a Redis by script."""

from hybridcache.testing.clock import ManualClock
from hybridcache.testing.cluster import Cluster
from hybridcache.testing.factory import CacheFactory
from hybridcache.testing.faults import Faults
from hybridcache.testing.history import History, Violation
from hybridcache.testing.outcomes import assert_outcomes
from hybridcache.testing.scripted import ScriptedUpstream
from hybridcache.testing.server import RedisServer, ServerUnavailable
from hybridcache.testing.workload import Workload

__all__ = [
    "CacheFactory",
    "Cluster",
    "Faults",
    "History",
    "ManualClock",
    "RedisServer",
    "ScriptedUpstream",
    "ServerUnavailable",
    "Violation",
    "Workload",
    "assert_outcomes",
]
