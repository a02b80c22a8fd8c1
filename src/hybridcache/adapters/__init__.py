"""One outside thing each: threads, event loops, Redis, codecs, eviction, Prometheus."""
