"""From Python's words to the engine's, and back.

The engine is asked in the words of the command line, so that both mean the same;
here they are made of keywords, and its refusals become exceptions.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from wrasse import _yaml
from wrasse.errors import (
    DamagedInput,
    EngineMissing,
    Finding,
    RecipeError,
    RunFailed,
    TooManyRejects,
    UsageError,
)
from wrasse.results import RunResult

T = TypeVar("T")

# What messages call a recipe that is not in a file.
_NAME = "recipe.yaml"


def engine() -> Any:
    """The extension module; raises `EngineMissing` if there is none."""
    # Python operators run with this Python, unless a recipe names another.
    os.environ.setdefault("WRASSE_PYTHON", sys.executable)
    try:
        return importlib.import_module("wrasse._engine")
    except ModuleNotFoundError as error:
        if error.name != "wrasse._engine":
            raise
        raise EngineMissing(
            "this installation of `wrasse` has no engine: `pip install wrasse` brings one, "
            "and so does `pip install .` in its repository"
        ) from None


def recipe_words(recipe: Any) -> tuple[str, bytes | None]:
    """The name of a recipe, and its text if it is not in a file.

    A recipe is a path, YAML text (with a line break), a mapping, or has `to_recipe()`.
    """
    if isinstance(recipe, Mapping):
        return _NAME, _yaml.dump(recipe).encode()
    if isinstance(recipe, bytes):
        return _NAME, recipe
    if isinstance(recipe, str) and "\n" in recipe:
        return _NAME, recipe.encode()
    if hasattr(recipe, "to_recipe"):
        return _NAME, recipe.to_recipe().encode()
    return os.fspath(recipe), None


def override_words(overrides: Mapping[str, Any]) -> list[str]:
    """Keywords as flags: `threads=2` is `--threads=2`, `export_path=p` is `--set`."""
    words: list[str] = []
    flags = _flags()
    for name, value in overrides.items():
        flag = f"--{name.replace('_', '-')}"
        match flags.get(name):
            case _ if value is None:
                pass
            case "value":
                words.append(f"{flag}={_plain(value)}")
            case "values":
                words += [f"{flag}={_plain(one)}" for one in value]
            case "switch":
                words += [flag] if value else []
            case _ if name == "html":
                words += [] if value else ["--no-html"]
            case _ if name == "set":
                for key, one in value.items():
                    words += ["--set", f"{key}={_set(one)}"]
            case _:
                words += ["--set", f"{name}={_set(value)}"]
    return words


@functools.cache
def _flags() -> dict[str, str]:
    """Keywords that are flags, which say how a run goes; any other is a key of the recipe."""
    flags = json.loads(engine().flags())
    return {name.replace("-", "_"): kind for name, kind in flags.items()}


def asked(ask: Callable[[], T]) -> T:
    """What the engine answers; its refusal is raised as the error that it is."""
    refused = engine().Refused
    try:
        return ask()
    except refused as error:
        about = json.loads(error.args[0])
    raise_refusal(about)


def raise_refusal(about: Mapping[str, Any]) -> NoReturn:
    """Raises what keeps the engine from doing something."""
    message, hint = about["message"], in_python(about["hint"])
    if about["findings"]:
        raise RecipeError(message, [Finding(**one) for one in about["findings"]])
    if about["exit"] == 2:
        raise UsageError(message, hint)
    raise RunFailed(message, hint)


def result_of(outcome: Mapping[str, Any]) -> RunResult:
    """What came of a run; raises `ResultError` if it is not what it should be.

    A run that was cancelled ends as it should: its result says that it is not complete.
    """
    result = RunResult(outcome["report"], outcome["text"])
    refusal = outcome["refusal"]
    if refusal is None or refusal["exit"] != 1:
        return result
    error = TooManyRejects if outcome["too_many_rejects"] else DamagedInput
    raise error(refusal["message"], in_python(refusal["hint"]), result)


def in_python(hint: str | None) -> str | None:
    """A hint with the flags of the command line as keywords."""
    if hint is None:
        return None
    hint = re.sub(r"--(resume|restart|overwrite)\b", r"\1=True", hint)
    hint = re.sub(r"--memory ([\w.]+)", r'memory="\1"', hint)
    return re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda flag: flag[1].replace("-", "_"), hint)


def _plain(value: Any) -> str:
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _set(value: Any) -> str:
    # YAML takes JSON.
    return json.dumps(value, default=_json, ensure_ascii=False, allow_nan=False)


def _json(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"a recipe cannot hold a `{type(value).__name__}`")
