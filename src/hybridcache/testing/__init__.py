"""What users and our own tests need to test with: a clock, a Redis by script."""

from hybridcache.testing.clock import ManualClock
from hybridcache.testing.cluster import Cluster
from hybridcache.testing.faults import Faults
from hybridcache.testing.history import History, Violation
from hybridcache.testing.outcomes import assert_outcomes
from hybridcache.testing.scripted import ScriptedUpstream
from hybridcache.testing.workload import Workload

__all__ = [
    "Cluster",
    "Faults",
    "History",
    "ManualClock",
    "ScriptedUpstream",
    "Violation",
    "Workload",
    "assert_outcomes",
]
