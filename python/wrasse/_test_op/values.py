"""Values for settings: such as they must take, and such as they must not."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from wrasse.operators import Found
from wrasse.params import Param
from wrasse.values import Range


def edges(found: Found, param: Param) -> list[Any]:
    """Values that are allowed: bounds, and every option."""
    kind, args = _taken_apart(param.annotation)
    if kind is typing.Literal:
        return list(args)
    if kind is bool:
        return [True, False]
    if kind is list:
        low, high = _range_bounds(found, param.name)
        return [[low, high]] if low is not None and high is not None else []
    if kind in (int, float):
        low, high = _bounds(param.annotation)
        return [kind(one) if kind is int else one for one in (low, high) if one is not None]
    return []


def wrong(found: Found, param: Param) -> list[tuple[str, Any]]:
    """Values that are not allowed, each with what is wrong with it."""
    kind, _ = _taken_apart(param.annotation)
    if kind is typing.Literal:
        return [("no such option", "no-such-option")]
    if kind is bool:
        return [("wrong type", "perhaps")]
    if kind is list:
        low, high = _range_bounds(found, param.name)
        found_wrong: list[tuple[str, Any]] = [("wrong type", "text")]
        if low is not None and high is not None:
            found_wrong += [("out of bounds", [low - 1, high]), ("out of bounds", [low, high + 1])]
        return found_wrong
    if kind in (int, float):
        low, high = _bounds(param.annotation)
        found_wrong = [("wrong type", "text")]
        found_wrong += [("out of bounds", low - 1)] if low is not None else []
        found_wrong += [("out of bounds", high + 1)] if high is not None else []
        return found_wrong
    return []


def _taken_apart(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _taken_apart(args[0])
    return origin or annotation, args


def _bounds(annotation: Any) -> tuple[float | None, float | None]:
    for one in typing.get_args(annotation)[1:]:
        if typing.get_origin(annotation) is typing.Annotated and isinstance(one, Range):
            return one.min, one.max
    return None, None


def _range_bounds(found: Found, name: str) -> tuple[float | None, float | None]:
    """The bounds of DataMate's `range`, which are not part of its type."""
    about = getattr(found, "about", None)
    setting: Mapping[str, Any] = about.settings.get(name, {}) if about else {}
    parts = setting.get("properties")
    if isinstance(parts, list) and len(parts) == 2:
        return parts[0].get("min"), parts[1].get("max")
    return setting.get("min"), setting.get("max")
