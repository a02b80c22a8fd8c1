"""What both kinds of connection to the origin share: h11's state and the answer."""

import contextlib
import re
import select
import time
from typing import Generic, TypeVar

import attrs
import h11

from examples.proxy.fields import Fields, end_to_end
from examples.proxy.messages import MAX_HEAD, Event, OriginError

B = TypeVar("B")

CONNECT_WITHIN = 5.0
"""Seconds."""

READ_WITHIN = 60.0
"""Longest silence of the origin, seconds; as nginx's proxy_read_timeout."""

# Less than the 5 s after which common servers close an idle connection.
_KEEP_IDLE = 3.0
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_TRANSFER_ENCODING = re.compile(rb"(?im)^transfer-encoding:(.*?)\r?\n")
_CONTENT_LENGTH = re.compile(rb"(?im)^content-length:.*?\r?\n")


@attrs.frozen
class Answer(Generic[B]):
    """What the origin said.

    Attributes:

        status: Status code.

        reason: Reason phrase.

        fields: Field lines, without those that concern the connection to the origin.

        body: To be read to its end, or closed.
    """

    status: int
    reason: bytes
    fields: Fields
    body: B


def answer(head: h11.Response, body: B) -> Answer[B]:
    """Return *head* and *body* as an answer."""
    return Answer(head.status_code, head.reason, onward(head), body)


def onward(response: h11.Response | h11.InformationalResponse) -> Fields:
    """Return the field lines that go on to the client."""
    return end_to_end(response.headers.raw_items())


class OriginState:
    """Where a connection to the origin is in its exchange.

    Heads reach h11 one by one, so that those can be mended that it would refuse.
    """

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._idle_since = 0.0
        self._in_heads = True
        self._held = b""

    def send(self, event: h11.Event) -> bytes:
        """Return the bytes that say *event*."""
        return self._http.send(event) or b""

    def receive(self, data: bytes) -> None:
        """Take what came; nothing stands for the end of the connection.

        Raises:

            OriginError: It ended before it began to answer.
        """
        if self._in_heads and not data and not self._held:
            msg = "it closed the connection"
            raise OriginError(msg)
        if self._in_heads and data and len(self._held) < MAX_HEAD:
            self._held += data
        else:
            self._release()
            self._http.receive_data(data)

    def event(self) -> Event:
        """Return what the origin says next."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            end = _HEAD_END.search(self._held)
            if end is None:
                break
            head, self._held = self._held[: end.end()], self._held[end.end() :]
            self._http.receive_data(mended(head))
        if isinstance(event, h11.Response):
            self._in_heads = False
            self._release()
        return event

    def rested(self) -> bool:
        """Say whether it has been idle for so long that it is better left."""
        return time.monotonic() - self._idle_since > _KEEP_IDLE

    def reuse(self) -> bool:
        """Be ready for another exchange, if this one is over and the origin stays."""
        if self._http.their_state is h11.SEND_BODY:
            # The end of a body that nobody read, and that is empty, is known already.
            with contextlib.suppress(h11.RemoteProtocolError):
                self._http.next_event()
        over = {self._http.our_state, self._http.their_state} == {h11.DONE}
        # More than the body that was announced: what comes next cannot be trusted.
        if not over or self._http.trailing_data != (b"", False):
            return False
        self._http.start_next_cycle()
        self._idle_since = time.monotonic()
        self._in_heads = True
        return True

    def _release(self) -> None:
        held, self._held = self._held, b""
        if held:
            self._http.receive_data(held)


def mended(head: bytes) -> bytes:
    """Return a response's *head* with a Transfer-Encoding that h11 knows, or none.

    An unknown coding stays in the body. Where chunked is not the last, the body ends with
    the connection, whatever Content-Length says (RFC 9112, section 6.3).
    """
    codings = [line.group(1) for line in _TRANSFER_ENCODING.finditer(head)]
    if not codings:
        return head
    *_, last = b",".join(codings).lower().split(b",")
    head = _CONTENT_LENGTH.sub(b"", _TRANSFER_ENCODING.sub(b"", head))
    if last.strip() != b"chunked":
        return head
    end = _HEAD_END.search(head)
    at = len(head) if end is None else end.start()
    return head[:at] + b"\r\nTransfer-Encoding: chunked" + head[at:]


def part(event: Event) -> bytes:
    """Return what *event* brings of the body; nothing at its end.

    Raises:

        OriginError: It is no part of a body.
    """
    match event:
        case h11.Data():
            return bytes(event.data)
        case h11.EndOfMessage():
            return b""
        case _:
            msg = f"the origin sent no body but {event}"
            raise OriginError(msg)


def readable(descriptor: int) -> bool:
    """Say whether something has come, be it the end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
