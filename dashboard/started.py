"""Something that runs while its block does, and is gone after it, however that ends."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from types import TracebackType
from typing import Self


class Started(ABC):
    """A process or several: started on entry, ended on exit."""

    def __enter__(self) -> Self:
        with ExitStack() as half_started:
            half_started.callback(self._end)
            self._start()
            half_started.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    @abstractmethod
    def _start(self) -> None:
        """Start what runs; what is half started when it raises is ended."""

    @abstractmethod
    def _end(self) -> None:
        """End whatever runs, and leave nothing behind."""
