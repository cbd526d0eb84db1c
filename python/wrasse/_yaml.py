"""YAML of recipes: what JSON can hold, written for people to read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

# Words that no reader of YAML takes for anything else than text.
_PLAIN = re.compile(r"(?:[A-Za-z_/]|\.{1,2}/)[\w./*-]*(?: [\w./*-]+)*\Z", re.ASCII)
_OTHER = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
# Lists that are as short as this stay on one line.
_SHORT = 60


def dump(value: Mapping[str, Any]) -> str:
    """The mapping as YAML, keys in their order.

    Raises `TypeError` for what a recipe cannot hold, such as a function, and
    `ValueError` for a number that is none.

    >>> print(dump({"text_keys": "text", "process": [{"whitespace_normalization_mapper": {}}]}))
    text_keys: text
    process:
      - whitespace_normalization_mapper
    <BLANKLINE>
    """
    return "".join(f"{line}\n" for line in _mapping(value)) or "{}\n"


def _mapping(value: Mapping[str, Any]) -> Iterable[str]:
    for key, one in value.items():
        if not isinstance(key, str):
            raise TypeError(f"a key of a recipe is text, not `{key!r}`")
        yield from _entry(f"{_text(key)}:", one)


def _entry(head: str, value: Any) -> Iterable[str]:
    if isinstance(value, Mapping) and value:
        yield head
        yield from (f"  {line}" for line in _mapping(value))
    elif isinstance(value, list | tuple) and not _fits(value):
        yield head
        for one in value:
            yield from (f"  {line}" for line in _item(one))
    else:
        yield f"{head} {_flow(value)}"


def _item(value: Any) -> Iterable[str]:
    # A step without parameters is its name.
    if isinstance(value, Mapping) and len(value) == 1 and next(iter(value.values())) == {}:
        value = next(iter(value))
    if isinstance(value, Mapping) and value:
        for at, line in enumerate(_mapping(value)):
            yield f"{'- ' if at == 0 else '  '}{line}"
    else:
        yield f"- {_flow(value)}"


def _fits(value: list[Any] | tuple[Any, ...]) -> bool:
    is_flat = not any(isinstance(one, Mapping | list | tuple) for one in value)
    return is_flat and len(_flow(value)) <= _SHORT


def _flow(value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)}: {_flow(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value, allow_nan=False)
    raise TypeError(f"a recipe cannot hold a `{type(value).__name__}`")


def _text(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _OTHER:
        return text
    # Of what JSON leaves as it is, YAML takes some for line ends or not at all.
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub(
        "[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]",
        lambda found: f"\\u{ord(found[0]):04x}",
        quoted,
    )
