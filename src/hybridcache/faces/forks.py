"""A fork of the process: locks are held across it, and the child starts anew.

A thread that holds a lock in the parent does not exist in the child; so that no lock
is inherited locked, the forking thread holds ours itself (design, section 6).
"""

import os
import threading
from contextlib import AbstractContextManager
from typing import Final, Protocol
from weakref import WeakSet


class Forked(Protocol):
    """Whatever must start anew in the child."""

    def forked(self) -> None:
        """Start anew; our locks are held."""


_locks: Final["WeakSet[AbstractContextManager[object]]"] = WeakSet()
_members: Final["WeakSet[Forked]"] = WeakSet()
_registry: Final = threading.RLock()
_held: Final[list[AbstractContextManager[object]]] = []


def survive_forks(lock: AbstractContextManager[object]) -> None:
    """Hold *lock* across forks, as long as it lives."""
    with _registry:
        _locks.add(lock)


def start_anew_in_forks(member: Forked) -> None:
    """Have *member* start anew in the child of a fork, as long as it lives."""
    with _registry:
        _members.add(member)


def _before() -> None:
    _registry.acquire()
    # Nobody takes two of these locks at a time, so their order is free.
    for lock in list(_locks):
        lock.__enter__()
        _held.append(lock)


def _release() -> None:
    while _held:
        _held.pop().__exit__(None, None, None)
    _registry.release()


def _in_child() -> None:
    for member in list(_members):
        member.forked()
    _release()


os.register_at_fork(before=_before, after_in_parent=_release, after_in_child=_in_child)
