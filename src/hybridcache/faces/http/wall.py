"""The one place that reads the wall clock."""

import time

# A Date that the origin wrote is held against the clock on receipt: RFC 9111, section
# 4.2.3, knows no other way to see how old a response was before it came. From there on
# ages are differences on one clock.
wall = time.time  # noqa: TID251
