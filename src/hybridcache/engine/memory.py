"""PROVISIONAL"""

import enum
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import attrs


class Cause(enum.Enum):
    EXPIRED = "expired"
    SIZE = "size"
    EXPLICIT = "explicit"
    REPLACED = "replaced"
    REFUSED = "refused"


@attrs.define(eq=False)
class Record:
    key: Hashable = attrs.field(kw_only=True)
    size: int = attrs.field(kw_only=True)
    expires_at: float = attrs.field(kw_only=True)
    freq: int = attrs.field(default=0, kw_only=True)


R = TypeVar("R", bound=Record)


class MemoryTier(Generic[R]):
    def __init__(
        self,
        *,
        max_items: int,
        max_bytes: int | None,
        replacement: object,
        removed: Callable[[R, Cause], None],
    ) -> None:
        self.d: dict[Hashable, R] = {}
        self.max_items = max_items
        self.max_bytes = max_bytes
        self.removed = removed
        self.bytes = 0

    @property
    def items(self) -> int:
        return len(self.d)

    def get(self, key: Hashable, now: float) -> R | None:
        r = self.d.get(key)
        return r if r is not None and now < r.expires_at else None

    def put(self, r: R, now: float) -> bool:
        self._rm(r.key, Cause.REPLACED)
        self.sweep(now)
        self.d[r.key] = r
        self.bytes += r.size
        while len(self.d) > self.max_items or (
            self.max_bytes is not None and self.bytes > self.max_bytes
        ):
            self._rm(next(iter(self.d)), Cause.SIZE)
        return r.key in self.d

    def _rm(self, key: Hashable, c: Cause) -> R | None:
        r = self.d.pop(key, None)
        if r is not None:
            self.bytes -= r.size
            self.removed(r, c)
        return r

    def drop(self, key: Hashable) -> R | None:
        return self._rm(key, Cause.EXPLICIT)

    def clear(self, ns: Hashable) -> int:
        ks = [k for k in self.d if k[0] == ns]
        for k in ks:
            self._rm(k, Cause.EXPLICIT)
        return len(ks)

    def sweep(self, now: float) -> int:
        ks = [k for k, r in self.d.items() if r.expires_at <= now]
        for k in ks:
            self._rm(k, Cause.EXPIRED)
        return len(ks)
