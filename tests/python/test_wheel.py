"""The wheel in a fresh environment: the quick start of README.md, the command, the package."""

from __future__ import annotations

import json
import re
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, START_SECONDS

RECIPE = "examples/web-text/recipe.yaml"


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new virtual environment with the wheel in it, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    # Without a pip of its own: making one takes longer than all else.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    programs = folder / "bin"
    install = [sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet"]
    subprocess.run(
        [*install, "--disable-pip-version-check", "--no-index", "--no-deps", wheel], check=True
    )
    return programs


def call(*command: str | Path, **how: object) -> subprocess.CompletedProcess[str]:
    """Runs a program in the repository, as README.md says; without the sources in its path."""
    options = {"cwd": ROOT, "capture_output": True, "text": True, "check": False, **how}
    return subprocess.run(command, **options)  # type: ignore[call-overload, no-any-return]


def sections(elf: bytes) -> set[str]:
    """The names of the sections of a 64-bit ELF file."""
    assert elf[:6] == b"\x7fELF\x02\x01"
    (start,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", elf, start + i * size) for i in range(count)]
    table = headers[names][4]
    found = set()
    for header in headers:
        begin = table + header[0]
        found.add(elf[begin : elf.index(b"\0", begin)].decode())
    return found


def test_the_wheel_holds_the_package_and_one_engine_without_debug_information(
    wheel: Path,
) -> None:
    assert "-cp311-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (engine,) = (name for name in names if name.endswith(".so"))
        found = sections(archive.read(engine))
    assert ".text" in found
    assert not [name for name in found if "debug" in name or name == ".symtab"]
    sources = {
        str(path.relative_to(ROOT / "python"))
        for path in (ROOT / "python" / "wrasse").rglob("*")
        if path.is_file() and path.suffix in {".py", ".pyi", ".typed"}
    }
    sources.add("wrasse/py.typed")
    assert sources <= set(names)
    assert not [name for name in names if "__pycache__" in name]


def test_the_quick_start_of_the_readme(environment: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (accounting,) = re.findall(r"^ {4}(\d+ in = .+)$", readme, re.MULTILINE)
    assert f"run {RECIPE}" in readme
    output = tmp_path / "clean.jsonl"
    ran = call(environment / "wrasse", "run", RECIPE, "--set", f"export_path={output}")
    assert ran.returncode == 0, ran.stderr
    assert accounting in ran.stderr
    assert len(output.read_bytes().splitlines()) == int(accounting.split()[3])

    for command, answer in [
        (["check", RECIPE], "no errors"),
        (["explain", RECIPE], "input    1 file(s)"),
        (["ops"], "text_length_filter"),
        (["ops", "text_length_filter"], "min_len"),
        (["run", RECIPE, "--dry-run"], "expected of the whole input"),
        (["--version"], "wrasse "),
    ]:
        told = call(environment / "wrasse", *command)
        assert told.returncode == 0, told.stderr
        assert answer in told.stdout + told.stderr, command


def test_the_command_ends_and_writes_as_the_program_does(
    environment: Path, wrasse: Path, tmp_path: Path
) -> None:
    for n, arguments in enumerate(
        [
            ["run", RECIPE, "--set", "export_path=-", "--set", "export_type=jsonl"],
            ["run", RECIPE, "--max-rejects", "1", "--set"],
            ["run", RECIPE, "--thread", "0"],
            ["run", "missing.yaml"],
            ["check", RECIPE, "--format", "json"],
            [],
        ]
    ):
        both = []
        for command in [[wrasse], [environment / "wrasse"], [environment / "python", "-m", "wrasse"]]:
            folder = tmp_path / f"{n}-{len(both)}"
            where = [f"export_path={folder}/out.jsonl"] if arguments[-1:] == ["--set"] else []
            run_dir = ["--run-dir", folder / "run"] if arguments[:2] == ["run", RECIPE] else []
            ran = call(*command, *arguments, *where, *run_dir)
            both.append((ran.returncode, ran.stdout))
        assert both[0] == both[1] == both[2], arguments
    assert json.loads(both[0][1] or "{}") == {}


def test_control_c_ends_the_command_in_good_order(environment: Path, tmp_path: Path) -> None:
    pages = (ROOT / "examples/web-text/pages.jsonl").read_bytes()
    # Some seconds of work, so that it is interrupted on the way.
    (tmp_path / "pages.jsonl").write_bytes(pages * 30)

    def command(name: str, *more: str) -> list[str]:
        sets = [f"dataset_path={tmp_path}/pages.jsonl", f"export_path={tmp_path}/{name}"]
        args = [str(environment / "wrasse"), "run", RECIPE, "--threads", "1", *more]
        return [*args, *(word for one in sets for word in ("--set", one))]

    process = subprocess.Popen(command("cut.jsonl"), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    events = tmp_path / "cut.wrasse" / "events.jsonl"
    deadline = time.monotonic() + START_SECONDS
    while not (events.exists() and events.read_bytes()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 130, told
    assert "everything up to here is safe" in told
    assert not (tmp_path / "cut.jsonl").exists()

    resumed = call(*command("cut.jsonl", "--resume"))
    assert resumed.returncode == 0, resumed.stderr
    whole = call(*command("whole.jsonl"))
    assert whole.returncode == 0, whole.stderr
    assert (tmp_path / "cut.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_the_package_in_a_fresh_environment(environment: Path, tmp_path: Path) -> None:
    program = f"""
import sys
import wrasse

dataset = wrasse.read_jsonl("examples/web-text/pages.jsonl").clean_links_mapper()
result = dataset.text_length_filter(min_len=200).write_parquet(sys.argv[1] + "/long.parquet")
print(result.rows.in_, sum(part.rows for part in result.parts) == result.rows.out)
print(len(dataset.take(3)))
print(wrasse.run("{RECIPE}", export_path=sys.argv[1] + "/clean.jsonl").rows.out)
for needs in [dataset.iter_batches, dataset.to_arrow, lambda: dataset.map(len)]:
    try:
        needs()
    except wrasse.MissingPackage as error:
        print(error.package)

from wrasse import compat

compat.install()
from datamate.core.base_op import OPERATORS, Mapper

print(issubclass(Mapper, object), OPERATORS is not None)
print(sorted({{"numpy", "pyarrow", "IPython"}} & set(sys.modules)))
"""
    ran = call(environment / "python", "-c", program, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "377 True",
        "3",
        "288",
        "pyarrow",
        "pyarrow",
        "cloudpickle",
        "True True",
        "[]",
    ]
