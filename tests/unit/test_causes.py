"""Why a request failed, as logs, outcomes and spans tell it: never with a key."""

import pytest
from redis.exceptions import ResponseError

from hybridcache.adapters.upstream.replies import fault, read
from hybridcache.engine.channel_requests import Ping
from hybridcache.engine.entry_requests import Read, Write
from hybridcache.engine.lease_requests import Acquire, Mode
from hybridcache.engine.names import channel_of, names_of
from hybridcache.engine.request import Fault, Request, ServerError, Trouble

PERSON = "alice@example.com"
NAMES = names_of("shop:", f"user:{PERSON}")
CHANNEL = channel_of("shop:", "o" * 16)
ACQUIRE = Acquire(NAMES, "a" * 16, mode=Mode.LOAD)


@pytest.mark.parametrize(
    "text",
    [
        f"ERR unknown command `EVALSHA`, with args beginning with: `1`, `{NAMES.key}`,",
        f"ERR unknown command 'EVALSHA', with args beginning with: '1' '{NAMES.entry}'",
        f"NOPERM User app has no permissions to access the '{NAMES.entry}' key",
        f"ERR the lease '{NAMES.lease}' is none of yours",
    ],
)
def test_an_error_that_repeats_the_key_is_told_without(text: str) -> None:
    """What a server says of a key or an argument is left out of the cause."""
    answer = read(ACQUIRE, [ServerError(text)])

    assert isinstance(answer, Fault)
    assert PERSON not in answer.cause
    assert text[:15] == answer.cause[:15]


@pytest.mark.parametrize(
    "text",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MOVED 3999 127.0.0.1:6381",
        "NOPERM No permissions to access a key",
    ],
)
def test_an_error_without_a_key_is_told_whole(text: str) -> None:
    """What else a server says is the cause as it is."""
    answer = read(ACQUIRE, [ServerError(text)])

    assert isinstance(answer, Fault)
    assert text == answer.cause


def test_an_unknown_command_is_told_without_arguments() -> None:
    """Only the command's own name is left of what it was given."""
    text = "ERR unknown command 'PUBLISH', with args beginning with: 'c' 'm'"

    told = Fault(Trouble.DOWN, "ERR unknown command 'PUBLISH'")
    assert told == read(Ping(CHANNEL), [ServerError(text)])


def test_a_greeting_that_fails_shows_no_password() -> None:
    """An error in the greeting repeats its arguments, the password among them."""
    text = "unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `app`, `pw`"

    told = Fault(Trouble.DOWN, "ResponseError: unknown command `HELLO`")
    assert told == fault(ResponseError(text), 0.25)


@pytest.mark.parametrize(
    ("request_", "replies"),
    [
        (Read(NAMES), [PERSON, [b"1", b"2"]]),
        (Read(NAMES), [None, [PERSON.encode(), b"2"]]),
        (Read(NAMES), [None, PERSON]),
        (ACQUIRE, [[b"granted", PERSON.encode()]]),
        (Write(NAMES, "a" * 16, CHANNEL, 1.0, b""), [[b"stored", PERSON, 1]]),
        (Write(NAMES, "a" * 16, CHANNEL, 1.0, b""), [[PERSON.encode()]]),
    ],
)
def test_a_reply_of_a_wrong_form_is_told_without_what_is_in_it(
    request_: Request[object], replies: list[object]
) -> None:
    """A reply that is none of this command's may be another key's value."""
    answer = read(request_, replies)

    assert isinstance(answer, Fault)
    assert "alice" not in answer.cause
