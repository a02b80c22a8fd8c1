"""The command ``hybridcache``: see it work, and look at what is in Redis."""

from hybridcache.cli.command import main

__all__ = ["main"]
