"""Says what the operators of a recipe are, before anything runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from wrasse.errors import LoadError, MissingPackage, ParameterError
from wrasse.operators import find
from wrasse.operators import metadata as _metadata
from wrasse.operators.reference import Reference, parse
from wrasse.params import REQUIRED
from wrasse.worker.protocol import VERSION
from wrasse.worker.serve import prepare, refusal


def describe() -> int:
    """Answers the request on the standard input, on the standard output, in JSON.

    Request: `operators`, each with `name`, `params` and `bases`; `folders` to look for
    operator folders in; `customs`, that register operators with Data-Juicer;
    `settings`. Answer: `operators`, each `unknown`, `refused` with a
    reason, or described.
    """
    request = json.load(sys.stdin)
    # What is printed by modules that are imported is no answer.
    answer_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    prepare(request.get("settings", {}), lambda kind, record: None)
    folders = [Path(folder) for folder in request.get("folders", [])]
    customs = request.get("customs", [])
    answers = [_one(asked, folders, customs) for asked in request["operators"]]
    answer = {"hello": VERSION, "python": platform.python_version(), "operators": answers}
    json.dump(answer, answer_to, default=str)
    answer_to.close()
    return 0


def _one(asked: dict[str, Any], folders: list[Path], customs: list[str]) -> dict[str, Any]:
    name, params = asked["name"], asked["params"]
    bases = [Path(base) for base in asked["bases"]]
    try:
        reference, code = _reference(name, bases, folders)
        if reference == f"data_juicer:{name}":
            reference, code = _custom(name, customs) or (reference, code)
    except MissingPackage:
        pass  # What comes next tells it.
    except LoadError as error:
        return refusal(error)
    try:
        found = find(reference)
        about = found.description
        found.check(params)
    except MissingPackage as error:
        if error.package == "py-data-juicer" and not _is_reference(name):
            return {"unknown": True, "needs": error.package}
        return refusal(error)
    except ParameterError as error:
        return refusal(error)
    except LoadError as error:
        if reference == f"data_juicer:{name}" and error.__cause__ is None:
            return {"unknown": True, "refused": str(error)}
        return refusal(error)
    except (Exception, SystemExit) as error:
        return refusal(error)
    return {
        "reference": reference,
        "kind": about.kind,
        "summary": about.summary,
        "takes_batches": about.takes_batches,
        "params": [
            {"name": one.name, "default": None if one.default is REQUIRED else one.default}
            for one in about.params
        ],
        "runtime": dict(about.runtime),
        "code": code,
    }


def _reference(name: str, bases: list[Path], folders: list[Path]) -> tuple[str, str]:
    """Where a name leads, with paths made whole; and a digest of the code there."""
    if _is_reference(name):
        found = _parse(name, bases)
        if found.form == "module" or not found.place:
            return name, ""
        path = Path(found.place).resolve()
        if found.form == "data_juicer":
            return f"data_juicer:{path}:{found.name}", _digest(path)
        return f"{path}:{found.name}" if found.name else str(path), _digest(path)
    folder = _folder(name, folders)
    if folder is not None:
        return str(folder), _digest(folder)
    return f"data_juicer:{name}", ""


def _custom(name: str, customs: list[str]) -> tuple[str, str] | None:
    """The same, of an operator that one of these registers with Data-Juicer."""
    if not customs:
        return None
    from wrasse.operators.data_juicer import registered_by

    for custom in customs:
        if name in registered_by(custom):
            return f"data_juicer:{custom}:{name}", _digest(Path(custom))
    return None


def _parse(name: str, bases: list[Path]) -> Reference:
    for base in bases[:-1]:
        with contextlib.suppress(LoadError):
            return parse(name, base)
    return parse(name, bases[-1])


def _is_reference(name: str) -> bool:
    return any(mark in name for mark in "/:.~\\")


def _folder(name: str, folders: list[Path]) -> Path | None:
    """The operator folder that is called so, or has this raw_id.

    Names in DataMate's tasks do not come here: `operators.rs` of `wrasse-cli` makes paths of
    them, and says why it is another search.
    """
    for parent in folders:
        inside = sorted(one.parent for one in parent.rglob("__init__.py"))
        for folder in inside:
            if folder.name == name:
                return folder.resolve()
        for folder in inside:
            if (folder / "metadata.yml").is_file() and _metadata.read(folder).raw_id == name:
                return folder.resolve()
    return None


def _digest(path: Path) -> str:
    """A digest of a file, or of the Python and data files of a folder."""
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    digest = hashlib.sha256()
    for file in files:
        if "__pycache__" not in file.parts:
            digest.update(str(file.relative_to(path.parent)).encode() + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]
