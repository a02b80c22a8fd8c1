"""A process of its own with caches in it, told what to do through a pipe."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Concatenate, Generic, ParamSpec, TypeVar

from tests.integration.worker.inside import Inside, serve

P = ParamSpec("P")
T = TypeVar("T")

# Starting an interpreter and importing all of this, on a busy machine.
STARTS_WITHIN = 30.0


class Running(Generic[T]):
    """A job that a worker is at."""

    def __init__(self, pipe: "Connection[object, object]") -> None:
        self._pipe = pipe

    def result(self, within: float = 30.0) -> T:
        """Wait for what the job returns; raise what it raised."""
        if not self._pipe.poll(within):
            msg = f"the worker did not answer within {within:g} s"
            raise AssertionError(msg)
        answer = self._pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        result: T = answer  # type: ignore[assignment]  # a pipe carries no types
        return result


class Worker:
    """One process. It works at one job at a time."""

    def __init__(self, url: str, prefix: str) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(
            target=serve, args=(theirs, url, prefix), daemon=True
        )
        self._process.start()
        theirs.close()

    def ready(self) -> None:
        """Wait until it has its caches and their subscription is whole."""
        assert Running[str](self._pipe).result(STARTS_WITHIN) == "ready"

    def begin(
        self,
        job: Callable[Concatenate[Inside, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Running[T]:
        """Start *job*, a function of a module, in the process."""
        self._pipe.send((job, args, kwargs))
        return Running(self._pipe)

    def run(
        self,
        job: Callable[Concatenate[Inside, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run *job* in the process to its end."""
        return self.begin(job, *args, **kwargs).result()

    def kill(self) -> None:
        """End the process at once (SIGKILL), and wait for it."""
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        """End the process."""
        self.kill()
        self._process.close()
        self._pipe.close()
