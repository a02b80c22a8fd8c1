"""How the calls of one decorated function get their keys, settled when decorating.

A key comes from a template (``key_template``), from the user's own function, or is
derived from the function's name and arguments (``key_derived``). Everything that
can be wrong with the options is said here; a call can then fail only by its values.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import ParamSpec, Protocol, cast
from uuid import UUID

import attrs

from hybridcache.core.key_derived import derive, function_name
from hybridcache.core.key_template import Values, compile_template, parse_template
from hybridcache.core.keys import check_key, shown

# Of these, values that are equal and of one type have one text; floats have two
# zeros, Decimals several 1.0, instants several zones, and the rest can change.
ARGUMENT_TYPES: frozenset[type] = frozenset({str, int, bool, bytes, type(None), UUID})

P = ParamSpec("P")

_RECEIVERS = frozenset({"self", "cls"})
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_VARIABLE = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


class KeyFunction(Protocol):
    """The user's own: called with the function's arguments, gives the key."""

    def __call__(self, *args: object, **kwargs: object) -> str:
        """Give the key of this call."""
        ...


@attrs.frozen(eq=False)
class KeyPlan:
    """What is known of a function's keys before any call.

    Attributes:

        signature: The function's.

        parameters: Names that count in the key, in the signature's order.

        by_arguments: Whether equal arguments, types compared too, imply an equal
            key, so that a value may be looked up by them.

        template_id: What no two functions of a cache may share: the template with
            its names left out, the derived keys' common head; None for a function.

        render_bound: Makes the key from one value per parameter, in the signature's
            order and with defaults applied (``*args`` a tuple, ``**kwargs`` a dict).
    """

    signature: Signature
    parameters: tuple[str, ...]
    by_arguments: bool
    template_id: str | None
    render_bound: Callable[[Values], str]
    # How many values make a call that needs no binding; None if there is no such.
    _plain: int | None

    def render(self, args: Values, kwargs: Mapping[str, object]) -> str:
        """Make the key of a call.

        Raises:

            TypeError: The function cannot be called so, or an argument cannot be in
                a key.

            ValueError: The key is too long.
        """
        if not kwargs and len(args) == self._plain:
            return self.render_bound(args)
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return self.render_bound(tuple(bound.arguments.values()))


def plan_key(
    function: Callable[P, object],
    key: object = None,
    *,
    ignore: Sequence[str] = (),
    method: bool = False,
    name: str | None = None,
) -> KeyPlan:
    """Settle how calls of *function* get their keys.

    Args:

        function: The decorated function.

        key: A template, a function of the same arguments (:class:`KeyFunction`), or
            None to derive. Checked here, since decorators are handed anything.

        ignore: Parameters that do not count in the key.

        method: The first parameter is a receiver, whatever its name.

        name: What derived keys begin with; ``module.qualname`` if left out.

    Raises:

        TypeError: An option is of a wrong type.

        ValueError: The options do not fit the function.
    """
    signature = inspect.signature(function)
    known = tuple(signature.parameters)
    label = function_name(function) if name is None else name
    receiver = known[:1] if method or (known and known[0] in _RECEIVERS) else ()
    ignored = _checked_ignore(ignore, known, label)
    counted = tuple(each for each in known if each not in ignored)
    template_id: str | None
    if isinstance(key, str):
        template = parse_template(key)
        _check_names(template.names, known, receiver, ignored, label)
        parameters = tuple(each for each in known if each in template.names)
        by_arguments = not any(field.attributes for field in template.fields)
        positions = {each: number for number, each in enumerate(known)}
        render = compile_template(template, positions, label)
        template_id = template.shape
    elif key is None:
        if receiver:
            msg = (
                f"{label} is a method: it needs key=, such as "
                f"key='{label}:{{{receiver[0]}.id}}:...', because two objects must "
                f"not share a key by accident; leave {receiver[0]!r} out where they "
                "may"
            )
            raise ValueError(msg)
        parameters, by_arguments = counted, True
        numbered = [(n, each) for n, each in enumerate(known) if each in counted]
        render = derive(label, numbered)
        template_id = f"{label}()"
    elif callable(key):
        if ignored:
            msg = f"{label}: ignore= has no use beside a key= function: leave it out"
            raise ValueError(msg)
        parameters, by_arguments, template_id = known, False, None
        # What it accepts is checked by its signature, and its result at every call.
        render = _called(cast("KeyFunction", key), signature, label)
    else:
        msg = f"{label}: key= is a template, a function or None, not {shown(key)}"
        raise TypeError(msg)
    return KeyPlan(
        signature,
        parameters,
        by_arguments,
        template_id,
        render,
        _plain_count(signature),
    )


def _plain_count(signature: Signature) -> int | None:
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    return len(kinds) if all(kind in _POSITIONAL for kind in kinds) else None


def _checked_ignore(
    ignore: Sequence[str], known: Sequence[str], label: str
) -> frozenset[str]:
    if isinstance(ignore, str):
        msg = f"{label}: ignore= is a sequence of names: write ({ignore!r},)"
        raise TypeError(msg)
    unknown = [each for each in ignore if each not in known]
    if unknown:
        raise _unknown(label, "ignore=", unknown, known)
    return frozenset(ignore)


def _check_names(
    named: Sequence[str],
    known: Sequence[str],
    receiver: Sequence[str],
    ignored: frozenset[str],
    label: str,
) -> None:
    unknown = [each for each in named if each not in known]
    if unknown:
        raise _unknown(label, "the key template", unknown, known)
    both = [each for each in named if each in ignored]
    if both:
        msg = f"{label}: {_listed(both)} both in the key template and in ignore="
        raise ValueError(msg)
    left_out = [each for each in known if each not in {*named, *ignored, *receiver}]
    if left_out:
        msg = (
            f"{label}: the key template leaves out {_listed(left_out)}, so calls that "
            "differ there would share a value: name it, or say that it does not "
            f"matter with ignore=({', '.join(map(repr, left_out))},)"
        )
        raise ValueError(msg)


def _unknown(
    label: str, where: str, unknown: Sequence[str], known: Sequence[str]
) -> ValueError:
    return ValueError(
        f"{label}: {where} names {_listed(unknown)}, but the parameters are "
        f"{_listed(known) or 'none'}"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _called(
    key: KeyFunction, signature: Signature, label: str
) -> Callable[[Values], str]:
    """Ask the user's function, with the arguments passed as the signature has them."""
    kinds = [
        (parameter.name, parameter.kind) for parameter in signature.parameters.values()
    ]
    _check_callable(key, kinds, label)

    def render(values: Values) -> str:
        args: list[object] = []
        kwargs: dict[str, object] = {}
        for (name, kind), value in zip(kinds, values, strict=True):
            if kind in _POSITIONAL:
                args.append(value)
            elif kind is Parameter.VAR_POSITIONAL and isinstance(value, tuple):
                args.extend(value)
            elif kind is Parameter.VAR_KEYWORD and isinstance(value, dict):
                kwargs.update(value)
            else:
                kwargs[name] = value
        return check_key(key(*args, **kwargs))

    return render


def _check_callable(
    key: KeyFunction, kinds: Sequence[tuple[str, object]], label: str
) -> None:
    if inspect.iscoroutinefunction(key):
        msg = f"{label}: the key= function must not be async: a lookup cannot await it"
        raise TypeError(msg)
    try:
        accepted = inspect.signature(key)
    except (TypeError, ValueError):
        return  # a builtin without a signature: the first call will tell
    args = [None for _, kind in kinds if kind in _POSITIONAL]
    kwargs = {name: None for name, kind in kinds if kind is Parameter.KEYWORD_ONLY}
    try:
        accepted.bind(*args, **kwargs)
    except TypeError as error:
        msg = (
            f"{label}: its key= function {accepted} does not accept the same "
            f"arguments ({error})"
        )
        raise ValueError(msg) from None
