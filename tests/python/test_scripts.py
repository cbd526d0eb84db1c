"""`wrasse script`: scripts of Ray Data and datatrove, run as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "scripts"
sys.path.insert(0, str(HERE))

import data  # noqa: E402
import outcome  # noqa: E402

RAY_DATA = sorted((HERE / "raydata").glob("*.py"))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    data.write(folder)
    return folder


def script(
    wrasse: Path, *words: str | Path, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs `wrasse script WORDS...` with the Python of the tests."""
    command = [wrasse, "script", "--python", sys.executable, *words]
    ended = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert ended.returncode == code, ended.stderr
    return ended


@pytest.mark.parametrize("file", RAY_DATA, ids=[one.stem for one in RAY_DATA])
def test_ray_data_scripts_give_what_ray_gives(
    wrasse: Path, file: Path, inputs: Path, tmp_path: Path
) -> None:
    ended = script(wrasse, "--threads", "2", file, inputs, tmp_path)
    found = outcome.outcome(tmp_path, ended.stdout)
    recorded: dict[str, Any] = json.loads(file.with_suffix(".json").read_text())
    assert found["printed"] == recorded["printed"]
    assert found["rows"] == recorded["rows"]


DATATROVE = sorted((HERE / "datatrove").glob("*.py"))


@pytest.mark.parametrize("file", DATATROVE, ids=[one.stem for one in DATATROVE])
def test_datatrove_scripts_give_the_files_that_datatrove_gives(
    wrasse: Path, file: Path, inputs: Path, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    command = [sys.executable, file, inputs, theirs]
    alone = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    ended = script(wrasse, file, inputs, ours)
    assert ended.stdout == alone.stdout
    found = files_of(ours)
    assert found == files_of(theirs)
    assert len(found) > 3


def files_of(folder: Path) -> dict[str, list[Any]]:
    """The rows of each file, in order, and which tasks are marked as done."""
    found: dict[str, list[Any]] = {}
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        name = file.relative_to(folder).as_posix()
        if file.suffix in (".jsonl", ".gz", ".parquet"):
            found[name] = outcome.rows_of(file)
        elif "/completions/" in name:
            found[name] = []
    return found
