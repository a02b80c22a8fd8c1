"""Keys of functions that were given none: ``module.qualname(a=1,b=x)``.

Defaults are applied and keywords stand in the order of the signature. Where the
text is long, its tail is replaced by a hash of the whole: ``module.f(a=xxx#1f0c``.
"""

import inspect
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import ParamSpec

from hybridcache.core.key_template import Values, unusable
from hybridcache.core.key_values import NoStableText, value_text

P = ParamSpec("P")

# Longer derived keys are hashed: long enough to be read, short enough to list.
_DERIVED_BYTES = 200
_HEAD_BYTES = 120
# 160 bits: a chosen collision takes 2**80 tries.
_DIGEST_BYTES = 20


def function_name(function: Callable[P, object]) -> str:
    """Name a function the same in every process that runs the same code."""
    module = str(getattr(function, "__module__", None))
    qualname = str(getattr(function, "__qualname__", type(function).__qualname__))
    if module in {"__main__", "__mp_main__"}:
        # Every script is __main__ and its spawned workers see it as __mp_main__, so
        # take what it was started as: a module's name (python -m), or a file's.
        inner = inspect.unwrap(function)
        spec: object = getattr(inner, "__globals__", {}).get("__spec__")
        code: object = getattr(inner, "__code__", None)
        path = str(getattr(code, "co_filename", ""))
        file = path.replace("\\", "/").rpartition("/")[2]
        module = str(getattr(spec, "name", f"__main__[{file}]"))
    return f"{module}.{qualname}"


def derive(label: str, numbered: Sequence[tuple[int, str]]) -> Callable[[Values], str]:
    """Make the function that derives keys from the values at these positions."""
    parts = [
        (position, name, f"{name}=" if number == 0 else f",{name}=")
        for number, (position, name) in enumerate(numbered)
    ]

    def render(values: Values) -> str:
        text = f"{label}("
        for position, name, opening in parts:
            try:
                text = f"{text}{opening}{value_text(values[position])}"
            except NoStableText as error:
                raise unusable(label, name, error) from None
        return _bounded(f"{text})")

    return render


def _bounded(text: str) -> str:
    if len(text) <= _DERIVED_BYTES and text.isascii():
        return text
    data = text.encode()
    if len(data) <= _DERIVED_BYTES:
        return text
    digest = blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()
    # Cut anywhere: half a character at the end is dropped. Unhashed keys end in a
    # parenthesis, so none is mistaken for a hashed one.
    head = data[:_HEAD_BYTES].decode(errors="ignore")
    return f"{head}#{digest}"
