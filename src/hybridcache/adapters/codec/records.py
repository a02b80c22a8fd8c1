"""Hooks of attrs classes and dataclasses: cattrs generates them, with our hooks.

cattrs finds a hook by the type of a field. Our field types are hooks already, one
to a field, so none of its defaults and none of its guesses (a subclass served by
its base's hook, equal types taken for the same) comes into play.
"""

from collections.abc import Callable
from typing import Any, Final, cast

import attrs
from cattrs import Converter
from cattrs.gen import (
    make_dict_structure_fn_from_attrs,
    make_dict_unstructure_fn_from_attrs,
)

from hybridcache.adapters.codec.hook import Hook, Unfit, foreign, unfit
from hybridcache.adapters.codec.kinds import Record


@attrs.frozen(eq=False)
class _FieldType:
    """What stands for a field's type towards cattrs."""

    hook: Hook


def _is_ours(declared: object) -> bool:
    return isinstance(declared, _FieldType)


_converter: Final = Converter(detailed_validation=False)
_converter.register_unstructure_hook_factory(_is_ours, lambda it: it.hook.dump)
_converter.register_structure_hook_factory(_is_ours, lambda it: it.hook.load)


def record_hook(kind: Record, hooks: tuple[Hook, ...], *, located: bool) -> Hook:
    """Make the hook of a class from those of its fields.

    Generated code does not know which field refuses; with *located*, every field's
    hook is wrapped in one that does, which is for refusals only.
    """
    cls, name = kind.cls, kind.name
    if located:
        hooks = tuple(
            _located(field.name, hook)
            for field, hook in zip(kind.fields, hooks, strict=True)
        )
    # Stand-ins without defaults: a field that is missing on the wire is an error.
    fields = list(
        attrs.fields(
            attrs.make_class(
                "Fields",
                {
                    field.name: attrs.field(
                        type=cast("type", _FieldType(hook)),
                        alias=field.alias,
                        init=field.init,
                        kw_only=field.init,
                    )
                    for field, hook in zip(kind.fields, hooks, strict=True)
                },
                init=False,
                eq=False,
                repr=False,
                slots=False,
            )
        )
    )
    unstructure: Callable[[Any], dict[str, Any]] = make_dict_unstructure_fn_from_attrs(
        fields,
        cls,
        _converter,
        _cattrs_use_linecache=False,
        _cattrs_include_init_false=True,
    )
    structure: Callable[..., Any] = make_dict_structure_fn_from_attrs(
        fields,
        cls,
        _converter,
        # The fields' own types say it all; cattrs asks in order to name its function.
        {it.__name__: object for it in getattr(cls, "__parameters__", ())},
        _cattrs_use_linecache=False,
        _cattrs_include_init_false=True,
    )
    names = frozenset(field.name for field in kind.fields)

    def dump(value: Any) -> dict[str, Any]:
        if type(value) is cls:
            return unstructure(value)
        return unfit(value, name)

    def load(plain: Any, _: object) -> Any:
        if type(plain) is not dict or plain.keys() != names:
            return foreign(plain, name)
        value = structure(plain, cls)
        # A __new__ of the user's may make what it likes.
        return value if type(value) is cls else foreign(value, name)

    return Hook(dump, load)


def _located(name: str, hook: Hook) -> Hook:
    def dump(value: Any) -> Any:
        try:
            return hook.dump(value)
        except Unfit as refusal:
            refusal.within(f".{name}")
            raise

    return Hook(dump, hook.load)
