"""The two halves of a filter: it measures, then decides on what it has measured.

`wrasse analyze` keeps what filters measure. For `wrasse tune` a filter decides once more,
with other parameters and without the rows. That is the same as a run only if these
parameters do not matter where it measures, and if it looks at nothing but its stats where
it decides. The first is seen in its code (`reads`), the second as it decides (`NoRow`).
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any, ClassVar, NoReturn

from wrasse.errors import NotDecidable
from wrasse.operators.base import Kind, Operator
from wrasse.outcome import Dropped, Failed, Kept, Outcome, Row, Stats

TOLD_KEPT = "@kept"
"""Among the stats of a row: whether the filter that measured them would keep it."""

# The most values that are compared for one attribute; what has more counts as different.
_VALUES_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Halves:
    """What measures, and what decides on that.

    `owner`: whose methods and attributes they are. `measure`: the methods that measure.
    `decide`: whether a row is kept that has these stats; raises `NotDecidable` if that
    takes the row.
    """

    owner: object
    measure: tuple[str, ...]
    decide: Callable[[Stats], bool]


class NoRow(dict[str, Any]):
    """Stands for a row of which there is nothing but the fields in `shown`."""

    def __init__(self, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(shown or {})
        self.asked = ""

    def check(self) -> None:
        """Raises `NotDecidable` if somebody has asked for more, whatever came of it then."""
        if self.asked:
            raise NotDecidable(f"it decides by {self.asked}, not by what it has measured alone")

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        self.asked = self.asked or "the sample itself"
        self.check()
        raise AssertionError

    def __getitem__(self, name: str) -> Any:
        if not super().__contains__(name):
            self.asked = self.asked or f"the sample's `{name}`"
            self.check()
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self[name]  # type: ignore[index]
        return True

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field that is shown."""
        return self[name]

    __iter__ = __len__ = __bool__ = __eq__ = __or__ = __ror__ = _refuse  # type: ignore[assignment]
    __setitem__ = __delitem__ = keys = values = items = _refuse  # type: ignore[assignment]
    copy = pop = popitem = setdefault = update = clear = _refuse  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


class Again(Operator):
    """A filter that decides on rows of stats instead of rows.

    Raises `NotDecidable` if it measures something else than the one that has measured
    them, or says itself that it needs rows.
    """

    kind: ClassVar[Kind] = "filter"

    def __init__(self, now: Operator, measured: Operator) -> None:
        self._now, self._measured = now.halves(), measured.halves()
        differing = differing_reads(self._measured, self._now)
        if differing is None:
            raise NotDecidable("it cannot be seen which of its parameters matter where it measures")
        if differing:
            names = ", ".join(f"`{name}`" for name in differing)
            raise NotDecidable(f"{names} changes what it measures, not only what it keeps")

    def apply(self, rows: list[Row]) -> list[Outcome]:
        """One outcome for each row of stats."""
        return [self._one(stats) for stats in rows]

    def _one(self, stats: Stats) -> Outcome:
        was_kept = stats.pop(TOLD_KEPT)
        try:
            # What is stored must be what it decided by.
            if self._measured.decide(dict(stats)) != was_kept:
                raise NotDecidable(
                    f"with {stats} it would {'drop' if was_kept else 'keep'} now what it "
                    f"{'kept' if was_kept else 'dropped'} in the analysis"
                )
            is_kept = self._now.decide(dict(stats))
        except (Exception, SystemExit) as error:
            failed = Failed.of(error)
            if isinstance(error, NotDecidable):
                failed.reason = str(error)
            return failed
        return Kept(stats) if is_kept else Dropped(stats)


def differing_reads(one: Halves, other: Halves) -> list[str] | None:
    """The attributes that matter where two filters measure, and differ; `None` if unknown."""
    known = reads(type(one.owner), one.measure)
    if known is None:
        return None
    missing = object()
    mine, theirs = vars(one.owner), vars(other.owner)
    return sorted(
        name
        for name in known
        if not same(mine.get(name, missing), theirs.get(name, missing))
        and not _is_left_alone(one.owner, other.owner, name)
    )


def _is_left_alone(one: object, other: object, name: str) -> bool:
    """Whether an attribute is made in `setup`, which reads no parameter that differs.

    Such as a model, which cannot be compared with another one.
    """
    mine, theirs = getattr(one, "_params", None), getattr(other, "_params", None)
    if not isinstance(mine, dict) or not isinstance(theirs, dict) or name in mine:
        return False
    of_setup = reads(type(one), ("setup",)) if _has_plain_constructor(type(one)) else None
    differing = {param for param in mine if not same(mine[param], theirs.get(param))}
    return of_setup is not None and not of_setup & {*differing, "_params"}


def _has_plain_constructor(cls: type) -> bool:
    return cls.__init__.__module__ == "wrasse.sdk"


@functools.cache
def reads(cls: type, methods: tuple[str, ...]) -> frozenset[str] | None:
    """The attributes that methods read, and the methods that they call, and so on.

    `None` if that cannot be seen: their source is missing, or they do more with the
    object than to read its attributes.
    """
    if any("__getattr__" in vars(one) for one in cls.__mro__):
        return None
    found: set[str] = set()
    todo = list(methods)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        for function in _definitions(cls, name):
            more = _read_in(function)
            if more is None:
                return None
            todo += more
    return frozenset(found)


def _definitions(cls: type, name: str) -> Iterator[FunctionType]:
    """The functions of this name in a class and its bases that get the object.

    Properties are such functions, too. A class is the same for all of its objects.
    """
    for one in cls.__mro__:
        value = vars(one).get(name)
        if isinstance(value, staticmethod | classmethod):
            continue
        value = getattr(value, "fget", None) or getattr(value, "func", None) or value
        if isinstance(value := inspect.unwrap(value) if callable(value) else value, FunctionType):
            yield value


def _read_in(function: FunctionType) -> list[str] | None:
    """The attributes of its first parameter that a function reads."""
    try:
        source = inspect.getsource(function)
        # Not dedented: lines of a text in it may begin further to the left.
        tree = ast.parse(f"class _:\n{source}" if source[:1].isspace() else source)
    except (OSError, TypeError, SyntaxError):
        return None
    definition = tree.body[0].body[0] if isinstance(tree.body[0], ast.ClassDef) else tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        return None
    params = [*definition.args.posonlyargs, *definition.args.args]
    if not params:
        return None
    visitor = _Reads(params[0].arg)
    for statement in definition.body:
        visitor.visit(statement)
    return None if visitor.escapes else visitor.names


class _Reads(ast.NodeVisitor):
    """Gathers what is read of an object, and whether it goes where that is not seen."""

    def __init__(self, me: str) -> None:
        self.me = me
        self.names: list[str] = []
        self.escapes = False

    def _is_me(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self.me

    def visit_Attribute(self, node: ast.Attribute) -> None:
        is_super = isinstance(node.value, ast.Call) and _is_call_of(node.value, "super")
        if not is_super and not self._is_me(node.value):
            self.generic_visit(node)
            return
        self.escapes |= node.attr in ("__dict__", "__getattribute__", "__getattr__")
        # One that is set may be read again by way of the object.
        self.names.append(node.attr)

    def visit_Call(self, node: ast.Call) -> None:
        arguments = node.args
        if _is_call_of(node, "super"):
            return
        if (
            (_is_call_of(node, "getattr") or _is_call_of(node, "hasattr"))
            and len(arguments) >= 2
            and self._is_me(arguments[0])
            and isinstance(name := arguments[1], ast.Constant)
        ):
            self.names.append(str(name.value))
            arguments = arguments[2:]
            for argument in arguments:
                self.visit(argument)
            return
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self.escapes |= self._is_me(node)


def _is_call_of(node: ast.Call, name: str) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == name


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal through and through. What cannot be compared is not."""
    return _Comparison().same(one, other)


class _Comparison:
    def __init__(self) -> None:
        # What is being compared, or was: of two cycles, the second time round says nothing new.
        # The values are held, or others could get their numbers.
        self._seen: dict[tuple[int, int], tuple[Any, Any]] = {}

    def same(self, one: Any, other: Any) -> bool:
        pair = (id(one), id(other))
        if one is other or pair in self._seen:
            return True
        self._seen[pair] = (one, other)
        if type(one) is not type(other) or len(self._seen) > _VALUES_MAX:
            return False
        if isinstance(one, dict):
            return list(one) == list(other) and self._all(one.values(), other.values())
        if isinstance(one, list | tuple):
            return len(one) == len(other) and self._all(one, other)
        if isinstance(one, MethodType):
            return one.__func__ is other.__func__ and self.same(one.__self__, other.__self__)
        if isinstance(one, FunctionType | type):
            return False
        try:
            if type(one).__eq__ is not object.__eq__:
                is_equal = one == other
                if isinstance(is_equal, bool):
                    return is_equal
            mine, theirs = one.__reduce_ex__(4), other.__reduce_ex__(4)
        except Exception:
            return False
        if isinstance(mine, str):
            return bool(mine == theirs)
        return self.same(_listed(mine), _listed(theirs))

    def _all(self, some: Iterable[Any], others: Iterable[Any]) -> bool:
        return all(self.same(one, other) for one, other in zip(some, others))  # noqa: B905


def _listed(reduced: tuple[Any, ...]) -> list[Any]:
    """What `__reduce_ex__` gives, with its iterators as lists."""
    return [list(part) if isinstance(part, Iterator) else part for part in reduced]
