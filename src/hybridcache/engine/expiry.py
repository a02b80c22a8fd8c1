"""Which record has expired, found without looking at all of them.

Keys wait in coarse buckets, the coarser the longer they have to live; a bucket that
begins is dealt out to finer ones, and the last second's keys are in a heap, exactly
ordered. What leaves for another reason is not taken out but skipped later: a key that
is found is held against the records themselves.
"""

import math
from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Final, Protocol, TypeAlias

_Key: TypeAlias = tuple[str, str]

# Keys with less than this to live, in seconds, are ordered exactly.
SOON: Final = 1.0
# A bucket is at most 1/64 as wide as the time left to it: no more than 64 buckets for
# each doubling of the lives, and a key is dealt out three times in a day.
FINENESS: Final = 6
# So many keys of records that are gone are not worth clearing out.
FEW: Final = 64


class _Dated(Protocol):
    """Something that expires."""

    expires_at: float


class Deadlines:
    """The keys of *records*, by when those expire."""

    def __init__(self, records: "Mapping[_Key, _Dated]") -> None:
        self._records = records
        self._buckets: dict[float, list[_Key]] = {}
        self._begins: list[float] = []
        self._soon: list[tuple[float, _Key]] = []
        self._held = 0

    def add(self, key: _Key, expires_at: float, now: float) -> None:
        """Note when the record of *key*, which is in place already, expires."""
        if self._held > 2 * len(self._records) + FEW:
            self._rebuild(now)
        else:
            self._enter(key, expires_at, now)

    def pop(self, now: float) -> _Key | None:
        """Return the key of an expired record, once, or None if there is none."""
        records = self._records
        while self._begins and self._begins[0] <= now:
            begin = heappop(self._begins)
            # The same key is in a bucket twice where it was dropped and stored again.
            keys = self._buckets.pop(begin)
            self._held -= len(keys)
            for key in dict.fromkeys(keys):
                record = records.get(key)
                if record is not None:
                    self._enter(key, record.expires_at, now)
        soon = self._soon
        while soon and soon[0][0] <= now:
            expires_at, key = heappop(soon)
            self._held -= 1
            record = records.get(key)
            if record is not None and record.expires_at == expires_at:
                return key
        return None

    def _enter(self, key: _Key, expires_at: float, now: float) -> None:
        left = expires_at - now
        if left < SOON:
            heappush(self._soon, (expires_at, key))
        elif left == math.inf:
            return
        else:
            # A power of two, hence exact in floats, and between 1/128 and 1/64 of
            # what is left: the bucket begins later than now.
            width = math.ldexp(1.0, math.frexp(left)[1] - 1 - FINENESS)
            begin = expires_at // width * width
            bucket = self._buckets.get(begin)
            if bucket is None:
                self._buckets[begin] = [key]
                heappush(self._begins, begin)
            else:
                bucket.append(key)
        self._held += 1

    def _rebuild(self, now: float) -> None:
        self._buckets.clear()
        self._begins.clear()
        self._soon.clear()
        self._held = 0
        for key, record in self._records.items():
            self._enter(key, record.expires_at, now)
