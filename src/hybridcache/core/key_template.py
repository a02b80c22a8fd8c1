"""Templates such as ``items:{id}``, parsed once and rendered on every call.

Two argument tuples never give one key, whatever the text between the fields. A
field followed by punctuation ends at it, because values have that character
escaped. A field that would end in a doubtful place (before another field, a letter,
a digit, a quote, a parenthesis or a percent sign) is put in parentheses on every
call: ``{a}{b}`` gives ``(1)2``. The last field ends where the closing text begins.
"""

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import TypeAlias

import attrs

from hybridcache.core.key_values import NoStableText, percent, value_text
from hybridcache.core.keys import SURELY_SHORT, check_key, shown

Values: TypeAlias = tuple[object, ...]

# Values have none of these outside their parentheses: fields may end there as is.
_NEVER_BARE = frozenset(":,=")
# Values have these as marks: to escape them would blur the marks.
_MARKS = frozenset("()'%")


@attrs.frozen
class Field:
    """A field: a parameter, and the attributes to read of its argument."""

    name: str
    attributes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The field as it was written."""
        return ".".join((self.name, *self.attributes))


@attrs.frozen
class Template:
    """Literal texts with the fields between them: one text more than fields."""

    texts: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that are named, each once."""
        return tuple(dict.fromkeys(field.name for field in self.fields))

    @property
    def shape(self) -> str:
        """The template without its names: what two functions must not share."""
        doubled = (text.replace("{", "{{").replace("}", "}}") for text in self.texts)
        return "{}".join(doubled)


def parse_template(template: str) -> Template:
    """Parse *template*.

    Raises:

        ValueError: It is malformed, or has a field that is not a name with
            attributes.
    """
    texts = [""]
    fields: list[Field] = []
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        msg = f"key template {shown(template)}: {error}; write {{{{ for a plain brace"
        raise ValueError(msg) from None
    for text, name, spec, conversion in parts:
        texts[-1] += text
        if name is None:
            continue
        if spec or conversion:
            # Both can make different values alike ({price:.2f}).
            raise _refused(
                template,
                f"'{{{name}}}' has a conversion or format spec",
                "name the bare parameter",
            )
        fields.append(_field(template, name))
        texts.append("")
    # What no call can put right is said here: lone surrogates, emptiness, length.
    check_key("".join(texts) or "." * len(fields))
    return Template(tuple(texts), tuple(fields))


def _field(template: str, text: str) -> Field:
    name, *attributes = text.split(".")
    if not name or name.isdecimal():
        raise _refused(template, f"'{{{text}}}' is positional", "name the parameter")
    if "[" in text:
        raise _refused(
            template, f"'{{{text}}}' has an index", "read an attribute ({user.id})"
        )
    if not all(part.isidentifier() for part in (name, *attributes)):
        raise _refused(
            template,
            f"'{{{text}}}' is not a name with attributes",
            "write {name} or {name.attribute}",
        )
    return Field(name, tuple(attributes))


def _refused(template: str, problem: str, remedy: str) -> ValueError:
    return ValueError(
        f"key template {shown(template)}: {problem}; {remedy}, or use a key= function"
    )


def compile_template(
    template: Template, positions: Mapping[str, int], function: str
) -> Callable[[Values], str]:
    """Make the function that renders *template* from argument values.

    Args:

        template: What to render.

        positions: Where each parameter's value stands among the values.

        function: What messages call the decorated function.
    """
    first, *rest = template.texts
    last = len(template.fields) - 1
    slots: list[_Slot] = []
    for number, (field, text) in enumerate(zip(template.fields, rest, strict=True)):
        before, after, delimiter = _ending(text, is_last=number == last)
        if before:
            # The opening parenthesis belongs to the text before the field.
            if slots:
                slots[-1] = attrs.evolve(slots[-1], text=slots[-1].text + before)
            else:
                first += before
        slots.append(
            _Slot(field.text, positions[field.name], field.attributes, delimiter, after)
        )
    if len(slots) == 1 and not slots[0].attributes:
        return _single(first, slots[0], function)
    return _several(first, slots, function)


@attrs.frozen
class _Slot:
    """A field made ready: where its value is, and how its text ends."""

    label: str
    position: int
    attributes: tuple[str, ...]
    # The character that ends the field, if values may have it; else "".
    delimiter: str
    text: str


def _ending(text: str, *, is_last: bool) -> tuple[str, str, str]:
    """Say what opens a field, what follows it, and what must be escaped in it."""
    if is_last:
        return "", text, ""
    delimiter = text[:1]
    if not delimiter or delimiter.isalnum() or delimiter in _MARKS:
        return "(", f"){text}", ""
    return "", text, "" if delimiter in _NEVER_BARE else delimiter


def _single(first: str, slot: _Slot, function: str) -> Callable[[Values], str]:
    """Render one plain parameter: the common case, and the fast one."""
    position, text = slot.position, slot.text

    def render(values: Values) -> str:
        value = values[position]
        try:
            key = f"{first}{value_text(value)}{text}"
        except NoStableText as error:
            raise unusable(function, slot.label, error) from None
        # Ours are never empty and always have a UTF-8 form.
        return key if len(key) <= SURELY_SHORT else check_key(key)

    return render


def _several(
    first: str, slots: Sequence[_Slot], function: str
) -> Callable[[Values], str]:
    ready = [
        (slot, slot.position, slot.attributes, slot.delimiter, percent(slot.delimiter))
        for slot in slots
    ]

    def render(values: Values) -> str:
        key = first
        for slot, position, attributes, delimiter, escape in ready:
            value = values[position]
            for attribute in attributes:
                value = getattr(value, attribute)
            try:
                text = value_text(value)
            except NoStableText as error:
                raise unusable(function, slot.label, error) from None
            if delimiter:
                text = text.replace(delimiter, escape)
            key = f"{key}{text}{slot.text}"
        return key if len(key) <= SURELY_SHORT else check_key(key)

    return render


def unusable(function: str, argument: str, error: NoStableText) -> TypeError:
    """Say which argument cannot be in a key, and what to do."""
    return TypeError(
        f"{function}(): argument {argument!r} {error.problem}, which makes no stable "
        "key: name an attribute of it in a key= template, or use a key= function"
    )
