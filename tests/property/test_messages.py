"""A message comes back as it was sent, and any other bytes are None."""

from hypothesis import given
from hypothesis import strategies as st

from hybridcache.engine.messages import (
    HEAD_SIZE,
    Kind,
    Message,
    encode,
    head,
    parse,
)
from hybridcache.engine.scripts import TOKEN_SIZE

tokens = st.text(
    st.characters(min_codepoint=32, max_codepoint=126),
    min_size=TOKEN_SIZE,
    max_size=TOKEN_SIZE,
)
keys = st.text(st.characters(codec="utf-8"), max_size=20)
messages = st.builds(Message, st.sampled_from(Kind), tokens, tokens, keys)


@given(messages)
def test_round_trip(message: Message) -> None:
    """What was encoded is read back."""
    assert message == parse(encode(message))


@given(messages)
def test_as_scripts_put_it(message: Message) -> None:
    """Head, token and key one after the other are the message: a script does so."""
    told = head(message.kind, message.origin) + message.token.encode()

    assert encode(message) == told + message.key.encode()
    assert HEAD_SIZE == len(told)


@given(st.binary(max_size=80))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are a message that encodes to them, or None."""
    message = parse(data)

    assert message is None or data == encode(message)


@given(st.sampled_from(Kind), st.binary(max_size=80))
def test_any_bytes_of_a_kind(kind: Kind, data: bytes) -> None:
    """A known first byte does not make a message of what follows."""
    message = parse(kind.value + data)

    assert message is None or kind.value + data == encode(message)


@given(messages, st.integers(0, HEAD_SIZE - 1))
def test_truncated(message: Message, size: int) -> None:
    """A message without its whole head is None."""
    assert parse(encode(message)[:size]) is None
