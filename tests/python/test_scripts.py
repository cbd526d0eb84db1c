"""`wrasse script`: scripts of Ray Data and datatrove, run as they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

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


def test_the_guide_says_what_happens(wrasse: Path, tmp_path: Path) -> None:
    guide = (ROOT / "docs/scripts.md").read_text()
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    blocks = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    environment = {
        **os.environ,
        "WRASSE_PYTHON": sys.executable,
        "PATH": f"{wrasse.parent}:{os.environ['PATH']}",
    }
    n_commands = 0
    for kind, name, text in blocks:
        if kind == "python":
            (tmp_path / name).write_text(text)
            continue
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            ended = subprocess.run(
                ["bash", "-c", f"{command} 2>&1"],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            # Perhaps among others: logs have times in them.
            printed = ended.stdout.splitlines()
            missing = [line for line in expected.splitlines() if line not in printed]
            assert not missing, f"{command}: {missing} in\n{ended.stdout}"
            n_commands += 1
    assert n_commands == 5


def test_what_is_not_supported_is_said_with_its_line(
    wrasse: Path, inputs: Path, tmp_path: Path
) -> None:
    for line, said in [
        ("ds.groupby('lang')", "`Dataset.groupby` is not supported"),
        ("ds.map(len, runtime_env={'pip': []})", "`runtime_env=` of `map` is not supported"),
        ("from ray.data import read_images", "`ray.data.read_images` is not supported"),
        ("import ray.data.preprocessors", "the module `ray.data.preprocessors` is not supported"),
        ("ds.filter(expr='len(text) > 3')", "the expression `len(text)` in `len(text) > 3` is not"),
        ("ray.data.from_items([b'bytes'])", "a row in which `item` is a `bytes`"),
    ]:
        file = tmp_path / "asks.py"
        file.write_text(
            f"import ray\nds = ray.data.read_json({str(inputs / 'pages.jsonl')!r})\n{line}\n"
        )
        ended = script(wrasse, file, code=2)
        assert "asks.py:3: " in ended.stderr and said in ended.stderr, ended.stderr
    # A script may look before it calls.
    file.write_text("import ray\nprint(hasattr(ray.data.range(1), 'sort'))\n")
    assert script(wrasse, file).stdout == "False\n"


def test_a_function_that_fails_ends_the_script_with_its_traceback(
    wrasse: Path, tmp_path: Path
) -> None:
    file = tmp_path / "fails.py"
    file.write_text(
        "import ray\n\ndef share(row):\n    return {'share': 1 / row['id']}\n\n"
        f"ray.data.range(3).map(share).write_json({str(tmp_path / 'out')!r})\nprint('done')\n"
    )
    ended = script(wrasse, file, code=3)
    assert "return {'share': 1 / row['id']}" in ended.stderr
    assert "ZeroDivisionError: division by zero" in ended.stderr
    assert ended.stdout == "" and not (tmp_path / "out").exists()
    # Unless the user lets it.
    ended = script(wrasse, file, WRASSE_SCRIPT_FLAGS="--max-rejects 1")
    rows = outcome.outcome(tmp_path / "out", "")["rows"]["."]
    assert rows == [{"share": 0.5}, {"share": 1.0}] and ended.stdout == "done\n"
    assert '"id": 0' in (tmp_path / "out.wrasse/rejects.jsonl").read_text().replace("\\", "")


def test_a_script_runs_as_python_would_run_it(wrasse: Path, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("def double(row):\n    return {'n': row['id'] * 2}\n")
    file = tmp_path / "main.py"
    file.write_text(
        "import sys\nimport beside\nimport ray.data\n"
        "print(__name__, sys.argv[1:], ray.data.range(2).map(beside.double).take_all())\n"
        "print(sys.argv[0].rpartition('/')[0] in sys.path)\nsys.exit(7)\n"
    )
    ended = script(wrasse, "-j", "1", file, "--threads", "x", code=7)
    assert ended.stdout == "__main__ ['--threads', 'x'] [{'n': 0}, {'n': 2}]\nTrue\n"
    assert "no flag of a script's runs" in script(wrasse, "--thread", "1", file, code=2).stderr
    assert "comes before" in script(wrasse, "-q", "--python", "p", file, code=2).stderr
    assert "there is no file" in script(wrasse, tmp_path / "none.py", code=2).stderr


def test_a_script_that_is_killed_leaves_no_run_behind_and_goes_on(
    wrasse: Path, tmp_path: Path
) -> None:
    pages = tmp_path / "pages.jsonl"
    pages.write_text("".join(f'{{"id": {n}, "text": "{"word " * 100}"}}\n' for n in range(30_000)))
    marker, out = tmp_path / "slow", tmp_path / "out"
    file = tmp_path / "slow.py"
    file.write_text(
        "import os, time\nimport ray\n\ndef slow(row):\n"
        f"    if row['id'] > 9000 and not os.path.exists({str(marker)!r}):\n"
        "        time.sleep(0.2)\n    return {'id': row['id']}\n\n"
        f"ray.data.read_json({str(pages)!r}).map(slow).write_json({str(out)!r})\n"
    )
    command = [wrasse, "script", "--python", sys.executable, "-q", "-j", "1", file]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
    manifest = tmp_path / "out.wrasse/manifest.jsonl"
    try:
        wait_for(manifest.exists)
        (run,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    finally:
        process.kill()
        process.wait()
    wait_for(lambda: not Path(f"/proc/{run}").exists())
    assert not out.exists()
    marker.touch()
    script(wrasse, "--resume", file)
    assert outcome.outcome(out, "")["rows"]["."] == sorted(
        ({"id": n} for n in range(30_000)), key=json.dumps
    )


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, "nothing came of it in a minute"
        time.sleep(0.05)


def test_ray_need_not_be_installed(wrasse: Path, tmp_path: Path) -> None:
    # What is imported before anything else hides Ray, as if it were not there.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.machinery as machinery\n"
        "find = machinery.PathFinder.find_spec\n"
        "def hidden(name, path=None, target=None):\n"
        "    return None if name == 'ray' else find(name, path, target)\n"
        "machinery.PathFinder.find_spec = hidden\n"
    )
    file = tmp_path / "main.py"
    file.write_text(
        "import ray\nray.init(num_cpus=2)\nprint(ray.data.range(3).sum('id'), ray.is_initialized())\n"
        "ray.shutdown()\nray.get(1)\n"
    )
    ended = script(wrasse, file, code=2, PYTHONPATH=str(tmp_path))
    assert ended.stdout == "3 True\n"
    assert "main.py:5: `ray.get`, as Ray is not installed, is not supported" in ended.stderr


def test_nothing_is_left_of_the_hook(
    wrasse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wrasse.scripts import __main__ as scripts
    from wrasse.scripts import hook

    file = tmp_path / "main.py"
    file.write_text("import ray.data\nfrom datatrove.executor import LocalPipelineExecutor as E\n"
                    "assert ray.data.__name__.startswith('wrasse.')\n"
                    "assert E.run.__module__.startswith('wrasse.')\n")  # fmt: skip
    argv, path = list(sys.argv), list(sys.path)
    scripts.run(str(file), ["x"])
    assert (sys.argv, sys.path) == (argv, path)
    assert not any(isinstance(one, hook.Finder) for one in sys.meta_path)
    assert "ray.data" not in sys.modules
    from datatrove.executor import LocalPipelineExecutor

    assert LocalPipelineExecutor.run.__module__ == "datatrove.executor.local"
