"""``hybridcache demo``: the library at work on a slow search and a real Redis.

Every number it shows is measured: outcomes as the calls returned them, loads and
Redis requests as the observer was told of them.
"""
