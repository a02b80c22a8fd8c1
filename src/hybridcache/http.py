"""HTTP caching (RFC 9111): in front of web applications, and behind HTTP clients.

A face is imported when it is first asked for, so that nobody needs what others use:
the transports need httpx, the adapter needs requests.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from hybridcache.core.http.message import Head, Request
from hybridcache.core.http.policy import HTTPPolicy, cookies
from hybridcache.core.http.status import Served

if TYPE_CHECKING:
    from hybridcache.faces.http.asgi import CacheMiddleware
    from hybridcache.faces.http.httpx_async_transport import AsyncCacheTransport
    from hybridcache.faces.http.httpx_transport import CacheTransport
    from hybridcache.faces.http.requests_adapter import CacheAdapter
    from hybridcache.faces.http.wsgi import WSGICacheMiddleware

__all__ = [
    "AsyncCacheTransport",
    "CacheAdapter",
    "CacheMiddleware",
    "CacheTransport",
    "HTTPPolicy",
    "Head",
    "Request",
    "Served",
    "WSGICacheMiddleware",
    "cookies",
]

# Where each face is, in hybridcache.faces.http, and the library that it needs.
_FACES: Final = {
    "AsyncCacheTransport": ("httpx_async_transport", "httpx"),
    "CacheAdapter": ("requests_adapter", "requests"),
    "CacheMiddleware": ("asgi", None),
    "CacheTransport": ("httpx_transport", "httpx"),
    "WSGICacheMiddleware": ("wsgi", None),
}

if not TYPE_CHECKING:
    # Checkers read the imports above, and know of a name that is not there.

    def __getattr__(name: str) -> object:
        """Import a face.

        Raises:

            ImportError: What it builds on is not installed.
        """
        if name not in _FACES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        where, library = _FACES[name]
        try:
            module = import_module(f"hybridcache.faces.http.{where}")
        except ModuleNotFoundError as error:
            if library is None or (error.name or "").startswith("hybridcache"):
                raise
            msg = (
                f"hybridcache.http.{name} needs {error.name}, which is not installed:"
                f" pip install {library}"
            )
            raise ImportError(msg, name=error.name) from error
        # From now on it is found without this function.
        face = globals()[name] = getattr(module, name)
        return face


def __dir__() -> list[str]:
    return __all__
