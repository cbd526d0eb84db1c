"""`wrasse test-op`: operators tried outside of a job."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

FOLDERS = Path(__file__).parent / "operators"

PROCESS = """
from datamate.core.base_op import {base}

class {name}({base}):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        {init}

    def execute(self, sample):
        {execute}
        return sample
"""


def make(
    folder: Path, name: str, execute: str, metadata: str = "", base: str = "Mapper", init: str = ""
) -> Path:
    """An operator folder as DataMate has them."""
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from datamate.core.base_op import OPERATORS\n"
        f"OPERATORS.register_module(module_name='{name}', "
        f"module_path='ops.user.{folder.name}.process')\n"
    )
    lines = textwrap.indent(textwrap.dedent(execute), " " * 8).strip()
    text = PROCESS.format(base=base, name=name, execute=lines, init=init or "pass")
    (folder / "process.py").write_text(text)
    about = f"raw_id: {name}\ndescription: an operator of a test\n"
    (folder / "metadata.yml").write_text(about + textwrap.dedent(metadata))
    return folder


def look(reference: str | Path, *flags: str, code: int = 0) -> dict[str, Any]:
    """The report as JSON; the checks by name."""
    done = tried(reference, "--json", "--rows", "60", *flags)
    assert done.returncode == code, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] == (code == 0)
    report["checks"] = {check["name"]: check for check in report["checks"]}
    return report


def tried(reference: str | Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wrasse.test_op", str(reference), *flags],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT / "python",
    )


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {name: check["status"] for name, check in report["checks"].items()}


def test_a_sound_operator_passes_every_check() -> None:
    report = look(FOLDERS / "mask_digits")
    assert (report["name"], report["kind"]) == ("MaskDigits", "mapper")
    assert set(statuses(report).values()) == {"ok"}
    assert list(report["checks"]) == [
        "import",
        "settings",
        "construct",
        "effect",
        "rows",
        "unusual texts",
        "pickling",
        "access",
    ]
    settings = {setting["name"]: setting for setting in report["settings"]}
    assert settings["maxDigits"]["type"] == "number from 1 to 20"
    assert settings["maxDigits"]["default"] == 8
    assert report["figures"]["rows"] == 60
    assert 0 < report["figures"]["row_seconds"] < 1
    assert report["printed_lines"] > 60
    # Its own resources are no access to anything else.
    assert report["access"] == {}


def test_an_example_that_is_wrong_is_shown(tmp_path: Path) -> None:
    effect = "effect: {before: 'a b', after: 'A'}"
    folder = make(
        tmp_path / "upper", "Upper", "sample['text'] = sample['text'].upper()", effect
    )
    report = look(folder, code=1)
    assert statuses(report)["effect"] == "failed"
    assert report["checks"]["effect"]["details"] == [
        "before:   'a b'",
        "expected: 'A'",
        "got:      'A B'",
    ]


def test_what_a_filter_drops_is_empty_after(tmp_path: Path) -> None:
    effect = "effect: {before: 'a b', after: ''}"
    folder = make(tmp_path / "none", "NoneLeft", "sample['text'] = ''", effect, base="Filter")
    report = look(folder)
    assert statuses(report)["effect"] == "ok"
    assert "60 dropped" in report["checks"]["rows"]["message"]


def test_settings_are_tried_at_their_bounds_and_beyond(tmp_path: Path) -> None:
    settings = """
    settings:
      level: {type: slider, defaultVal: 30, min: 0, max: 10}
      share: {type: inputNumber, defaultVal: 0.5, min: 0, max: 1}
      mode: {type: select, defaultVal: a, options: [{label: A, value: a}, {label: B, value: b}]}
      keep: {type: switch, defaultVal: 'true'}
    """
    init = "self.rate = 1 / float(kwargs['share'])"
    folder = make(tmp_path / "bounds", "Bounds", "pass", settings, init=init)
    report = look(folder, code=1)
    details = report["checks"]["settings"]["details"]
    assert any("the default of `level` is not allowed" in one for one in details)
    assert any(one.startswith("`share: 0` is within its bounds, but: ") for one in details)
    assert len(details) == 2, details
    assert any("ZeroDivisionError" in one for one in details)


def test_a_setting_that_is_not_checked_is_told(tmp_path: Path) -> None:
    (tmp_path / "ops.py").write_text(
        textwrap.dedent(
            """
            import wrasse

            class Cut(wrasse.Mapper):
                size: int

                def map(self, row):
                    row["text"] = row["text"][:self.size]
                    return row
            """
        )
    )
    reference = f"{tmp_path / 'ops.py'}:Cut"
    report = look(reference, code=1)
    assert statuses(report)["settings"] == "skipped"
    assert "`size` must be given" in report["checks"]["settings"]["message"]
    assert statuses(report)["construct"] == "failed"
    report = look(reference, "--set", "size=3")
    assert statuses(report)["settings"] == "ok"


@pytest.mark.parametrize(
    ("execute", "kind", "what"),
    [
        ("open('/tmp/wrasse-test-op-write', 'w').close()", "writes", "/tmp/wrasse-test-op-write"),
        ("open('/etc/hostname').close()", "reads", "/etc/hostname"),
        ("__import__('subprocess').run(['true', 'x'])", "starts", "true x"),
        ("__import__('socket').socket().connect_ex(('127.0.0.1', 9))", "connects", "127.0.0.1:9"),
    ],
)
def test_what_it_opens_connects_to_and_starts_is_told(
    tmp_path: Path, execute: str, kind: str, what: str
) -> None:
    report = look(make(tmp_path / "nosy", "Nosy", execute))
    assert report["access"]["rows"][kind][what] >= 60
    assert statuses(report)["access"] == ("ok" if kind == "reads" else "warning")
    Path("/tmp/wrasse-test-op-write").unlink(missing_ok=True)


def test_what_grows_and_what_depends_on_the_order_is_told(tmp_path: Path) -> None:
    # A millisecond at first and tens at the end, on a busy machine as well.
    execute = """
    self.seen.append(1)
    __import__("time").sleep(len(self.seen) ** 2 * 2e-5)
    sample["text"] = str(len(self.seen))
    """
    folder = make(tmp_path / "grows", "Grows", execute, init="self.seen = []")
    report = look(folder)
    rows = report["checks"]["rows"]
    assert rows["status"] == "warning"
    assert any("times as long as the first" in one for one in rows["details"])
    assert any("depend on the order" in one for one in rows["details"])


def test_failures_and_unusual_texts_are_told(tmp_path: Path) -> None:
    folder = make(tmp_path / "picky", "Picky", "sample['text'] = sample['text'].split()[0]")
    report = look(folder)
    unusual = report["checks"]["unusual texts"]
    assert unusual["status"] == "warning"
    assert [one.partition(":")[0] for one in unusual["details"]] == ["empty", "only spaces"]
    fails = look(make(tmp_path / "fails", "Fails", "raise LookupError('never')"), code=1)
    assert statuses(fails)["rows"] == "failed"
    assert fails["checks"]["rows"]["details"] == ["60 times: LookupError: never"]


def test_what_cannot_be_sent_is_told(tmp_path: Path) -> None:
    folder = make(tmp_path / "keeps", "Keeps", "sample['handle'] = lambda: 0")
    report = look(folder, code=1)
    assert statuses(report)["pickling"] == "failed"


def test_what_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    report = look(FOLDERS / "needs_a_package", code=1)
    assert "pip install" in report["checks"]["import"]["message"]
    report = look(tmp_path / "nothing", code=1)
    assert list(report["checks"]) == ["import"]
    done = tried(FOLDERS / "mask_digits", "--set", "x")
    assert done.returncode == 2
    assert "NAME=VALUE" in done.stderr


def test_a_hang_ends_with_its_place(tmp_path: Path) -> None:
    folder = make(tmp_path / "hangs", "Hangs", "__import__('time').sleep(600)")
    done = tried(folder, "--timeout", "3")
    assert done.returncode == 1
    assert "process.py" in done.stderr


def test_the_program_starts_it(wrasse: Path, tmp_path: Path) -> None:
    def started(*args: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [wrasse, "test-op", "--python", sys.executable, *args],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = started(FOLDERS / "mask_digits", "--rows", "20")
    assert done.returncode == 0, done.stderr
    assert "ok      effect: the example gives what it says" in done.stdout
    assert "20 texts of 2 KB: 20 kept" in done.stdout
    done = started(FOLDERS / "mask_digits", "--json", "--set", "maxDigits=99")
    assert done.returncode == 1
    assert not json.loads(done.stdout)["ok"]
    done = started(make(tmp_path / "ends", "Ends", "__import__('os')._exit(7)"))
    assert done.returncode == 1
    assert "exit code 7" in done.stderr
    done = subprocess.run(
        [wrasse, "test-op", "--python", tmp_path / "none", "x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--python" in done.stderr
