"""HTTP caching as pure functions over frozen messages: no clock, no I/O."""
