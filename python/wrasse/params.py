"""Parameters of operators: declared by annotations, checked before a run.

A parameter is what a dataclass calls a field: a name, a type and perhaps a
default. Values come from recipes, so the types are those of YAML and a few that
are made of them: `bool`, `int`, `float`, `str`, `list`, `tuple`, `set`, `dict`,
`Literal`, `X | None` and other unions, `enum.Enum` (by value), `pathlib.Path`,
`Any`, and `Annotated[int, Range(1, 10)]` for bounds.
"""

from __future__ import annotations

import copy
import difflib
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wrasse.errors import DeclarationError, ParameterError
from wrasse.values import convert, type_name


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"

    def __reduce__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()
"""The default of a parameter that must be given."""


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of an operator."""

    name: str
    annotation: Any
    default: Any = REQUIRED

    @property
    def is_required(self) -> bool:
        """Whether the recipe must give it."""
        return self.default is REQUIRED

    @property
    def types(self) -> str:
        """The types of its values in words, such as `integer from 1 to 10 or null`."""
        return type_name(self.annotation)


def check(operator: str, params: list[Param], given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of an operator with their values, defaults filled in.

    Raises `ParameterError` with every problem at once: unknown names, missing
    ones, values of a wrong type or out of bounds.
    """
    known = {param.name: param for param in params}
    problems = [_unknown(name, known) for name in given if name not in known]
    values: dict[str, Any] = {}
    for param in params:
        if param.name in given:
            try:
                values[param.name] = convert(given[param.name], param.annotation)
            except ValueError as error:
                problems.append(f"`{param.name}`: {error}")
        elif param.is_required:
            problems.append(f"`{param.name}` is missing: {param.types}")
        else:
            # A default that can change would be shared by all instances.
            values[param.name] = copy.deepcopy(param.default)
    if problems:
        raise ParameterError(operator, problems)
    return values


def of_class(cls: type, base: type) -> list[Param]:
    """The parameters that a class declares by annotations, its bases' first.

    Annotations of `base` and above it are not parameters, nor are names that
    begin with an underscore, and `ClassVar`s.
    """
    own = [c for c in reversed(cls.__mro__) if c not in base.__mro__]
    hints = _hints(cls)
    params: dict[str, Param] = {}
    for one in own:
        for name in inspect.get_annotations(one):
            annotation = hints[name]
            if not name.startswith("_") and typing.get_origin(annotation) is not typing.ClassVar:
                params[name] = Param(name, annotation, getattr(cls, name, REQUIRED))
    return list(params.values())


def of_function(function: Callable[..., Any], skip: int = 0) -> list[Param]:
    """The parameters of a function or constructor, after the first `skip`.

    Raises `DeclarationError` for parameters that have no name to a recipe:
    `*args`, `**kwargs`, and those that are positional only.
    """
    hints = _hints(function)
    found = list(inspect.signature(function).parameters.values())[skip:]
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for one in found:
        if one.kind not in named:
            raise DeclarationError(
                f"`{function.__qualname__}` has the parameter `{one}`, which a recipe cannot name; "
                "declare each parameter by name"
            )
    return [
        Param(
            one.name,
            hints.get(one.name, Any),
            REQUIRED if one.default is inspect.Parameter.empty else one.default,
        )
        for one in found
    ]


def unknown(
    names: list[str], params: list[Param], renamed: Mapping[str, str] | None = None
) -> list[str]:
    """A sentence for each name that no parameter has, with the closest one that there is.

    `renamed`: what parameters that there were are called now.
    """
    known = {param.name: param for param in params}
    return [_unknown(name, known, (renamed or {}).get(name, "")) for name in names]


def _hints(of: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(of, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        name = getattr(of, "__qualname__", repr(of))
        raise DeclarationError(f"the annotations of `{name}` cannot be read: {error}") from error


def _unknown(name: str, known: Mapping[str, Param], now: str = "") -> str:
    close = [now] if now in known else difflib.get_close_matches(str(name), known, n=1)
    if close:
        return f"there is no parameter `{name}`; did you mean `{close[0]}`?"
    if not known:
        return f"there is no parameter `{name}`, nor any other"
    names = ", ".join(f"`{one}`" for one in known)
    return f"there is no parameter `{name}`; there are {names}"
