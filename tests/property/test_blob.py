"""A blob comes back as it was made, and nothing else passes for one."""

import math

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hybridcache.core import blob
from hybridcache.core.blob import Header
from hybridcache.core.errors import Undecodable
from hybridcache.core.keys import redis_name

SHAPE = bytes(8)
eights = st.binary(min_size=8, max_size=8)
numbers = st.integers(0, 2**64 - 1)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).map(
    lambda key: redis_name("p:", key)
)
bodies = st.binary(max_size=64)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    """Any header that a writer makes."""
    ttl = draw(st.floats(0, 2**31))
    instant, version = sorted((draw(numbers), draw(numbers)))
    return Header(
        version,
        instant,
        draw(st.floats(0, ttl)),
        ttl,
        draw(eights),
        draw(eights),
    )


def laid_out(name: str, header: Header, body: bytes) -> bytes:
    """Lay out a blob as the writer and the script do together."""
    return blob.identity_of(
        name, version=header.version, instant_us=header.instant_us
    ) + blob.rest(
        fresh_for=header.fresh_for,
        ttl=header.ttl,
        stamp=header.stamp,
        fingerprint=header.fingerprint,
        body=body,
    )


@given(names, headers(), bodies)
def test_round_trip(name: str, header: Header, body: bytes) -> None:
    """What was laid out is read back, header and body."""
    data = laid_out(name, header, body)

    assert (header, body) == blob.parse(data, name, header.fingerprint)
    assert blob.HEADER_SIZE + len(body) == len(data)


@given(names, headers(), bodies)
def test_places(name: str, header: Header, body: bytes) -> None:
    """The sizes and places that others rely on are those of the layout."""
    data = laid_out(name, header, body)
    stamp = data[blob.STAMP_AT : blob.STAMP_AT + blob.STAMP_SIZE]

    assert header.stamp == stamp
    assert data[: blob.IDENTITY_SIZE] == blob.identity(data)
    assert data.startswith(blob.prelude(name))


@given(names, headers(), headers(), bodies)
def test_identity(name: str, one: Header, other: Header, body: bytes) -> None:
    """Two writes of a key differ in identity where version or instant differ."""
    same = (one.version, one.instant_us) == (other.version, other.instant_us)

    identities = [blob.identity(laid_out(name, each, body)) for each in (one, other)]
    assert same == (identities[0] == identities[1])


@given(names, st.binary(max_size=200))
def test_any_bytes(name: str, data: bytes) -> None:
    """Bytes that are no blob are undecodable, never another exception."""
    with pytest.raises(Undecodable):
        blob.parse(data, name, SHAPE)


@given(names, st.binary(max_size=100))
def test_any_bytes_after_the_prelude(name: str, data: bytes) -> None:
    """Bytes that begin like a blob of this key are undecodable still."""
    with pytest.raises(Undecodable):
        blob.parse(blob.prelude(name) + data, name, SHAPE)


@given(names, headers(), bodies, st.data())
def test_truncated(name: str, header: Header, body: bytes, data: st.DataObject) -> None:
    """A blob that was cut is undecodable wherever it was cut."""
    whole = laid_out(name, header, body)
    end = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(Undecodable):
        blob.parse(whole[:end], name, header.fingerprint)


@given(names, headers(), bodies, st.binary(min_size=1, max_size=8))
def test_longer(name: str, header: Header, body: bytes, more: bytes) -> None:
    """A blob with something after it is undecodable."""
    with pytest.raises(Undecodable):
        blob.parse(laid_out(name, header, body) + more, name, header.fingerprint)


@given(names, headers(), bodies, st.data())
def test_flipped(name: str, header: Header, body: bytes, data: st.DataObject) -> None:
    """A bit that flipped after the instant is found out."""
    whole = bytearray(laid_out(name, header, body))
    bit = data.draw(st.integers(blob.IDENTITY_SIZE * 8, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8

    with pytest.raises(Undecodable) as caught:
        blob.parse(bytes(whole), name, header.fingerprint)
    assert caught.value.reason in {"checksum", "format"}


@given(names, headers(), bodies, st.integers(0, 12 * 8 - 1))
def test_flipped_prelude(name: str, header: Header, body: bytes, bit: int) -> None:
    """A bit that flipped in magic, format or key check is found out."""
    assume(bit // 8 != 3)  # The flags mean nothing yet.
    whole = bytearray(laid_out(name, header, body))
    whole[bit // 8] ^= 1 << bit % 8

    with pytest.raises(Undecodable) as caught:
        blob.parse(bytes(whole), name, header.fingerprint)
    assert caught.value.reason in {"magic", "format", "key"}


@given(names, names, headers(), bodies)
def test_other_key(name: str, other: str, header: Header, body: bytes) -> None:
    """A blob under another key's name is refused by reason of its key."""
    assume(name != other)

    with pytest.raises(Undecodable) as caught:
        blob.parse(laid_out(name, header, body), other, header.fingerprint)
    assert "key" == caught.value.reason


@given(names, headers(), eights, bodies)
def test_other_shape(name: str, header: Header, shape: bytes, body: bytes) -> None:
    """A blob of another declared type is refused by reason of its shape."""
    assume(header.fingerprint != shape)

    with pytest.raises(Undecodable) as caught:
        blob.parse(laid_out(name, header, body), name, shape)
    assert "shape" == caught.value.reason


@given(names, headers(), bodies, numbers)
def test_an_instant_later_than_the_version(
    name: str, header: Header, body: bytes, version: int
) -> None:
    """An instant after the version is damage: it would make an entry look young."""
    assume(version < header.instant_us)
    damaged = laid_out(name, attrs.evolve(header, version=version), body)

    with pytest.raises(Undecodable) as caught:
        blob.parse(damaged, name, header.fingerprint)
    assert "instants" == caught.value.reason


@pytest.mark.parametrize(
    ("fresh_for", "ttl"),
    [
        (math.nan, 1.0),
        (1.0, math.nan),
        (-1.0, 1.0),
        (2.0, 1.0),
        (0.0, math.inf),
        (math.inf, math.inf),
        (-math.inf, 1.0),
    ],
)
def test_lifetimes(fresh_for: float, ttl: float) -> None:
    """Lifetimes that no policy has are refused, checksum or not."""
    header = Header(1, 1, 0.0, 1.0, bytes(8), SHAPE)
    mad = attrs.evolve(header, fresh_for=fresh_for, ttl=ttl)

    with pytest.raises(Undecodable) as caught:
        blob.parse(laid_out("p:{k}", mad, b""), "p:{k}", SHAPE)
    assert "lifetimes" == caught.value.reason
