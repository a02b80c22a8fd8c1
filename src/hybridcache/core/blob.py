"""The entry as one binary blob, as Redis holds it: lay out and read back.

Layout, big-endian, 66 bytes and the body::

    2s magic  B format  B flags  8s key check          <- prelude, by the writer
    Q version  Q instant (us, Redis's clock)           <- by the script that writes
    I crc32 of all that follows                        <- rest, by the writer
    d fresh_for  d ttl  8s stamp  8s fingerprint  H tag stamps   body

The prelude and the two numbers identify a write; the number of tag stamps is 0
in this format and leaves room for them. Nothing here trusts a byte.
"""

import math
import struct
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from zlib import crc32

import attrs

from hybridcache.core.errors import Undecodable

MAGIC: Final = b"hC"
FORMAT: Final = 1
IDENTITY_SIZE: Final = 28
HEADER_SIZE: Final = 66
STAMP_SIZE: Final = 8
STAMP_AT: Final = 48
FINGERPRINT_SIZE: Final = 8
FINGERPRINT_AT: Final = 56

SKEW: Final = 1.0
"""The server that takes over after a failover may have a clock so far behind, seconds."""

_PRELUDE = struct.Struct(">2sBB8s")
_INSTANTS = struct.Struct(">QQ")
_CRC = struct.Struct(">I")
_LIVES = struct.Struct(">dd8s8sH")
_WHOLE = struct.Struct(">2sBB8sQQIdd8s8sH")
_CRC_END = IDENTITY_SIZE + _CRC.size


@attrs.frozen
class Header:
    """What a blob says of its entry, before its body is decoded.

    Attributes:

        version: Grows with every write of the key.

        instant_us: Redis's clock at the write, microseconds.

        fresh_for: Seconds.

        ttl: Seconds.

        stamp: The marker of ``clear()`` that the load knew when it began.

        fingerprint: The declared type's shape.
    """

    version: int
    instant_us: int
    fresh_for: float
    ttl: float
    stamp: bytes
    fingerprint: bytes


@lru_cache(maxsize=1024)
def key_check(name: str) -> bytes:
    """Digest of the Redis key: a blob under another key's name is refused."""
    return blake2b(name.encode(), digest_size=8).digest()


@lru_cache(maxsize=64)
def stamp_of(marker: bytes) -> bytes:
    """Digest of a marker, as an entry carries it."""
    return blake2b(marker, digest_size=STAMP_SIZE).digest()


@lru_cache(maxsize=1024)
def prelude(name: str) -> bytes:
    """Return the bytes before the version."""
    return _PRELUDE.pack(MAGIC, FORMAT, 0, key_check(name))


def rest(
    *, fresh_for: float, ttl: float, stamp: bytes, fingerprint: bytes, body: bytes
) -> bytes:
    """Return the bytes after the instant, body included."""
    tail = _LIVES.pack(fresh_for, ttl, stamp, fingerprint, 0) + body
    return _CRC.pack(crc32(tail)) + tail


def identity(blob: bytes) -> bytes:
    """Return the bytes that tell this write from any other of the same key."""
    return blob[:IDENTITY_SIZE]


def identity_of(name: str, *, version: int, instant_us: int) -> bytes:
    """Return the identity that the blob of such a write has."""
    return prelude(name) + _INSTANTS.pack(version, instant_us)


def fingerprint(blob: bytes) -> bytes:
    """Return the bytes that tell which type's shape it has, whatever they are."""
    return blob[FINGERPRINT_AT : FINGERPRINT_AT + FINGERPRINT_SIZE]


def age(header: Header, now_us: int) -> float:
    """Return how old an entry is by Redis's clock, seconds.

    Raises:

        Undecodable: It is of the future: Redis's clock went back since, and nobody can
            tell its age.
    """
    age = (now_us - header.instant_us) / 1e6
    if age < -SKEW:
        detail = f"instant {header.instant_us}, while Redis's clock shows {now_us}"
        raise Undecodable("instants", detail)
    return max(0.0, age)


def parse(blob: bytes, name: str, shape: bytes) -> tuple[Header, bytes]:
    """Read a blob that stood under the Redis key *name*; give header and body.

    Raises:

        Undecodable: It is not an entry of this format, key and *shape*, whole.
    """
    if len(blob) < HEADER_SIZE:
        raise Undecodable("truncated", f"{len(blob)} bytes")
    (
        magic,
        layout,
        _flags,
        check,
        version,
        instant_us,
        crc,
        fresh_for,
        ttl,
        stamp,
        fingerprint,
        tag_stamps,
    ) = _WHOLE.unpack_from(blob)
    if magic != MAGIC:
        raise Undecodable("magic", repr(magic))
    if layout != FORMAT or tag_stamps != 0:
        raise Undecodable("format", f"{layout}, {tag_stamps} tag stamps")
    if check != key_check(name):
        raise Undecodable("key", "written under another key")
    if crc != crc32(memoryview(blob)[_CRC_END:]):
        raise Undecodable("checksum", "damaged")
    if version < instant_us:
        # Version = max(previous + 1, instant): no write has a later instant, which
        # would make an entry look younger than it is. The checksum is older than both.
        raise Undecodable("instants", f"version {version}, instant {instant_us}")
    if not 0.0 <= fresh_for <= ttl < math.inf:
        raise Undecodable("lifetimes", f"fresh_for={fresh_for!r}, ttl={ttl!r}")
    if fingerprint != shape:
        raise Undecodable("shape", "the declared type has changed")
    header = Header(version, instant_us, fresh_for, ttl, stamp, fingerprint)
    return header, blob[HEADER_SIZE:]
