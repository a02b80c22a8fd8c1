"""What whoever runs a face asks of it, in both colours: to forget a URL, to explain one."""

from collections.abc import Mapping

from hybridcache.core.http.explained import RequestExplanation
from hybridcache.core.outcome import Invalidated
from hybridcache.faces.http.driving import InTasks, InThreads
from hybridcache.faces.http.urls import request_for


class Operations:
    """The operations of a face for threads."""

    _inside: InThreads

    def purge(self, url: str, headers: Mapping[str, str] | None = None) -> Invalidated:
        """Have no later request served by what is held for *url*, on any node.

        It is the URL that the face sees. All of its variants go with it. *headers*
        matter where the policy's keys have more than the URL in them.

        Raises:

            TypeError: *url* is no str.

            ValueError: *url* is no absolute http or https URL, or longer than any key.

            Closed: The cache was closed.
        """
        return self._inside.purge(request_for(url, headers))

    def explain(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> RequestExplanation:
        """Say what each tier holds for a GET of *url* with these *headers*, and why.

        Raises:

            TypeError: *url* is no str.

            ValueError: *url* is no absolute http or https URL.

            Closed: The cache was closed.
        """
        return self._inside.explain(request_for(url, headers))


class AsyncOperations:
    """The operations of a face for tasks: the same as :class:`Operations`, awaited."""

    _inside: InTasks

    async def purge(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> Invalidated:
        """Have no later request served by what is held for *url*, on any node.

        It is the URL that the face sees. All of its variants go with it. *headers*
        matter where the policy's keys have more than the URL in them.

        Raises:

            TypeError: *url* is no str.

            ValueError: *url* is no absolute http or https URL, or longer than any key.

            Closed: The cache was closed.
        """
        return await self._inside.purge(request_for(url, headers))

    async def explain(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> RequestExplanation:
        """Say what each tier holds for a GET of *url* with these *headers*, and why.

        Raises:

            TypeError: *url* is no str.

            ValueError: *url* is no absolute http or https URL.

            Closed: The cache was closed.
        """
        return await self._inside.explain(request_for(url, headers))
