"""`Found`: an operator that was found and not yet constructed."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wrasse.operators.base import Kind, Operator
from wrasse.params import Param


@dataclass(frozen=True, slots=True)
class Description:
    """What can be said of an operator before it is constructed.

    `summary`: the first line of its documentation. `params`: what it takes; empty if
    that cannot be known. `effect`: an example with `before` and `after`, if it has one.
    `runtime`: what it says to need: `cpu`, `memory` in bytes, and so on.
    """

    name: str
    kind: Kind
    summary: str = ""
    params: tuple[Param, ...] = ()
    takes_batches: bool = False
    effect: Mapping[str, str] = field(default_factory=dict)
    runtime: Mapping[str, Any] = field(default_factory=dict)


class Found(ABC):
    """An operator that was found: imported, and not constructed."""

    @property
    @abstractmethod
    def description(self) -> Description:
        """What it is."""

    @abstractmethod
    def check(self, given: Mapping[str, Any]) -> None:
        """Raises `ParameterError` if it does not take these parameters."""

    @abstractmethod
    def construct(self, given: Mapping[str, Any]) -> Operator:
        """The operator with these parameters.

        Raises `ParameterError`, `MissingPackage`, or `LoadError` with what its own code
        raised as the cause.
        """


def summary_of(documented: Any) -> str:
    """The first line of an object's own documentation."""
    own = documented.__doc__ if inspect.isclass(documented) else inspect.getdoc(documented)
    return inspect.cleandoc(own or "").partition("\n")[0]
