"""``hybridcache demo``: the library at work on a slow search and a real Redis.

Every number it shows is measured: outcomes as the calls returned them, loads as
the search was begun, requests to Redis as the observer was told of them. A call and
a load belong to the act in which they began.
"""
