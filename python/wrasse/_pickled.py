"""Functions and classes of a program as operators in a file.

A chain may hold a lambda, or a function of a notebook, which no worker can import. Such
are written by value (`cloudpickle`) into one file, from which workers take them by name:
`path/to/functions.pickle:NAME`. A name ends in a digest of what it stands for, so that a
run is resumed only with the function that it began with.

Reading such a file runs what is in it: it is as trusted as a program.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import os
import pickle
import re
import sys
import types
import typing
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wrasse.errors import LoadError
from wrasse.functions import OperatorFunction
from wrasse.lazy import need
from wrasse.sdk import Declared, Filter, Mapper, Slicer

# What a recipe calls the file before it has a place.
PICKLES = "functions.pickle"

# Beside it, the folders that its modules were imported from.
_PLACES = ".paths"

_BASES: dict[str, type[Declared]] = {"mapper": Mapper, "filter": Filter, "slicer": Slicer}


@dataclass(frozen=True, slots=True)
class Pickled:
    """An operator by value. `kind`: what a function is; empty for a class."""

    name: str
    kind: str
    batch: bool | None
    value: bytes

    @classmethod
    def of_function(cls, function: Callable[..., Any], kind: str, batch: bool | None) -> Pickled:
        """A plain function as a mapper, filter or slicer.

        Raises `DeclarationError` if it takes no row, `TypeError` if it is no function.
        """
        if not callable(function):
            raise TypeError(f"expected a function, not a `{type(function).__name__}`")
        if not hasattr(function, "__qualname__"):
            raise TypeError("expected a function; make one of the object: `lambda row: it(row)`")
        OperatorFunction(function, _BASES[kind], batch)
        return cls._of(function.__name__, kind, batch, function)

    @classmethod
    def of_class(cls, operator: type[Declared]) -> Pickled:
        """A class of an operator."""
        return cls._of(operator.__name__, "", None, operator)

    @classmethod
    def _of(cls, name: str, kind: str, batch: bool | None, value: Any) -> Pickled:
        with _read_annotations(value):
            dumped = _dump(value)
        digest = hashlib.sha256(dumped + repr((kind, batch)).encode()).hexdigest()[:8]
        plain = re.sub(r"\W", "", name) or "function"
        return cls(f"{plain}_{digest}", kind, batch, dumped)

    @staticmethod
    def digest(pickled: Mapping[str, Pickled]) -> str:
        """What tells these operators from others."""
        return hashlib.sha256("\n".join(sorted(pickled)).encode()).hexdigest()[:8]

    @staticmethod
    def write(pickled: Mapping[str, Pickled], path: Path) -> None:
        """Writes operators to a file, as a whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        content = {
            name: {"kind": one.kind, "batch": one.batch, "value": one.value}
            for name, one in pickled.items()
        }
        # What was imported here, and is named by its module only, must be found there.
        # Not in the same file: a run may be resumed from another place, and with the same
        # functions only.
        places = [os.path.abspath(place) for place in sys.path if not place.endswith(".zip")]
        path.with_suffix(_PLACES).write_text("\n".join(places), encoding="utf-8")
        beside.write_bytes(pickle.dumps({"version": 1, "operators": content}))
        beside.replace(path)


def _dump(value: Any) -> bytes:
    """A function or class by value: the same bytes for the same one, in every session.

    Cells of notebooks have files of names that are never the same, and classes get a random
    mark when they are written first.
    """
    cloudpickle = need("cloudpickle", "a function or class as a step")
    table = cloudpickle.Pickler.dispatch_table
    reduce_code = table[types.CodeType]

    def without_passing_name(code: types.CodeType) -> Any:
        is_file = os.path.isfile(code.co_filename) and "ipykernel" not in code.co_filename
        return reduce_code(code if is_file else code.replace(co_filename="<program>"))

    own = {"dispatch_table": ChainMap({types.CodeType: without_passing_name}, table)}
    buffer = io.BytesIO()
    type("Pickler", (cloudpickle.Pickler,), own)(buffer).dump(value)
    dumped = buffer.getvalue()
    marks = getattr(cloudpickle.cloudpickle, "_DYNAMIC_CLASS_TRACKER_BY_CLASS", {})
    found = sorted((at, mark) for mark in marks.values() if (at := dumped.find(mark.encode())) >= 0)
    for _, mark in found:
        dumped = dumped.replace(mark.encode(), b"0" * len(mark))
    # A mark tells classes of one name apart, so it follows from what they are.
    about = hashlib.sha256(dumped).digest()
    for n, (at, mark) in enumerate(found):
        new = hashlib.sha256(about + bytes([n % 256])).hexdigest()[: len(mark)].encode()
        old = b"0" * len(mark)
        dumped = dumped[:at] + new + dumped[at + len(old) :]
    return dumped


@contextmanager
def _read_annotations(value: Any) -> Iterator[None]:
    """Makes annotations that are text the types that they name, for as long as it is written.

    They say which parameters there are, and where they are read, the names in them may
    mean nothing: a function takes along only what its code uses.
    """
    read: list[tuple[Any, dict[str, Any]]] = []
    for one in _annotated(value):
        try:
            hints = typing.get_type_hints(one, include_extras=True)
        except Exception:
            # Whoever needs them says what is wrong with them.
            continue
        written = one.__annotations__
        read.append((one, written))
        one.__annotations__ = {name: hints.get(name, text) for name, text in written.items()}
    try:
        yield
    finally:
        for one, written in read:
            one.__annotations__ = written


def _annotated(value: Any) -> Iterator[Any]:
    """What has annotations that matter: a function, or the classes of an operator."""
    own = value.__mro__ if inspect.isclass(value) else (value,)
    for one in own:
        if one is object or getattr(one, "__module__", "").startswith("wrasse."):
            continue
        if inspect.isclass(one) and inspect.isfunction(vars(one).get("__init__")):
            yield vars(one)["__init__"]
        if "__annotations__" in vars(one) or inspect.isfunction(one):
            yield one


def load(path: Path, name: str) -> OperatorFunction | type[Declared]:
    """An operator of a file.

    Raises `LoadError` if the file does not hold it, `MissingPackage` if it needs one.
    """
    try:
        content = pickle.loads(path.read_bytes())
        operators = content["operators"] if content["version"] == 1 else None
    except Exception as error:
        raise LoadError(f"`{path}` holds no functions: {type(error).__name__}: {error}") from error
    if operators is None:
        raise LoadError(f"`{path}` was written by another version of `wrasse`")
    if name not in operators:
        there = ", ".join(f"`{one}`" for one in operators)
        raise LoadError(f"`{path}` has no `{name}`; there is {there}")
    one = operators[name]
    places = path.with_suffix(_PLACES)
    if places.is_file():
        said = places.read_text(encoding="utf-8").splitlines()
        sys.path.extend(place for place in said if place not in sys.path)
    # What was written by value asks for it while it is read.
    need("cloudpickle", f"`{name}`")
    try:
        value = pickle.loads(one["value"])
    except Exception as error:
        from wrasse.operators.declared import import_error

        raise import_error(f"`{name}` of `{path}`", error) from error
    if not one["kind"]:
        operator: type[Declared] = value
        return operator
    return OperatorFunction(value, _BASES[one["kind"]], one["batch"])
