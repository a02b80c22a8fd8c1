"""What users and our own tests need to test with: a clock by hand, a real server."""

from hybridcache.testing.clock import ManualClock

__all__ = ["ManualClock"]
