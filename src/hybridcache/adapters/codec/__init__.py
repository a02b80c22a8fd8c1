"""Typed values as bytes: a declared type, read once, drives both directions.

An annotation is *read* into a kind (``reading``, ``kinds``); from the kind follow
its fingerprint, whether its values are immutable, and its hooks (``compiling``),
which turn a value into plain data and back. A codec (``wire``) is two functions
between plain data and bytes; a shape (``shape``) is all of it in one object.
"""

from hybridcache.adapters.codec.shape import Shape, shape_of
from hybridcache.adapters.codec.wire import JSON, MSGPACK, Codec

__all__ = ["JSON", "MSGPACK", "Codec", "Shape", "shape_of"]
