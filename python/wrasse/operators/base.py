"""`Operator`: what every Python operator is to the engine, however it was written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wrasse.errors import NotDecidable
from wrasse.outcome import Outcome, Row

if TYPE_CHECKING:
    from wrasse.operators.halves import Halves

Kind = Literal["mapper", "filter", "slicer", "llm"]


class Operator(ABC):
    """An operator with its parameters, ready to be applied.

    Constructed once per worker, then applied to batch after batch by one
    thread. It must not remember rows from one batch to the next: how rows are
    cut into batches is not its affair.
    """

    kind: ClassVar[Kind]

    @property
    def name(self) -> str:
        """What messages and reports call it."""
        return type(self).__name__

    @property
    def params(self) -> dict[str, Any]:
        """Its parameters with their values, defaults filled in."""
        return {}

    @property
    def takes_batches(self) -> bool:
        """Whether it works on tables; otherwise on one row after the other."""
        return False

    @abstractmethod
    def apply(self, rows: list[Row]) -> list[Outcome]:
        """One outcome for each row, in their order.

        An exception that the operator raises for a row is the outcome `Failed`
        of that row; `apply` itself raises nothing. Rows may be changed in
        place.
        """

    def halves(self) -> Halves:
        """Of a filter what measures, and what decides on that, without the row.

        Raises `NotDecidable` if it has no such halves.
        """
        raise NotDecidable("it decides on the sample itself, and measures nothing")

    def close(self) -> None:  # noqa: B027 (most have nothing to let go of)
        """Lets go of what the operator holds. Called once, at the end."""

    def __enter__(self) -> Operator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
