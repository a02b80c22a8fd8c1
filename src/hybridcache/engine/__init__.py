"""The sequence of a lookup, written once for both colours, and the machines under it."""
