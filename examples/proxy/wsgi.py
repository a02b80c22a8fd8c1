"""The origin as a WSGI application."""

from collections.abc import Callable, Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import attrs

from examples.proxy.blocking_origin import BlockingOrigin
from examples.proxy.environ import fields_of
from examples.proxy.fields import Fields
from examples.proxy.messages import CHUNK, Interim, asked


@attrs.frozen
class OriginWSGI:
    """Answers a request with what *origin* answers."""

    origin: BlockingOrigin

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Relay one exchange (PEP 3333).

        Raises:

            OriginError: The origin cannot be reached, or breaks off.
        """
        method = environ["REQUEST_METHOD"].encode("ascii")
        request = asked(
            method, target(environ), fields_of(environ), self.origin.authority
        )
        answer = self.origin.ask(request, body(environ), interim(environ))
        status = f"{answer.status} {answer.reason.decode('latin-1')}"
        start_response(status, native(answer.fields))
        return answer.body


def target(environ: WSGIEnvironment) -> bytes:
    """Return the request's target as it came."""
    uri: str = environ["REQUEST_URI"]
    return uri.encode("ascii")


def interim(environ: WSGIEnvironment) -> Interim:
    """Return what to tell of interim responses."""
    told: Interim = environ.get("hybridcache.interim", _nobody)
    return told


def body(environ: WSGIEnvironment) -> Iterator[bytes]:
    """Yield the request's body as it comes."""
    if environ.get("CONTENT_LENGTH", "0") in {"", "0"} and (
        "HTTP_TRANSFER_ENCODING" not in environ
    ):
        return
    stream = environ["wsgi.input"]
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    while chunk := read(CHUNK):
        yield chunk


def native(fields: Fields) -> list[tuple[str, str]]:
    """Return *fields* as WSGI's native strings."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]


def _nobody(status: int, fields: Fields) -> None:
    """Take an interim response for nobody."""
