"""Write down what Redis did to entries and leases, as it does it."""

from hybridcache.core import blob
from hybridcache.core.blob import Header
from hybridcache.core.errors import Undecodable
from hybridcache.engine.channel_requests import Clear
from hybridcache.engine.entry_requests import Invalidate, Read, Write
from hybridcache.engine.lease_requests import Acquire
from hybridcache.engine.names import Names, channel_of
from hybridcache.engine.request import Request
from hybridcache.testing import history as past
from hybridcache.testing.history import History
from hybridcache.testing.lines import Peer
from hybridcache.testing.process import PREFIX
from hybridcache.testing.redis_model import RedisModel
from hybridcache.testing.scheduler import Scheduler
from hybridcache.testing.values import Values

_MARKER = channel_of(PREFIX, "").marker
_OF_NOTE = frozenset({Read, Acquire, Write, Invalidate, Clear})
_BODY_AT = blob.HEADER_SIZE - blob.IDENTITY_SIZE


class Witness:
    """Sees every request at the moment of its effect."""

    def __init__(
        self,
        history: History,
        scheduler: Scheduler,
        model: RedisModel,
        values: Values,
    ) -> None:
        self._history, self._scheduler, self._model = history, scheduler, model
        self._values = values

    def saw(
        self, process: Peer, request: Request[object], replies: list[object]
    ) -> None:
        """Take down what Redis did to entries and leases."""
        # Most requests, by their very class: isinstance() of an abstract one is slow.
        if type(request) not in _OF_NOTE:
            return
        history, now = self._history, self._scheduler.now
        number, at = history.next, process.number
        match request, replies[0]:
            case Acquire(), [b"granted"]:
                spared = self._fresh(request)
                history.add(
                    past.Granted(
                        number, now, at, request.names.key, request.token, spared
                    )
                )
            case Read(names=names, header_only=False), bytes(entry):
                self._told(process, names, entry)
            case Acquire(names=names), [b"entry", _, _, bytes(entry)]:
                self._told(process, names, entry)
            case Write(), [b"stored", *_]:
                value = self._number(request.rest[_BODY_AT:])
                history.add(
                    past.Stored(
                        number, now, at, request.names.key, request.token, value
                    )
                )
            case Invalidate(), 1:
                history.add(past.Deleted(number, now, at, request.names.key))
            case Clear(), 1:
                history.add(past.Deleted(number, now, at, None))
            case _:
                return

    def _told(self, process: Peer, names: Names, entry: bytes) -> None:
        history = self._history
        if history.policies[names.key].memory_ttl is None:
            return
        parsed = self._parsed(names, entry)
        if parsed is not None:
            history.add(
                past.Told(
                    history.next,
                    self._scheduler.now,
                    process.number,
                    names.key,
                    self._number(parsed[1]),
                )
            )

    def _fresh(self, request: Acquire) -> int | None:
        """Return the value of a fresh entry that stands, other than the rejected."""
        model = self._model
        found = model.call("GET", request.names.entry)
        marker = model.call("GET", _MARKER)
        if not isinstance(found, bytes) or not isinstance(marker, bytes):
            return None
        if request.rejected and found.startswith(request.rejected):
            return None
        parsed = self._parsed(request.names, found)
        if parsed is None:
            return None
        header, body = parsed
        now_us = 1_700_000_000_000_000 + int(self._scheduler.now * 1e6)
        young = now_us - header.instant_us < header.fresh_for * 1e6
        stamped = header.stamp == blob.stamp_of(marker)
        if young and stamped:
            return self._number(body)
        return None

    def _parsed(self, names: Names, entry: bytes) -> tuple[Header, bytes] | None:
        try:
            return blob.parse(entry, names.entry, self._values.shape.fingerprint)
        except Undecodable:
            return None

    def _number(self, body: bytes) -> int:
        return self._values.number(self._values.shape.decode(body))
