"""The sequence of a cached HTTP exchange, on the library's own lookups and flights."""
