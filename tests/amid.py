"""What a signal handler does: it is called in the midst of what its thread does."""

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

Call: TypeAlias = Callable[[], object]
Amid: TypeAlias = Callable[[pytest.MonkeyPatch, str, Call], None]


def amid_making(patch: pytest.MonkeyPatch, name: str, call: Call) -> None:
    """Make *call* once, when a thread called *name* is made and not yet started."""
    make = threading.Thread.__init__
    made: list[threading.Thread] = []

    def making(one: threading.Thread, *args: Any, **kwargs: Any) -> None:
        make(one, *args, **kwargs)
        if one.name == name and not made:
            made.append(one)
            call()

    patch.setattr(threading.Thread, "__init__", making)


def amid_start(patch: pytest.MonkeyPatch, name: str, call: Call) -> None:
    """Make *call* before the first thread called *name* has started, and when it has."""
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def starting(one: threading.Thread) -> None:
        if one.name != name or started:
            start(one)
            return
        started.append(one)
        call()
        start(one)
        call()

    patch.setattr(threading.Thread, "start", starting)


def named(name: str) -> set[threading.Thread]:
    """Return the threads called *name*, those that other tests left included."""
    return {one for one in threading.enumerate() if one.name == name}


class Stopped(BaseException):
    """What a signal handler raises to have a thread end."""


def stop_start(patch: pytest.MonkeyPatch, name: str, *, begun: bool) -> None:
    """Raise `Stopped` once as a thread called *name* starts: when it has, or before."""
    start = threading.Thread.start
    stopped: list[threading.Thread] = []

    def starting(one: threading.Thread) -> None:
        strikes = one.name == name and not stopped
        if strikes:
            stopped.append(one)
        if begun or not strikes:
            start(one)
        if strikes:
            raise Stopped

    patch.setattr(threading.Thread, "start", starting)
