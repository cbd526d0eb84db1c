"""Values of parameters: do they fit a type, and what do they become?"""

from __future__ import annotations

import collections.abc
import enum
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union

_PLAIN = {
    bool: "true or false",
    int: "integer",
    float: "number",
    str: "string",
    type(None): "null",
    dict: "mapping",
    list: "list",
    tuple: "list",
    set: "list",
    frozenset: "list",
    Path: "path",
}


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number, both inclusive; `None` is no bound.

    As part of an annotation: `Annotated[int, Range(1, 10)]`.
    """

    min: float | None = None
    max: float | None = None

    def __contains__(self, value: float) -> bool:
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    def __str__(self) -> str:
        low = "" if self.min is None else f"from {self.min}"
        high = "" if self.max is None else f"to {self.max}"
        return f"{low} {high}".strip()


def type_name(annotation: Any) -> str:
    """A type in words, as in `list of integer or null`."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return "anything"
    if origin is typing.Annotated:
        bounds = [str(one) for one in args[1:] if isinstance(one, Range)]
        return " ".join([type_name(args[0]), *bounds])
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(one) for one in args)
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in args)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return " or ".join(f"`{one.value}`" for one in annotation)
    plain = _PLAIN.get(_container(origin or annotation))
    if plain is None:
        return getattr(annotation, "__name__", str(annotation))
    if plain == "list" and args:
        inner = list(dict.fromkeys(type_name(one) for one in args if one is not Ellipsis))
        return f"list of {' or '.join(inner)}"
    return plain


def convert(value: Any, annotation: Any) -> Any:
    """The value as the type has it: an integer becomes a `float`, a list a `tuple`.

    Raises `ValueError` with what was expected and what was found.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return value
    if origin is typing.Annotated:
        try:
            converted = convert(value, args[0])
        except ValueError:
            if typing.get_origin(args[0]) is None:
                raise _wrong(value, annotation) from None
            raise
        for one in args[1:]:
            is_bounded = isinstance(one, Range) and isinstance(converted, int | float)
            if is_bounded and converted not in one:
                raise _wrong(value, annotation)
        return converted
    if origin in (Union, types.UnionType):
        return _convert_union(value, annotation, args)
    if origin is Literal:
        for one in args:
            if type(one) is type(value) and one == value:
                return one
        raise _wrong(value, annotation)
    container = _container(origin or annotation)
    if container in (list, tuple, set, frozenset):
        return _convert_list(value, annotation, container, args)
    if container is dict:
        if not isinstance(value, collections.abc.Mapping):
            raise _wrong(value, annotation)
        key, item = args or (Any, Any)
        return {convert(k, key): _inner(v, item, f"[{k!r}]") for k, v in value.items()}
    return _convert_plain(value, annotation)


def _convert_union(value: Any, annotation: Any, args: tuple[Any, ...]) -> Any:
    # What fits as it is comes first: 1 is an integer to `float | int`.
    exact = [one for one in args if isinstance(one, type) and type(value) is one]
    for one in [*exact, *args]:
        try:
            return convert(value, one)
        except ValueError:
            continue
    raise _wrong(value, annotation)


def _convert_list(value: Any, annotation: Any, container: Any, args: tuple[Any, ...]) -> Any:
    if not isinstance(value, list | tuple | set | frozenset):
        raise _wrong(value, annotation)
    items = list(value)
    if container is tuple and args and args[-1] is not Ellipsis:
        if len(items) != len(args):
            raise ValueError(f"expected {len(args)} values, found {len(items)}")
        inner = list(args)
    else:
        inner = [args[0] if args else Any] * len(items)
    return container(
        _inner(item, one, f"[{i}]") for i, (item, one) in enumerate(zip(items, inner, strict=True))
    )


def _inner(value: Any, annotation: Any, place: str) -> Any:
    try:
        return convert(value, annotation)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _convert_plain(value: Any, annotation: Any) -> Any:
    if annotation is None:
        annotation = type(None)
    if not isinstance(annotation, type):
        # A type variable or a protocol says nothing that could be checked here.
        return value
    if issubclass(annotation, enum.Enum):
        if isinstance(value, annotation):
            return value
        for one in annotation:
            if one.value == value:
                return one
        raise _wrong(value, annotation)
    if annotation is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if annotation is Path and isinstance(value, str):
        return Path(value)
    is_bool_as_number = isinstance(value, bool) and annotation in (int, float)
    if is_bool_as_number or not isinstance(value, annotation):
        raise _wrong(value, annotation)
    return value


def _container(of: Any) -> Any:
    known = {
        collections.abc.Sequence: list,
        collections.abc.MutableSequence: list,
        collections.abc.Iterable: list,
        collections.abc.Mapping: dict,
        collections.abc.MutableMapping: dict,
        collections.abc.Set: frozenset,
    }
    try:
        return known.get(of, of)
    except TypeError:
        return of


def _wrong(value: Any, annotation: Any) -> ValueError:
    found = _PLAIN.get(type(value), type(value).__name__)
    text = repr(value)
    # Long values say no more than short ones.
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return ValueError(f"expected {type_name(annotation)}, found {found} `{text}`")
