"""What runs for minutes: hostile bytes without end, and load with faults."""
