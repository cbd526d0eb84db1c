"""`metadata.yml` of DataMate's operator folders: what an operator is, and its settings."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from wrasse.errors import LoadError, ParameterError
from wrasse.lazy import need
from wrasse.params import Param
from wrasse.values import Range

# What every operator takes, whatever its metadata says.
_BASE_PARAMS = frozenset(
    (
        "accelerator is_first_op is_last_op op_name instance_id uuid "
        "cpu memory gpu npu storage arch "
        "text_key data_key image_key video_key audio_key fileName_key fileType_key fileId_key "
        "filePath_key fileSize_key export_path_key ext_params_key target_type_key "
        "LLMUrl LLMHeaders LLMBody LLMTimeout LLMAttempts accessType isHttps isCertificate "
        "certificatePath"
    ).split()
)


class Switch(str):
    """A switch as DataMate gives it, `"true"` or `"false"`, that is false when it is off."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return self.strip().lower() not in ("false", "", "0", "no", "off")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What `metadata.yml` says; empty if there is none.

    `raw_id`: the class. `description`: in English if there is one. `settings`: by name.
    `runtime`: `cpu`, `memory` and so on. `effect`: an example, with `before` and `after`.
    """

    raw_id: str = ""
    description: str = ""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    runtime: Mapping[str, Any] = field(default_factory=dict)
    effect: Mapping[str, str] = field(default_factory=dict)
    is_there: bool = False

    def params(self) -> tuple[Param, ...]:
        """The settings as parameters."""
        defaults = self._defaults(strict=False)
        return tuple(
            Param(name, _annotation(setting), defaults.get(name))
            for name, setting in self.settings.items()
        )

    def kwargs(self, operator: str, given: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
        """What the constructor gets: defaults, what was given, and the runtime's needs.

        Raises `ParameterError` for names that are no settings and values out of
        bounds. With `strict` nothing is checked, as in the original.
        """
        if not strict:
            self._check(operator, given)
        values = self._defaults(strict) | dict(given)
        for name, setting in self.settings.items():
            is_text = isinstance(values.get(name), str)
            if setting.get("type") == "switch" and is_text and not strict:
                values[name] = Switch(values[name])
        return {**self.runtime, **values, "op_name": values.get("op_name", operator)}

    def _defaults(self, strict: bool) -> dict[str, Any]:
        defaults = {}
        for name, setting in self.settings.items():
            parts = setting.get("properties")
            if "defaultVal" in setting:
                defaults[name] = setting["defaultVal"]
            elif setting.get("type") == "range" and isinstance(parts, list) and not strict:
                defaults[name] = [part.get("defaultVal") for part in parts]
        return defaults

    def _check(self, operator: str, given: Mapping[str, Any]) -> None:
        problems = []
        for name, value in given.items():
            if name in self.settings:
                problem = _problem(value, self.settings[name])
                if problem:
                    problems.append(f"`{name}`: {problem}, found `{value}`")
            elif self.is_there and name not in _BASE_PARAMS:
                close = difflib.get_close_matches(name, [*self.settings, *_BASE_PARAMS], n=1)
                hint = f"; did you mean `{close[0]}`?" if close else ""
                problems.append(f"there is no setting `{name}`{hint}")
        if problems:
            raise ParameterError(operator, problems)


def read(folder: Path) -> Metadata:
    """The metadata of a folder. Raises `LoadError` if it is there and cannot be read."""
    for name in ("metadata.yml", "metadata.yaml"):
        path = folder / name
        if path.is_file():
            return _parse(path)
    return Metadata()


def _parse(path: Path) -> Metadata:
    yaml = need("yaml", f"reading `{path}`")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LoadError(f"`{path}` cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise LoadError(f"`{path}`: expected a mapping, found {type(found).__name__}")
    parts: dict[str, dict[str, Any]] = {}
    for name in ("settings", "runtime", "effect"):
        part = found.get(name) or {}
        if not isinstance(part, dict):
            raise LoadError(f"`{path}`: `{name}` is not a mapping")
        parts[name] = part
    for name, setting in parts["settings"].items():
        if not isinstance(setting, dict):
            raise LoadError(f"`{path}`: `settings.{name}` is not a mapping")
    return Metadata(
        str(found.get("raw_id") or ""),
        str(found.get("description_en") or found.get("description") or ""),
        parts["settings"],
        parts["runtime"],
        parts["effect"],
        is_there=True,
    )


def _problem(value: Any, setting: Mapping[str, Any]) -> str | None:
    """What was expected, if the value is not that. Values are checked and never changed."""
    kind = setting.get("type")
    if kind in ("slider", "inputNumber"):
        return _number_problem(value, setting)
    if kind == "switch":
        is_switch = isinstance(value, bool) or str(value).lower() in ("true", "false")
        return None if is_switch else "expected true or false"
    if kind in ("select", "radio", "checkbox"):
        options = [str(one.get("value")) for one in setting.get("options") or []]
        chosen = value if isinstance(value, list) else [value]
        if kind == "checkbox" and isinstance(value, str):
            chosen = [one.strip() for one in value.split(",") if one.strip()]
        wrong = [one for one in chosen if str(one) not in options]
        names = ", ".join(f"`{one}`" for one in options)
        return f"expected {names}" if wrong and options else None
    if kind == "range":
        if not isinstance(value, list) or len(value) != 2:
            return "expected a list of two numbers"
        parts = setting.get("properties")
        bounds = parts if isinstance(parts, list) and len(parts) == 2 else [setting, setting]
        pairs = zip(value, bounds, strict=True)
        # An end that is left empty is no limit.
        problems = [_number_problem(one, bound) for one, bound in pairs if one not in ("", None)]
        return next((one for one in problems if one), None)
    return None


def _annotation(setting: Mapping[str, Any]) -> Any:
    """The type of a setting, in the form that parameters have."""
    kind = setting.get("type")
    if kind in ("slider", "inputNumber"):
        return Annotated[float, Range(setting.get("min"), setting.get("max"))]
    if kind in ("select", "radio"):
        options = tuple(one.get("value") for one in setting.get("options") or [])
        return Literal[options] if options else str
    return {"switch": bool, "range": list[float], "checkbox": str, "input": str}.get(str(kind), Any)


def _number_problem(value: Any, bounds: Mapping[str, Any]) -> str | None:
    low, high = bounds.get("min"), bounds.get("max")
    limits = ""
    if low is not None:
        limits += f" from {low}"
    if high is not None:
        limits += f" to {high}"
    try:
        number = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = None
    if number is None:
        return f"expected a number{limits}"
    is_inside = (low is None or number >= float(low)) and (high is None or number <= float(high))
    return None if is_inside else f"expected a number{limits}"
