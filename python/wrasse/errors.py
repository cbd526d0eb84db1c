"""The errors of this package, each with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence


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
