"""With how much room the checker compares instants, seconds."""

from typing import Final

from hybridcache.engine.lease_requests import LEASE_MS, RESULT_MS

ROOM: Final = 0.02
"""Between any two instants: clocks drift by 0.0005."""

LEASE: Final = LEASE_MS / 1000
"""A lease lasts this long unrenewed; a fault this long ago can have ended it."""

AFTERMATH: Final = LEASE + 2.0
"""What a fault to a process's requests may still cause so much later.

A lease runs out, a breaker is open until a probe, a late request arrives.
"""

REFUSAL: Final = 2.0
"""What a refusal of writes may still cause so much later, or did so much sooner."""

RESULT: Final = RESULT_MS / 1000
"""What a load left for its waiters stays so long."""

ROUND_TRIP: Final = 0.005
"""There, in Redis and back, by `network`."""

BLIND: Final = 3.5
"""Other nodes follow within this where their subscription is not whole (rule 3).

Plus one timeout of the request that makes it whole again and of the check.
"""

SOON: Final = 1.0
"""What is due has happened so much later, or a fault has come between."""

SLOW: Final = 1.0
"""A load that works this long, or waits for one that does, may outlast a caller."""
