"""Codecs: two functions between plain data and bytes.

Plain data is None, bool, int of any size, float, str (lone surrogates included),
bytes, list, and dict with field names as keys. A codec must give each of them back
as exactly what it was; what it raises on foreign bytes is up to it.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final

import attrs
import msgpack

_BIG_INT: Final = 1
# Keys of plain dicts are identifiers, so this one is nobody's field.
_BYTES: Final = "$"


@attrs.frozen
class Codec:
    """Two functions and a name.

    Attributes:

        name: Part of the fingerprint: entries of another codec are a miss.

        dumps: Plain data to bytes.

        loads: Bytes to plain data; may raise anything.
    """

    name: str
    dumps: Callable[[object], bytes]
    loads: Callable[[bytes], object]


def _msgpack_dumps(plain: object) -> bytes:
    packed: bytes = msgpack.packb(
        plain, default=_pack_big, unicode_errors="surrogatepass"
    )
    return packed


def _msgpack_loads(data: bytes) -> object:
    # msgpack's own bounds hold every size below len(data), and refuse a tail.
    plain: object = msgpack.unpackb(
        data, ext_hook=_unpack_ext, unicode_errors="surrogatepass"
    )
    return plain


def _pack_big(value: object) -> msgpack.ExtType:
    """Pack what msgpack has no form for: an int beyond 64 bits."""
    if type(value) is not int:
        msg = f"{type(value).__name__} is not plain data"
        raise TypeError(msg)
    size = value.bit_length() // 8 + 1
    return msgpack.ExtType(_BIG_INT, value.to_bytes(size, "big", signed=True))


def _unpack_ext(code: int, data: bytes) -> int:
    if code != _BIG_INT:
        msg = f"unknown extension {code}"
        raise ValueError(msg)
    return int.from_bytes(data, "big", signed=True)


def _json_dumps(plain: object) -> bytes:
    # Escapes would join two lone surrogates into one character on the way back.
    text = json.dumps(
        plain,
        default=_json_bytes,
        ensure_ascii=False,
        check_circular=False,
        separators=(",", ":"),
    )
    return text.encode("utf-8", "surrogatepass")


def _json_loads(data: bytes) -> object:
    plain: object = json.loads(
        data.decode("utf-8", "surrogatepass"), object_hook=_json_object
    )
    return plain


def _json_bytes(value: object) -> dict[str, str]:
    if type(value) is not bytes:
        msg = f"{type(value).__name__} is not plain data"
        raise TypeError(msg)
    return {_BYTES: b64encode(value).decode()}


def _json_object(found: dict[str, object]) -> object:
    if _BYTES not in found:
        return found
    text = found[_BYTES]
    if len(found) != 1 or type(text) is not str:
        msg = "malformed bytes"
        raise ValueError(msg)
    return b64decode(text, validate=True)


MSGPACK: Final = Codec("msgpack", _msgpack_dumps, _msgpack_loads)
JSON: Final = Codec("json", _json_dumps, _json_loads)
