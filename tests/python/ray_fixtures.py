"""Fixtures and inputs that the tests of Ray share."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ray_brake import Brake
from ray_stand import Bench


def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as it is installed: `$WRASSE_PACKAGE`, or the wheel's."""
    if ready := os.environ.get("WRASSE_PACKAGE"):
        return Path(ready)
    folder = tmp_path_factory.mktemp("package")
    with zipfile.ZipFile(request.getfixturevalue("wheel")) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package for a cluster and the runs on it."""
    return installed(request, tmp_path_factory)


@pytest.fixture
def bench(tmp_path: Path, wrasse: Path, package: Path) -> Bench:
    return Bench(tmp_path, wrasse, package)


@pytest.fixture(scope="module")
def obedient(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Brake:
    """Workers that do as they are told, in a package of their own."""
    return Brake(installed(request, tmp_path_factory), tmp_path_factory.mktemp("obedient"))


@pytest.fixture
def brake(obedient: Brake) -> Iterator[Brake]:
    """What workers are told to do, for the time of a test."""
    yield obedient
    obedient.release()


WORDS = ["tide", "ebb", "harbor", "buoy", "gull", "mast", "keel", "stern", "https://a.example/b"]


def rows(n: int, salt: int = 0) -> str:
    """Rows of a few hundred bytes; each fourth one is a copy of an earlier one."""

    def row(i: int) -> str:
        at = i if i % 4 else i // 4
        text = "  ".join(WORDS[(at * 7 + k * k) % len(WORDS)] for k in range(5 + at % 60))
        return json.dumps({"id": i, "text": f"{at}  {text}", "salt": salt})

    return "".join(row(i) + "\n" for i in range(n))


def fill(bench: Bench, recipe: str, n_files: int = 4, n_rows: int = 4000) -> None:
    for i in range(n_files):
        bench.write(f"in/{i}.jsonl", rows(n_rows, i))
    bench.write("recipe.yaml", recipe)


def local(bench: Bench, recipe: str = "recipe.yaml", output: str = "out.jsonl") -> bytes:
    """What the recipe gives on threads; nothing else stays of that."""
    bench.run("run", recipe, "--quiet")
    data = bench.read(output)
    (bench.folder / output).unlink()
    shutil.rmtree(next(bench.folder.glob("*.wrasse")))
    return data
