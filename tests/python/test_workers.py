"""Python operators in worker processes: the program, real workers, and real deaths."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from worker_bench import HERE, OPERATORS, PATIENCE_S, Bench, bench, numbered, until

__all__ = ["bench"]


@pytest.mark.parametrize(
    ("poison", "cause"),
    [
        ("segfault", "signal 11 (SIGSEGV)"),
        ("eat", "may take 300 MiB"),
        ("object", "`odd`: a value of type `object` has no form in JSON"),
        ("nan", "`odd`"),
        ("not a row", "returned int; a row is a `dict`"),
        ("leave", "SystemExit: enough"),
    ],
)
def test_what_a_row_does_costs_that_row(bench: Bench, poison: str, cause: str) -> None:
    rows = numbered(300)
    rows[123]["poison"] = poison
    bench.write(rows)
    bench.run(bench.recipe("  - ./ops.py:Poison: {num_proc: 1, mem_required: 300MiB}"))
    assert [row["id"] for row in bench.rows()] == [i for i in range(300) if i != 123]
    (reject,) = bench.rejects()
    assert cause in reject["error"]


def test_a_batch_that_kills_is_halved_until_the_row_is_alone(bench: Bench) -> None:
    rows = [{**row, "poison": ""} for row in numbered(200)]
    for number in (0, 77, 78):
        rows[number]["poison"] = "exit"
    bench.write(rows)
    bench.run(bench.recipe("  - ./ops.py:PoisonBatch: {num_proc: 1}"))
    assert [row["id"] for row in bench.rows()] == [
        i for i in range(200) if i not in (0, 77, 78)
    ]
    assert [one["attempts"] for one in bench.rejects()] == [2, 2, 2]


def test_what_is_not_touched_keeps_its_bytes(bench: Bench) -> None:
    lines = [
        '{ "text" : "a\\u00e9" ,"big": 123456789012345678901234567890, "f": 1.0, "n": null}',
        '{"f":1e3,"text":"b","only":[1,  2]}',
    ]
    (bench.folder / "in.jsonl").write_text("\n".join(lines) + "\n")
    bench.run(bench.recipe("  - ./ops.py:at_least: {n: 1}"))
    assert (bench.folder / "out.jsonl").read_text().splitlines() == lines
    bench.run(bench.recipe("  - ./ops.py:Suffix: {suffix: '!'}"), "--restart")
    first, second = (bench.folder / "out.jsonl").read_text().splitlines()
    assert first == lines[0].replace('"a\\u00e9"', '"aé!"')
    assert second == lines[1].replace('"b"', '"b!"')


def test_values_within_values_and_fields_that_come_and_go(bench: Bench) -> None:
    bench.write([{"text": "a", "gone": 1, "meta": {"x": 1}, "list": []}, {"text": "b", "meta": {}, "list": [0]}])
    bench.run(bench.recipe("  - ./ops.py:nested:\n  - ./ops.py:fields:"))
    assert bench.rows() == [
        {"text": None, "meta": {"x": 1, "seen": True}, "list": [1], "new": {"a": [1, None, "b"]}},
        {"text": None, "meta": {"seen": True}, "list": [0, 1], "new": {"a": [1, None, "b"]}},
    ]


def test_slicers_filters_and_stats(bench: Bench) -> None:
    bench.write([{"text": "one ocean three"}, {"text": ""}, {"text": "aeiou xyz"}])
    steps = "  - ./ops.py:Words:\n  - ./ops.py:Measured:"
    report = bench.run(bench.recipe(steps), "--trace-dropped")
    assert [row["text"] for row in bench.rows()] == ["ocean", "aeiou"]
    dropped = (bench.folder / "out.wrasse" / "dropped.jsonl").read_text().splitlines()
    measured = [json.loads(line) for line in dropped]
    assert [(one["stats"], one["operator"]) for one in measured] == [
        ({"vowels": 2}, "./ops.py:Measured"),
        ({"vowels": 2}, "./ops.py:Measured"),
        ({"vowels": 0}, "./ops.py:Measured"),
    ]
    counts = report["rows"]
    assert (counts["in"], counts["added_by_slicing"], counts["out"]) == (3, 2, 2)


def test_operators_of_tables(bench: Bench) -> None:
    pytest.importorskip("pyarrow")
    bench.write([{"text": "aé"}, {"text": "", "other": 1}, {"text": "xyz"}])
    bench.run(bench.recipe("  - ./ops.py:Scanner:"))
    assert bench.rows() == [
        {"text": "aé", "n_chars": 2},
        {"text": "", "other": 1, "n_chars": 0},
        {"text": "xyz", "n_chars": 3},
    ]


def test_what_operators_print_is_kept_with_who_printed_it(bench: Bench) -> None:
    bench.write([{"text": "hello"}])
    bench.run(bench.recipe("  - ./ops.py:chatty:"))
    log = (bench.folder / "out.wrasse" / "workers.log").read_text()
    assert "[./ops.py:chatty#0] out hello\n" in log
    assert "[./ops.py:chatty#0] err hello\n" in log


def test_a_dry_run_runs_them_too(bench: Bench) -> None:
    bench.write(numbered(50))
    done = bench.call("run", bench.recipe("  - ./ops.py:shout:"), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert not (bench.folder / "out.jsonl").exists()
    assert "./ops.py:shout" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("step", "place", "message"),
    [
        ("./ops.py:Suffix: {sufix: x}", "4:30", "did you mean `suffix`"),
        ("./ops.py:Suffix: {suffix: x, times: many}", "4:41", "expected integer"),
        ("./ops.py:Suffix:", "4:5", "`suffix` is missing"),
        ("./ops.py:Nobody:", "4:5", "Nobody"),
        ("./nothing.py:Suffix:", "4:5", "there is no file"),
        ("./ops.py:shout: {num_proc: 0}", "4:32", "expected a number from 1"),
        ("no_such_operator_at_all:", "4:5", "unknown operator"),
    ],
)
def test_mistakes_are_found_before_the_run(
    bench: Bench, step: str, place: str, message: str
) -> None:
    bench.write([{"text": "a"}])
    done = bench.call("check", bench.recipe(f"  - {step}"))
    assert done.returncode == 2, done.stderr
    assert f":{place}" in done.stderr, done.stderr
    assert message in done.stderr


def test_a_package_that_is_missing_is_named_with_the_command(bench: Bench) -> None:
    bench.write([{"text": "a"}])
    folder = HERE / "operators" / "needs_a_package"
    done = bench.call("check", bench.recipe(f"  - {folder}:"))
    assert done.returncode == 2
    assert "pip install" in done.stderr


def test_a_python_that_is_none_is_named(bench: Bench) -> None:
    bench.write([{"text": "a"}])
    recipe = bench.recipe("  - ./ops.py:shout:")
    done = bench.call("run", recipe, "--python", "/nowhere/python", python=False)
    assert done.returncode == 2
    assert "/nowhere/python (named by --python)" in done.stderr


def test_an_operator_folder_is_found_by_its_name_and_raw_id(bench: Bench) -> None:
    bench.write([{"text": "call 123"}])
    bench.run(bench.recipe("  - mask_digits:"), "--operators", HERE / "operators")
    by_name = bench.rows()
    raw_id = next(
        line.partition(":")[2].strip().strip("'\"")
        for line in (HERE / "operators" / "mask_digits" / "metadata.yml").read_text().splitlines()
        if line.startswith("raw_id")
    )
    recipe = bench.recipe(f"  - {raw_id}:", operator_dirs=[str(HERE / "operators")])
    bench.run(recipe, "--restart")
    assert bench.rows() == by_name != [{"text": "call 123"}]


def test_no_process_outlives_a_killed_engine(bench: Bench) -> None:
    bench.write(numbered(20_000))
    for step in ("with_child", "busy_in_c"):
        steps = f"  - ./ops.py:{step}: {{num_proc: 2}}\n  - ./ops.py:slow: {{num_proc: 2}}"
        engine = bench.start("run", bench.recipe(steps), "--restart", "--quiet")
        # The engine, its guard, and workers that have begun.
        until(lambda: len(bench.processes()) >= 4, "no workers")
        if step == "with_child":
            until(lambda: any_sleeps(bench), "no grandchild")
        engine.send_signal(signal.SIGKILL)
        engine.communicate()
        until(lambda: not bench.processes(), f"processes are left: {bench.processes()}")


def any_sleeps(bench: Bench) -> bool:
    return any(
        Path(f"/proc/{pid}/comm").read_text().strip() == "sleep" for pid in bench.processes()
    )


def test_an_interrupted_run_goes_on_to_the_same_bytes(bench: Bench) -> None:
    bench.write(numbered(600) + [{"text": "x" * 400_000, "id": i} for i in range(12)])
    steps = "  - ./ops.py:slow: {num_proc: 2}\n  - ./ops.py:Suffix: {suffix: '.'}"
    bench.run(bench.recipe(steps, "whole.jsonl"))
    recipe = bench.recipe(steps)
    engine = bench.start("run", recipe, "--quiet", "--commit-bytes", "1")
    until(lambda: len(bench.processes()) >= 3, "no workers")
    time.sleep(1)
    engine.send_signal(signal.SIGINT)
    _, told = engine.communicate(timeout=PATIENCE_S)
    assert engine.returncode == 130, told
    until(lambda: not bench.processes(), "processes are left")
    bench.run(recipe, "--resume")
    assert (bench.folder / "out.jsonl").read_bytes() == (
        bench.folder / "whole.jsonl"
    ).read_bytes()


def test_changed_code_is_another_run(bench: Bench) -> None:
    bench.write(numbered(20_000))
    recipe = bench.recipe("  - ./ops.py:slow: {num_proc: 1}")
    engine = bench.start("run", recipe, "--quiet")
    until(lambda: len(bench.processes()) >= 3, "no workers")
    engine.send_signal(signal.SIGINT)
    engine.communicate(timeout=PATIENCE_S)
    (bench.folder / "ops.py").write_text(OPERATORS + "\n# changed\n")
    done = bench.call("run", recipe, "--resume")
    assert done.returncode == 2, done.stderr
    assert "code" in done.stderr


def test_blocks_of_which_nothing_is_left_hold_up_nobody(bench: Bench) -> None:
    # Each row is a block of its own.
    bench.write([{"text": "x" * (1 << 21), "id": i} for i in range(3)])
    steps = "  - ./ops.py:Poison:\n  - ./ops.py:at_least: {n: 9000000}\n  - ./ops.py:shout: {batch_size: 9}"
    report = bench.run(bench.recipe(steps), "--threads", 1)
    assert (report["rows"]["dropped"], report["rows"]["out"]) == (3, 0)


def test_a_memory_limit_holds_for_workers_that_say_what_they_need(bench: Bench) -> None:
    bench.write(numbered(8))
    recipe = bench.recipe("  - ./ops.py:Heavy: {num_proc: 8, mem_required: 200MiB}")
    told = bench.told("run", recipe, "--memory", "150MiB")
    assert "200 MiB for one Python process of each pool (`mem_required`)" in told
    shown = bench.call("explain", recipe, "--memory", "600MiB").stdout
    assert "Heavy: 2 worker process(es) of 8 that it could use, of 200 MiB each: 400 MiB" in shown


def test_a_memory_limit_holds_for_workers_that_do_not_say(bench: Bench) -> None:
    bench.write([{**row, "text": "x" * 60_000} for row in numbered(200)])
    limit = 450 << 20
    recipe = bench.recipe("  - ./ops.py:Heavy: {num_proc: 8}")
    report = bench.run(recipe, "--memory", limit, "--threads", "2")
    workers = {row["worker"] for row in bench.rows()}
    assert 2 <= len(workers) <= 3
    assert 200 << 20 < report["peak_memory_bytes"] <= limit


def test_workers_see_accelerators_of_their_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write([{**row, "text": "x" * 60_000} for row in numbered(100)])
    recipe = bench.recipe("  - ./ops.py:device: {num_proc: 4, num_gpus: 1}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    bench.run(recipe, "--threads", "4")
    assert {row["sees"] for row in bench.rows()} == {"2", "5"}
    bench.run(recipe, "--threads", "4", "--gpus", "1", "--restart")
    assert {row["sees"] for row in bench.rows()} == {"2"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    told = bench.told("run", recipe, "--restart")
    assert "a worker of `./ops.py:device` needs 1 accelerators (num_gpus)" in told


def test_what_becomes_of_pieces_is_recorded_of_each(bench: Bench) -> None:
    bench.write([{"text": "two", "id": 0}, {"text": "one sea ocean exit", "id": 1}])
    steps = """
  - ./ops.py:Words:
  - ./ops.py:Suffix: {suffix: "!"}
  - ./ops.py:Measured:
  - ./ops.py:careful:
"""
    bench.run(bench.recipe(steps), "--trace-dropped")
    dropped = (bench.folder / "out.wrasse" / "dropped.jsonl").read_text().splitlines()
    told = [
        (one["position"], one.get("piece", 0), json.loads(one["sample"])["text"])
        for one in map(json.loads, dropped)
    ]
    second = len('{"text": "two", "id": 0}\n')
    assert told == [(0, 0, "two!"), (second, 0, "one!"), (second, 1, "sea!"), (second, 3, "exit!")]
    (reject,) = bench.rejects()
    assert (reject["piece"], reject["error"]) == (2, "ValueError: ocean!")
    assert json.loads(reject["raw"])["text"] == "one sea ocean exit"


def test_what_operators_tell_datamate_is_in_the_run_directory(bench: Bench) -> None:
    rows = [{**row, "sourceFileId": f"f{row['id']}", "text": "x" * 40_000} for row in numbered(60)]
    rows[7]["poison"] = "exit"
    bench.write(rows)
    outputs = []
    for workers in (1, 2):
        steps = f"""
  - ./ops.py:Poison: {{num_proc: {workers}}}
  - {HERE / "operators" / "tells_of_parts"}: {{num_proc: {workers}}}
"""
        bench.run(bench.recipe(steps, f"out{workers}.jsonl"), "--threads", workers)
        outputs.append((bench.folder / f"out{workers}.wrasse" / "told.jsonl").read_text())
    assert outputs[0] == outputs[1]
    told = [json.loads(line) for line in outputs[0].splitlines()]
    kinds = [(one["kind"], one["record"].get("src_file_id")) for one in told]
    ids = [row["sourceFileId"] for row in rows if "poison" not in row]
    assert [of for kind, of in kinds if kind == "clean_result"] == ids
    assert len(kinds) == 2 * len(ids)
