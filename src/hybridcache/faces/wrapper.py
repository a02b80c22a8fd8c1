"""Make the plain function that takes a decorated function's place.

Its source is made for the exact signature, as attrs makes `__init__`: a memory hit
is one look-up by the arguments and one comparison, and the key is made only after a
miss there (measured: 2-3 x `functools.lru_cache`; a closure over ``*args`` 3.4-4.7).
"""

import functools
import inspect
import linecache
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import cast

import attrs

from hybridcache.adapters.tracing import SPAN_KEY, UNRECORDED, current
from hybridcache.core.key_plan import KeyPlan
from hybridcache.engine.kept import Kept
from hybridcache.engine.tally import HIT_FRESH_IN_MEMORY, Tally

_VARIABLE = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


@attrs.frozen
class Parts:
    """What the generated function calls.

    Attributes:

        function: The decorated one.

        plan: Makes keys.

        index: Records by arguments and their types.

        by_type: Records by the argument's type, then by the argument, where one
            argument alone tells the key: no tuple to make and to hash.

        tally: Counts; the first of its slots counts hits.

        now: The clock, seconds.

        serve: Called with key, loader and arguments after a miss in the index.
    """

    function: Callable[..., object]
    plan: KeyPlan
    index: dict[object, Kept]
    by_type: dict[type, dict[object, Kept]]
    tally: Tally
    now: Callable[[], float]
    serve: Callable[..., object]


def make_wrapper(parts: Parts, *, is_async: bool) -> Callable[..., object]:
    """Return a function with the signature, name and docstring of the decorated."""
    signature = parts.plan.signature
    names = {
        "__hc_index": parts.index,
        "__hc_by_type": parts.by_type,
        "__hc_now": parts.now,
        "__hc_context": current,
        "__hc_span": SPAN_KEY,
        "__hc_unrecorded": UNRECORDED,
        "__hc_tally": parts.tally,
        "__hc_serve": parts.serve,
        "__hc_render": parts.plan.render_bound,
        "__hc_partial": functools.partial,
        "__hc_function": parts.function,
        "__hc_type": type,
    }
    for name, parameter in signature.parameters.items():
        if parameter.default is not Parameter.empty:
            names[f"__hc_default_{name}"] = parameter.default
    source = _source(parts.plan, is_async=is_async)
    # Under a name of its own, so that tracebacks and debuggers show the lines.
    file = f"<hybridcache {parts.function.__module__}.{parts.function.__qualname__}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), names)  # noqa: S102 (made here, from names)
    made = cast("Callable[..., object]", names["__hc_wrapper"])
    return functools.update_wrapper(made, parts.function)


def _source(plan: KeyPlan, *, is_async: bool) -> str:
    signature = plan.signature
    values = "".join(f"{name}, " for name in signature.parameters)
    arguments = _index_key(plan)
    word, wait = ("async def", "await ") if is_async else ("def", "")
    lines = [f"{word} __hc_wrapper({_parameters(signature)}):"]
    if arguments is not None:
        found = f"__hc_index[{arguments}]"
        if len(plan.parameters) == 1:
            found = "__hc_by_type[__hc_type({0})][{0}]".format(*plan.parameters)
        lines += [
            "    try:",
            f"        __hc_kept = {found}",
            # Not there, or an argument that cannot be hashed.
            "    except Exception:",
            "        pass",
            "    else:",
            "        if __hc_now() < __hc_kept.until and (",
            # Inside a recorded span a hit has a span of its own. Most are inside none
            # at all, or inside one that was not sampled: told without a call of Python.
            "            not (__hc_traced := __hc_context())",
            "            or (__hc_traced := __hc_traced.get(__hc_span)) is None",
            "            or __hc_traced.__class__ is __hc_unrecorded",
            "            or not __hc_traced.is_recording()",
            "        ):",
            f"            __hc_tally.slots[{HIT_FRESH_IN_MEMORY}] += 1",
            "            if __hc_kept.freq < 3:",
            "                __hc_kept.freq += 1",
            "            return __hc_kept.value",
        ]
    lines += [
        f"    return {wait}__hc_serve(",
        f"        __hc_render(({values})),",
        f"        __hc_partial(__hc_function, {_passed_on(signature)}),",
        f"        {arguments},",
        "    )",
    ]
    return "\n".join(lines) + "\n"


def _index_key(plan: KeyPlan) -> str | None:
    """Return the source of the arguments and their exact types, if they tell a key."""
    parameters = plan.signature.parameters
    counted = plan.parameters
    if not plan.by_arguments or any(
        parameters[name].kind in _VARIABLE for name in counted
    ):
        return None
    members = [*counted, *(f"__hc_type({name})" for name in counted)]
    return f"({''.join(f'{member}, ' for member in members)})"


def _parameters(signature: Signature) -> str:
    """Return the parameters as source; defaults stand under names of ours."""
    shown = []
    for name, parameter in signature.parameters.items():
        default: object = Parameter.empty
        if parameter.default is not Parameter.empty:
            default = _Named(f"__hc_default_{name}")
        shown.append(parameter.replace(default=default, annotation=Parameter.empty))
    return str(Signature(shown))[1:-1]


@attrs.frozen(repr=False)
class _Named:
    """Something whose repr is a name, for a signature that is turned into source."""

    name: str

    def __repr__(self) -> str:
        return self.name


def _passed_on(signature: Signature) -> str:
    passed = []
    for name, parameter in signature.parameters.items():
        match parameter.kind:
            case Parameter.VAR_POSITIONAL:
                passed.append(f"*{name}")
            case Parameter.VAR_KEYWORD:
                passed.append(f"**{name}")
            case Parameter.KEYWORD_ONLY:
                passed.append(f"{name}={name}")
            case _:
                passed.append(name)
    return ", ".join(passed)


def in_class_body(function: Callable[..., object]) -> bool:
    """Whether *function* is being defined as a method."""
    outer, dot, _ = function.__qualname__.rpartition(".")
    return bool(dot) and not outer.endswith("<locals>")


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling *function* makes a coroutine."""
    return inspect.iscoroutinefunction(function)
