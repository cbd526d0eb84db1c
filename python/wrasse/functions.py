"""Functions as operators: `@mapper`, `@filter`, `@slicer`.

The first parameter is the row (a `dict`) or, if it is annotated as
`pyarrow.Table` or `batch=True` is said, a table; the others are parameters of the
operator. The function stays one that can be called:

    >>> import wrasse
    >>> @wrasse.filter
    ... def long_enough(row, *, min_len: int = 3) -> bool:
    ...     return len(row["text"]) >= min_len
    >>> long_enough({"text": "hi"})
    False
    >>> long_enough.bind(min_len=2).apply([{"text": "hi"}])
    [Kept(row={'text': 'hi'}, stats={})]
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, overload

from wrasse import params as _params
from wrasse.errors import DeclarationError
from wrasse.params import Param
from wrasse.sdk import Declared, Filter, Mapper, Slicer

Function = Callable[..., Any]


class OperatorFunction:
    """A function that is an operator once its parameters are given."""

    def __init__(self, function: Function, base: type[Declared], batch: bool | None) -> None:
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters or parameters[0].kind not in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        ):
            raise DeclarationError(
                f"`{function.__qualname__}` takes no row; it is its first parameter"
            )
        self.function = function
        self.base = base
        self.batch = _is_table(parameters[0].annotation) if batch is None else batch
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function."""
        return self.function(*args, **kwargs)

    def declared(self) -> list[Param]:
        """The parameters: all of the function but the first."""
        return _params.of_function(self.function, skip=1)

    def bind(self, **given: Any) -> Declared:
        """The operator with these parameters; raises `ParameterError`."""
        values = _params.check(self.function.__name__, self.declared(), given)
        method = self.base._batch_form if self.batch else self.base._row_form
        call = functools.partial(self.function, **values) if values else self.function
        return _class_for(self.base, method)(self, values, call)

    def __reduce__(self) -> tuple[Any, ...]:
        # By name, as functions are: the name leads to this object.
        return _by_name, (self.function.__module__, self.function.__qualname__)


@functools.cache
def _class_for(base: type[Declared], method: str) -> Callable[..., Declared]:
    def init(self: Any, owner: OperatorFunction, values: dict[str, Any], call: Function) -> None:
        self._owner, self._params = owner, values
        # On the instance: the function is called without `self`.
        setattr(self, method, call)

    members: dict[str, Any] = {
        "__init__": init,
        "__module__": __name__,
        "name": property(lambda self: self._owner.function.__name__),
        "__reduce__": lambda self: (_rebind, (self._owner, self._params)),
        "_has": classmethod(lambda cls, one: one == method),
    }
    return type(f"Function{base.__name__}", (base,), members)


def _rebind(owner: OperatorFunction, values: dict[str, Any]) -> Declared:
    return owner.bind(**values)


def _by_name(module: str, name: str) -> Any:
    import importlib

    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _is_table(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2] in ("Table", "RecordBatch")
    return getattr(annotation, "__module__", "").startswith("pyarrow")


Decorator = Callable[[Function], OperatorFunction]


def _decorate(
    base: type[Declared], function: Function | None, batch: bool | None
) -> OperatorFunction | Decorator:
    if function is not None:
        return OperatorFunction(function, base, batch)
    return lambda one: OperatorFunction(one, base, batch)


@overload
def mapper(function: Function) -> OperatorFunction: ...
@overload
def mapper(*, batch: bool | None = None) -> Decorator: ...
def mapper(
    function: Function | None = None, *, batch: bool | None = None
) -> OperatorFunction | Decorator:
    """Makes a mapper of `row -> row`, or of `table -> table` with as many rows."""
    return _decorate(Mapper, function, batch)


@overload
def filter(function: Function) -> OperatorFunction: ...
@overload
def filter(*, batch: bool | None = None) -> Decorator: ...
def filter(
    function: Function | None = None, *, batch: bool | None = None
) -> OperatorFunction | Decorator:
    """Makes a filter of `row -> bool`, or of `table -> booleans`, one for each row."""
    return _decorate(Filter, function, batch)


@overload
def slicer(function: Function) -> OperatorFunction: ...
@overload
def slicer(*, batch: bool | None = None) -> Decorator: ...
def slicer(
    function: Function | None = None, *, batch: bool | None = None
) -> OperatorFunction | Decorator:
    """Makes a slicer of `row -> rows`, or of `table -> (pieces, numbers of their rows)`."""
    return _decorate(Slicer, function, batch)
