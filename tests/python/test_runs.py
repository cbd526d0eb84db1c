"""`wrasse.run`, `start`, `check`, `explain`: recipes run from Python."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from wrasse import _display, _yaml

import wrasse

pytestmark = pytest.mark.usefixtures("engine")

PAGES = ROOT / "examples/web-text/pages.jsonl"
RECIPE = ROOT / "examples/web-text/recipe.yaml"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough pages for a run that can be watched and interrupted."""
    path = tmp_path_factory.mktemp("many") / "pages.jsonl"
    path.write_bytes(PAGES.read_bytes() * 120)
    return path


def test_a_recipe_is_a_path_a_text_or_a_mapping(tmp_path: Path) -> None:
    recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    written = []
    for n, form in enumerate([RECIPE, str(RECIPE), RECIPE.read_text(encoding="utf-8"), recipe]):
        path = tmp_path / f"{n}.jsonl"
        result = wrasse.run(form, dataset_path=PAGES, export_path=path, threads=1 + n % 2)
        assert result.complete and not result.resumed
        assert result.report["threads"] == 1 + n % 2
        written.append(path.read_bytes())
    assert written[0].count(b"\n") == 288
    assert len(set(written)) == 1


def test_the_result_is_the_report(tmp_path: Path) -> None:
    result = wrasse.run(RECIPE, dataset_path=PAGES, export_path=tmp_path / "out.jsonl")
    report = json.loads((tmp_path / "out.wrasse/report.json").read_text())
    assert report == result.report
    rows = result.rows
    assert rows.in_ + rows.added_by_slicing == (
        rows.out + rows.dropped + rows.duplicates + rows.merged + rows.rejected
    )
    assert [one.name for one in result.operators] == [one["name"] for one in report["operators"]]
    assert sum(one.dropped for one in result.operators) == rows.dropped
    (part,) = result.parts
    assert (part.path, part.rows) == (str(tmp_path / "out.jsonl"), rows.out)
    assert part.bytes == (tmp_path / "out.jsonl").stat().st_size
    assert "377 in = 288 out" in str(result) and "377 in = 288 out" in result._repr_html_()
    assert result.run_dir == str(tmp_path / "out.wrasse")


def test_keywords_are_flags_or_keys_of_the_recipe(tmp_path: Path) -> None:
    result = wrasse.run(
        {"dataset_path": PAGES, "process": [{"text_length_filter": {"min_len": 10}}]},
        export_path=tmp_path / "out.jsonl",
        limit=50,
        memory="1GiB",
        trace_dropped=True,
        resume=None,
        html=False,
        run_dir=tmp_path / "elsewhere",
        set={"process.text_length_filter.min_len": 1000},
    )
    assert result.rows.in_ == 50 and result.rows.dropped > 10
    assert (tmp_path / "elsewhere/dropped.jsonl").stat().st_size > 0
    assert not (tmp_path / "elsewhere/report.html").exists()


def test_every_flag_of_the_command_is_a_keyword(wrasse: Path) -> None:
    import re

    from wrasse import _call

    told = subprocess.run([wrasse, "run", "--help"], capture_output=True, text=True, check=True)
    flags = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", told.stdout, re.MULTILINE))
    shown = {"help", "quiet", "verbose", "report", "dry-run", "set"}
    assert {name.replace("-", "_") for name in flags - shown} <= set(_call._flags())
    assert _call.override_words({"resume": True, "restart": False, "threads": 2}) == [
        "--resume",
        "--threads=2",
    ]
    assert _call.override_words({"operators": ["a", Path("b")]}) == ["--operators=a", "--operators=b"]


@pytest.mark.parametrize(
    ("recipe", "overrides", "message"),
    [
        ("missing.yaml", {}, "cannot read the recipe missing.yaml"),
        (RECIPE, {"threads": 0}, "invalid value '0' for '--threads"),
        (RECIPE, {"memory": "lots"}, "invalid value 'lots' for '--memory"),
        (RECIPE, {"dataset_path": "missing.jsonl"}, "cannot be found"),
        (RECIPE, {"metrics_addr": "nowhere"}, "expected an address with a port"),
        (RECIPE, {"resume": True, "restart": True}, "cannot be used with"),
    ],
)
def test_what_cannot_be_done_says_why(
    recipe: Any, overrides: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(wrasse.UsageError) as caught:
        wrasse.run(recipe, **{"export_path": tmp_path / "out.jsonl", **overrides})
    assert message in str(caught.value)
    assert not isinstance(caught.value, wrasse.RecipeError)
    assert list(tmp_path.iterdir()) == []


def test_mistakes_in_a_recipe_have_their_place() -> None:
    text = "dataset_path: a.jsonl\nprocess:\n  - text_length_filter:\n      min_lenn: 5\n"
    with pytest.raises(wrasse.RecipeError) as caught:
        wrasse.run(text)
    (finding,) = caught.value.findings
    assert (finding.severity, finding.line, finding.column) == ("error", 4, 7)
    assert "recipe.yaml:4:7: error: unknown parameter `min_lenn`" in str(caught.value)
    assert finding.hint == "did you mean `min_len`?"
    assert wrasse.check(text) == [finding]
    assert wrasse.check(text, set={"process.text_length_filter": {}}) != [finding]
    assert wrasse.check(RECIPE) == []
    with pytest.raises(wrasse.RecipeError):
        wrasse.explain(text)


def test_warnings_do_not_keep_a_run_from_going(tmp_path: Path) -> None:
    recipe = {"dataset_path": PAGES, "open_tracer": True, "process": []}
    with wrasse.start(recipe, export_path=tmp_path / "out.jsonl") as handle:
        (warning,) = handle.warnings
        assert warning.severity == "warning" and "open_tracer" in warning.message
        assert handle.wait().complete


def test_hints_speak_of_keywords(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("of others")
    with pytest.raises(wrasse.UsageError) as caught:
        wrasse.run(RECIPE, dataset_path=PAGES, export_path=tmp_path / "out.jsonl")
    assert caught.value.hint is not None
    assert "overwrite=True" in caught.value.hint and "--" not in caught.value.hint
    result = wrasse.run(
        RECIPE, dataset_path=PAGES, export_path=tmp_path / "out.jsonl", overwrite=True
    )
    assert result.complete


def test_a_run_that_is_not_what_it_should_be_has_a_result(tmp_path: Path) -> None:
    with pytest.raises(wrasse.TooManyRejects) as rejects:
        wrasse.run(RECIPE, dataset_path=PAGES, export_path=tmp_path / "a.jsonl", max_rejects=2)
    assert rejects.value.result.rows.rejected > 2

    whole = PAGES.read_bytes()
    packed = gzip.compress(whole)
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(wrasse.DamagedInput) as damage:
        wrasse.run(
            RECIPE, dataset_path=tmp_path / "cut.jsonl.gz", export_path=tmp_path / "b.jsonl"
        )
    assert damage.value.result.complete
    assert 0 < damage.value.result.rows.in_ < 377


def test_a_run_is_watched_cancelled_and_resumed(many: Path, tmp_path: Path) -> None:
    with wrasse.start(
        RECIPE, dataset_path=many, export_path=tmp_path / "out.jsonl", threads=1
    ) as handle:
        seen = []
        for snapshot in handle:
            seen.append(snapshot.rows.in_)
            if len(seen) == 2:
                handle.cancel()
        cut = handle.wait()
    assert handle.done and handle.progress() is not None
    assert not cut.complete and cut.parts == []
    assert seen == sorted(seen) and cut.rows.in_ < 120 * 377
    assert not (tmp_path / "out.jsonl").exists()

    with pytest.raises(wrasse.UsageError, match="resume=True"):
        wrasse.run(RECIPE, dataset_path=many, export_path=tmp_path / "out.jsonl")
    result = wrasse.run(
        RECIPE, dataset_path=many, export_path=tmp_path / "out.jsonl", resume=True
    )
    assert result.complete and result.resumed
    assert result.rows.in_ == 120 * 377 and result.rows.out == 288
    with wrasse.start(
        RECIPE, dataset_path=many, export_path=tmp_path / "out.jsonl", resume=True
    ) as again:
        assert again.wait().complete and again.progress() == 1.0


def test_a_block_that_ends_ends_its_run(many: Path, tmp_path: Path) -> None:
    with wrasse.start(
        RECIPE, dataset_path=many, export_path=tmp_path / "out.jsonl", threads=1
    ) as handle:
        with pytest.raises(TimeoutError):
            handle.wait(timeout=0)
    assert handle.done and not handle.wait().complete


def test_python_goes_on_while_the_engine_works(many: Path, tmp_path: Path) -> None:
    handle = wrasse.start(
        RECIPE, dataset_path=many, export_path=tmp_path / "out.jsonl", threads=1
    )
    seen: set[int] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            snapshot = handle.snapshot()
            if snapshot is not None:
                seen.add(snapshot.rows.in_)

    watcher = threading.Thread(target=watch)
    watcher.start()
    # One call into the engine, for as long as the run takes.
    assert handle._run.wait(3600.0)
    over.set()
    watcher.join()
    assert len(seen) > 2
    assert handle.wait().complete


def test_runs_go_on_beside_each_other(tmp_path: Path) -> None:
    handles = [
        wrasse.start(RECIPE, dataset_path=PAGES, export_path=tmp_path / f"{n}.jsonl")
        for n in range(3)
    ]
    assert [handle.wait().rows.out for handle in handles] == [288] * 3
    assert len({path.read_bytes() for path in tmp_path.glob("*.jsonl")}) == 1


def test_a_terminal_shows_progress_and_a_pipe_does_not(tmp_path: Path) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
import wrasse
wrasse.__path__.append({str(wrasse.__path__[-1])!r})
wrasse.run({str(RECIPE)!r}, dataset_path={str(PAGES)!r}, export_path=sys.argv[1])
"""
    command = [sys.executable, "-c", program]
    ran = subprocess.run([*command, tmp_path / "a.jsonl"], capture_output=True, check=True)
    assert (ran.stdout, ran.stderr) == (b"", b"")

    controller, terminal = os.openpty()
    shown = b""
    with subprocess.Popen([*command, tmp_path / "b.jsonl"], stderr=terminal) as process:
        os.close(terminal)
        # The end of a terminal is an error; a full one would hold its writer.
        with contextlib.suppress(OSError):
            while some := os.read(controller, 1 << 16):
                shown += some
    os.close(controller)
    assert process.returncode == 0
    assert b"text_length_filter" in shown


class Interrupts(_display.Display):
    """Presses Ctrl-C once, as soon as the run goes on."""

    pressed = False

    def update(self, snapshot: wrasse.Snapshot) -> None:
        if not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard, though who began the tests in the background had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_control_c_ends_a_run_in_good_order(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how: dict[str, Any] = {"dataset_path": many, "export_path": tmp_path / "out.jsonl"}
    monkeypatch.setattr(_display.Display, "wanted", lambda progress: Interrupts())
    with pytest.raises(KeyboardInterrupt) as caught:
        wrasse.run(RECIPE, threads=1, **how)
    assert "resume=True" in caught.value.__notes__[0]
    monkeypatch.undo()
    result = wrasse.run(RECIPE, resume=True, **how)
    assert result.complete and result.resumed and result.rows.out == 288


def test_a_program_that_ends_ends_its_runs(many: Path, tmp_path: Path) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
import wrasse
wrasse.__path__.append({str(wrasse.__path__[-1])!r})
wrasse.start({str(RECIPE)!r}, dataset_path={str(many)!r}, export_path="out.jsonl", threads=1)
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert not (tmp_path / "out.jsonl").exists()
    events = (tmp_path / "out.wrasse/events.jsonl").read_text().splitlines()
    assert json.loads(events[-1])["outcome"] == "interrupted"


def test_without_an_engine_operators_can_be_written_and_runs_say_what_is_missing() -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
import wrasse

@wrasse.mapper
def shout(row):
    return {{"text": row["text"].upper()}}

assert shout.bind().apply([{{"text": "a"}}])[0].row == {{"text": "A"}}
assert set(wrasse.__all__) <= set(dir(wrasse))
heavy = {{"wrasse.datasets", "wrasse.runs", "wrasse._engine", "pyarrow", "http.client"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
try:
    wrasse.run("recipe.yaml")
except wrasse.EngineMissing as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "pip install" in ran.stdout


def test_recipes_are_written_as_yaml_that_says_the_same() -> None:
    hostile = [
        "", " ", "a: b", "# no comment", "- x", "yes", "NULL", "0x1f", "1e3", "12", "~", "a\nb",
        "tab\there", "'", '"', "\\d+", "{", "[", "*a", "&b", "!c", "%d", "@e", "`f`", "|", ">",
        "\u0085", "\u2028", "\ufeff", "\x7f", "é", "漢字", "😀", "a #b", "a:", ":a", "...", "---",
        "2001-01-01", "1:30", "=", "<<", "./a/b.py:Name", "a  b", " a", "a ", ".5", ".inf", ".nan",
    ]
    recipe = {
        "process": [
            "plain_mapper",
            {"none_mapper": {}},
            {"some_filter": {"words": hostile, "n": 5, "x": 0.5, "no": None, "yes": True}},
            {"deep": {"a": {"b": [[1, 2], [{"c": []}], {}]}, **{key: key for key in hostile}}},
        ],
        "empty": {},
        "list": [],
    }
    said = yaml.safe_load(_yaml.dump(recipe))
    recipe["process"][1] = "none_mapper"
    assert said == recipe
    for value in [{1: 2}, {"a": float("nan")}, {"a": object()}, {"a": [lambda: 0]}]:
        with pytest.raises((TypeError, ValueError)):
            _yaml.dump(value)


def test_the_engine_reads_the_yaml_as_it_was_meant(tmp_path: Path) -> None:
    pattern = 'a: "\\d+" # \u2028\x7f😀\t'
    (tmp_path / "in.jsonl").write_text(
        json.dumps({"text": "x" + 'a: "12" # \u2028\x7f😀\t'}) + "\n", encoding="utf-8"
    )
    wrasse.run(
        {
            "dataset_path": tmp_path / "in.jsonl",
            "process": [{"replace_content_mapper": {"pattern": pattern, "repl": "~"}}],
        },
        export_path=tmp_path / "out.jsonl",
    )
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8")) == {"text": "x~"}
