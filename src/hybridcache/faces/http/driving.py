"""A face's side of a cache, driven in threads or in tasks: the same calls in both."""

import asyncio
import os
import threading
import weakref

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.explained import RequestExplanation
from hybridcache.core.http.message import Head, Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.outcome import Invalidated
from hybridcache.engine.drive import adrive, drive
from hybridcache.engine.http.directives import Directive
from hybridcache.engine.http.exchange import Exchange
from hybridcache.engine.http.explain import explain_request
from hybridcache.engine.http.purge import purge
from hybridcache.engine.http.ready import Place
from hybridcache.engine.http.serve import serve
from hybridcache.engine.http.short import at_hand
from hybridcache.engine.http.site import Fetcher
from hybridcache.engine.latch import Latch
from hybridcache.faces.async_cache import AsyncCache
from hybridcache.faces.cache import Cache
from hybridcache.faces.http.sites import settled, site_of, state_of


class InThreads:
    """What a sync face asks of its cache.

    Raises:

        TypeError: *cache* or *policy* is of a wrong type.
    """

    def __init__(self, cache: Cache, policy: HTTPPolicy) -> None:
        self.state = state_of(cache, Cache)
        self.site = site_of(self.state, policy, self._wait, _thread)

    def serve(
        self, request: Request, fetcher: Fetcher, place: Place | None = None
    ) -> Answer | Exchange:
        """Answer *request* from the cache, or say how to ask the origin."""
        answer = at_hand(self.site, request, place)
        if answer is not None:
            return answer
        wiring = self.state.wiring
        wiring.station.ensure_keeper()
        return drive(serve(self.site, request, fetcher), wiring.threads)

    def head(self, exchange: Exchange, head: Head, route: str = "") -> Directive:
        """Tell *exchange* of a head, and return what to do."""
        return drive(exchange.head(head, route), self.state.wiring.threads)

    def end(self, exchange: Exchange) -> None:
        """Tell *exchange* that the response is whole."""
        drive(exchange.end(), self.state.wiring.threads)

    def purge(self, request: Request) -> Invalidated:
        """Have no later request like this one served by what is held now."""
        self.state.check_open()
        wiring = self.state.wiring
        wiring.station.ensure_keeper()
        return drive(purge(self.site, request), wiring.threads)

    def explain(self, request: Request) -> RequestExplanation:
        """Say what would become of *request*."""
        self.state.check_open()
        return drive(explain_request(self.site, request), self.state.wiring.threads)

    def _wait(self, latch: Latch[object], timeout: float) -> object:
        return settled(self.state.wiring.threads.wait(latch, timeout))


class InTasks:
    """The same as :class:`InThreads`, but for an async face."""

    def __init__(self, cache: AsyncCache, policy: HTTPPolicy) -> None:
        self.state = state_of(cache, AsyncCache)
        self.site = site_of(self.state, policy, self._wait, _task)

    async def serve(
        self, request: Request, fetcher: Fetcher, place: Place | None = None
    ) -> Answer | Exchange:
        """Answer *request* from the cache, or say how to ask the origin."""
        answer = at_hand(self.site, request, place)
        if answer is not None:
            return answer
        wiring = self.state.wiring
        wiring.station.ensure_keeper()
        return await adrive(serve(self.site, request, fetcher), wiring.loops)

    async def head(self, exchange: Exchange, head: Head, route: str = "") -> Directive:
        """Tell *exchange* of a head, and return what to do."""
        work = adrive(exchange.head(head, route), self.state.wiring.loops)
        if exchange.request.method in self.site.policy.safe_methods:
            return await work
        # What it changed has changed, whether or not its client stays to hear of it.
        return await self.state.tasks.undisturbed(work)

    async def end(self, exchange: Exchange) -> None:
        """Tell *exchange* that the response is whole."""
        await adrive(exchange.end(), self.state.wiring.loops)

    async def purge(self, request: Request) -> Invalidated:
        """Have no later request like this one served by what is held now."""
        state = self.state
        state.check_open()
        state.wiring.station.ensure_keeper()
        flow = purge(self.site, request)
        return await state.tasks.undisturbed(adrive(flow, state.wiring.loops))

    async def explain(self, request: Request) -> RequestExplanation:
        """Say what would become of *request*."""
        self.state.check_open()
        flow = explain_request(self.site, request)
        return await adrive(flow, self.state.wiring.loops)

    async def _wait(self, latch: Latch[object], timeout: float) -> object:
        return settled(await self.state.wiring.loops.wait(latch, timeout))


def _thread() -> object:
    # A forked child's threads may have the numbers of its parent's.
    return os.getpid(), threading.get_ident()


def _task() -> object:
    task = asyncio.current_task()
    # Weakly: a task keeps its result, a response perhaps, alive.
    return None if task is None else weakref.ref(task)
