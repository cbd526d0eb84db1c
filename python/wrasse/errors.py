"""The errors of this package, each with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wrasse.results import RunResult


class WrasseError(Exception):
    """The base of all errors that this package raises itself."""


class ParameterError(WrasseError, ValueError):
    """An operator was given parameters that it does not take.

    `problems` holds one sentence for each of them, so that a recipe can be
    mended in one go.
    """

    def __init__(self, operator: str, problems: Sequence[str]) -> None:
        self.operator = operator
        self.problems = list(problems)
        super().__init__(f"`{operator}`: {'; '.join(self.problems)}")

    def __reduce__(self) -> tuple[type[ParameterError], tuple[str, list[str]]]:
        return type(self), (self.operator, self.problems)


class LoadError(WrasseError):
    """A reference leads to no operator, or to one that cannot be used."""


class NotDecidable(WrasseError):
    """A filter does not decide on what it has measured alone. The message says why."""


class DeclarationError(WrasseError, TypeError):
    """A class or function is declared in a way that makes no operator."""


class CompatError(WrasseError):
    """The modules of another tool cannot be offered in this process."""


class MissingPackage(WrasseError, ImportError):
    """A package that is needed here and now is not installed."""

    def __init__(self, package: str, needed_for: str) -> None:
        self.package = package
        self.needed_for = needed_for
        super().__init__(
            f"{needed_for} needs the package `{package}`, which is not installed: "
            f"`pip install {package}`"
        )

    def __reduce__(self) -> tuple[type[MissingPackage], tuple[str, str]]:
        return type(self), (self.package, self.needed_for)


class EngineMissing(WrasseError, ImportError):
    """This is the package without its engine: operators can be written and tried, not run."""


class UsageError(WrasseError, ValueError):
    """It cannot be done as asked; nothing was started. `hint`: what to do, if it is known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be said of a recipe.

    `severity`: `error` or `warning`. `line` and `column` count from 1 and are `None` if
    it is about the recipe as a whole; `length`: how many characters are meant. `text`:
    all of it for people, with the line of the recipe.
    """

    severity: str
    message: str
    line: int | None
    column: int | None
    length: int | None
    hint: str | None
    text: str

    def __str__(self) -> str:
        return self.text


class RecipeError(UsageError):
    """A recipe is wrong. `findings`: each mistake with its place, and warnings."""

    def __init__(self, message: str, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)
        super().__init__("\n".join([message, *(one.text for one in self.findings)]))


class RunFailed(WrasseError, RuntimeError):
    """A run could not go on. What was committed can be resumed: `resume=True`."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")


class ResultError(RunFailed):
    """A run did not end as it should. `result`: what came of it."""

    def __init__(self, message: str, hint: str | None, result: RunResult) -> None:
        super().__init__(message, hint)
        self.result = result


class TooManyRejects(ResultError):
    """More samples were rejected than `max_rejects` allows."""


class DamagedInput(ResultError):
    """Input files are damaged; the output lacks what lies behind the damage."""
