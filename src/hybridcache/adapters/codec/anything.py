"""The hook of what is not declared: builtin values, each with its type beside it.

Plain scalars go as they are, all else as ``[type name, plain data]``. A list is
always such a pair, so user data cannot look like one.
"""

from typing import Any, Final

from hybridcache.adapters.codec.containers import (
    collected,
    halves,
    in_order,
    table_of,
)
from hybridcache.adapters.codec.hook import Hook, Unfit, foreign, step_to
from hybridcache.adapters.codec.scalars import SCALARS

_BARE: Final = frozenset(kind for kind, hook in SCALARS.items() if hook.same)
_TAGGED: Final = {kind: hook for kind, hook in SCALARS.items() if kind not in _BARE}
_LOADS: Final = {kind.__name__: hook.load for kind, hook in _TAGGED.items()}
_SERIES: Final[dict[str, type]] = {
    kind.__name__: kind for kind in (list, tuple, set, frozenset)
}


def _dump(value: Any) -> Any:
    kind = type(value)
    if kind in _BARE:
        return value
    if kind is dict:
        return [kind.__name__, _dump_table(value)]
    if kind in (list, tuple, set, frozenset):
        return [kind.__name__, _dump_series(value)]
    hook = _TAGGED.get(kind)
    if hook is None:
        problem = (
            f"{kind.__qualname__}, which cannot be stored where no type is declared"
        )
        raise Unfit(problem)
    return [kind.__name__, hook.dump(value)]


def _dump_series(value: Any) -> list[Any]:
    out: list[Any] = []
    try:
        for one in value:
            out.append(_dump(one))  # noqa: PERF401 (counts for the path)
    except Unfit as refusal:
        refusal.within(f"[{len(out)}]")
        raise
    return in_order(out) if isinstance(value, set | frozenset) else out


def _dump_table(value: dict[Any, Any]) -> list[Any]:
    out: list[Any] = []
    for key, held in value.items():
        try:
            out += (_dump(key), _dump(held))
        except Unfit as refusal:
            refusal.within(step_to(key))
            raise
    return out


def _load(plain: Any, _: object = None) -> Any:
    if type(plain) in _BARE:
        return plain
    if type(plain) is not list:
        return foreign(plain, "a tagged value")
    tag, held = plain
    if tag == "dict":
        keys, values = halves(held, tag)
        return table_of([_load(key) for key in keys], [_load(one) for one in values])
    if tag in _SERIES:
        if type(held) is not list:
            return foreign(held, tag)
        return collected(_SERIES[tag], [_load(one) for one in held])
    load = _LOADS.get(tag)
    return foreign(plain, "a known tag") if load is None else load(held, None)


ANYTHING: Final = Hook(_dump, _load)
