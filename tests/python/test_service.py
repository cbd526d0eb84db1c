"""The task service as a program: submitted to over HTTP, killed, and asked by those it
should not answer."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from service import TOKEN, Service, end_all, serve, start
from service_load import load

SLOTS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("service")
    (folder / "secret").mkdir()
    (folder / "secret" / "rows.jsonl").write_text('{"text": "not for you"}\n')
    work = folder / "work"
    (work / "flows").mkdir(parents=True)
    rows(work / "rows.jsonl", 200)
    (work / "link").symlink_to(folder / "secret")
    return work


@pytest.fixture(scope="module")
def service(wrasse: Path, folder: Path) -> Iterator[Service]:
    flags = ("--flows", str(folder / "flows"), "--grace", "1")
    with serve(wrasse, folder, *flags) as service:
        yield service


def rows(path: Path, n: int) -> None:
    with path.open("w") as file:
        for i in range(n):
            file.write(json.dumps({"text": f"row {i} says something of the tide " * (1 + i % 5)}))
            file.write("\n")


def recipe(output: str, rows: str = "rows.jsonl", steps: str = "") -> str:
    return (
        f"dataset_path: {rows}\nexport_path: {output}\nprocess:\n"
        f"  - whitespace_normalization_mapper:\n{steps}"
        "  - text_length_filter:\n      min_len: 50\n"
    )


def until(what: str, is_so: object) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if is_so():  # type: ignore[operator]
            return
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within a minute")


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(") ", 1)[1][0] != "Z"


def test_a_run_is_followed_from_submission_to_report(service: Service, folder: Path) -> None:
    text = recipe("out/followed.jsonl")
    job = service.submit({"kind": "run", "recipe": text})
    done = service.wait(job)
    assert done["state"] == "completed" and not done["partial"], done
    assert len((folder / "out" / "followed.jsonl").read_text().splitlines()) == 160
    report = service.json("GET", f"/api/v1/jobs/{job}/report")
    assert (report["rows"]["in"], report["rows"]["out"], report["rows"]["dropped"]) == (200, 160, 40)
    snapshot = service.json("GET", f"/api/v1/jobs/{job}/snapshot")
    assert snapshot["rows"]["in"] == 200 and snapshot["stages"]
    assert b"<!doctype html>" in service.ask("GET", f"/api/v1/jobs/{job}/page")[1].lower()
    states = [step["state"] for step in service.json("GET", f"/api/v1/jobs/{job}/history")["history"]]
    assert states == ["pending", "running", "completed"]
    events = service.ask("GET", f"/api/v1/jobs/{job}/events")[1].decode()
    assert "event: job\n" in events and "event: snapshot\n" in events


def test_rejects_make_a_run_partial_and_are_shown(service: Service, folder: Path) -> None:
    (folder / "bad.jsonl").write_text('{"text": "' + "fine " * 20 + '"}\nnot json\n')
    done = service.wait(service.submit({"kind": "run", "recipe": recipe("out/bad.jsonl", "bad.jsonl")}))
    assert done["state"] == "completed" and done["partial"], done
    found = service.json("GET", f"/api/v1/jobs/{done['id']}/rejects")
    assert len(found["rejects"]) == 1 and found["next"] is None, found


def test_a_wrong_recipe_is_refused_with_its_findings(service: Service) -> None:
    wrong = {"work": {"kind": "run", "recipe": "process:\n  - no_such_filter:\n"}}
    status, answer = service.ask("POST", "/api/v1/jobs", wrong)
    assert status == 422 and json.loads(answer)["findings"], answer
    found = service.json("POST", "/api/v1/recipes/check", {"recipe": "process: ["})
    assert not found["ok"] and found["findings"]


@pytest.mark.parametrize(
    "place",
    ["../secret/rows.jsonl", "link/rows.jsonl", "/etc/passwd", "state/jobs.sqlite", "s3://b/x",
     "out/../../secret/x", "link/*.jsonl"],
)
def test_nothing_leads_out_of_the_roots(service: Service, place: str) -> None:
    for text in [recipe("out/x.jsonl", place), recipe(place)]:
        status, answer = service.ask("POST", "/api/v1/jobs", {"work": {"kind": "run", "recipe": text}})
        assert status == 403, answer
    for work in [
        {"kind": "run", "path": place},
        {"kind": "run", "recipe": recipe("a"), "cwd": place},
        {"kind": "run", "recipe": recipe("a"), "log": place},
        {"kind": "run", "recipe": recipe("a"), "set": [f"export_path={place}"]},
        {"kind": "command", "argv": ["true"], "cwd": place},
    ]:
        status, answer = service.ask("POST", "/api/v1/jobs", {"work": work})
        assert status in (403, 422), (work, answer)


def test_tokens_roles_and_sites(wrasse: Path, tmp_path: Path) -> None:
    (tmp_path / "read").write_text("only look\n")
    with serve(wrasse, tmp_path, "--read-token-file", str(tmp_path / "read")) as service:
        ask = service.ask
        job = {"work": {"kind": "command", "argv": ["true"]}}
        bearer = lambda token: {"Authorization": f"Bearer {token}"}  # noqa: E731
        assert ask("GET", "/api/v1/jobs", headers=bearer("wrong"))[0] == 401
        assert ask("GET", "/api/v1/jobs", headers=bearer("only look"))[0] == 200
        assert ask("POST", "/api/v1/jobs", job, bearer("only look"))[0] == 403
        assert ask("POST", "/api/v1/jobs", job, bearer(TOKEN))[0] == 201
        assert ask("GET", "/health", headers=bearer(""))[0] == 200
        assert ask("POST", "/api/v1/jobs", job, {"Origin": "http://evil.example"})[0] == 403
        assert ask("GET", "/api/v1/jobs", headers={"Host": "evil.example"})[0] == 400
        assert ask("POST", "/api/v1/jobs", job, {"Content-Type": "text/plain"})[0] == 415
        assert ask("POST", "/api/v1/jobs", {"work": {"kind": "run", "recipe": "x" * (5 << 20)}})[0] == 413
        # A job does not see the secrets.
        shown = service.wait(service.submit({"kind": "command", "argv": ["env"]}))
        assert TOKEN.encode() not in ask("GET", f"/api/v1/jobs/{shown['id']}/logs")[1]


def test_commands_and_others_need_a_token(wrasse: Path, tmp_path: Path) -> None:
    for flags in [("--allow-commands",), ("--listen", "0.0.0.0:0")]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("WRASSE_")}
        ended = subprocess.run(
            [wrasse, "serve", "--listen", "0", "--state", tmp_path / "s", *flags],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60,
        ) if flags[0] != "--listen" else subprocess.run(
            [wrasse, "serve", *flags, "--state", tmp_path / "s"],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60,
        )
        assert ended.returncode == 3 and "token" in ended.stderr, ended
    with serve(wrasse, tmp_path, token=None) as service:
        command = {"work": {"kind": "command", "argv": ["true"]}}
        assert service.ask("POST", "/api/v1/jobs", command)[0] == 403
        assert service.ask("GET", "/api/v1/jobs")[0] == 200


def test_too_many_requests_are_told_so(wrasse: Path, tmp_path: Path) -> None:
    with serve(wrasse, tmp_path, "--rate", "5") as service:
        answers = [service.ask("GET", "/health")[0] for _ in range(30)]
        assert set(answers) == {200, 429} and answers.count(200) < 25


def test_datamates_backend_finds_its_tasks(service: Service, folder: Path) -> None:
    task = "0f3c1a52-aaaa-4bbb-8ccc-000000000001"
    assert service.ask("POST", f"/api/task/{task}/submit")[0] == 404
    flow = folder / "flows" / task
    flow.mkdir()
    (flow / "process.yaml").write_text(recipe("flow.jsonl"))
    answer = service.json("POST", f"/api/task/{task}/submit", {"retry_count": 0})
    assert answer == {"status": "Success", "message": f"{task} has been submitted"}
    service.wait(task)
    found = service.json("GET", f"/api/task/{task}/status")
    assert found["task_id"] == task and found["status"] == "completed", found
    assert found["created_at"] <= found["started_at"] <= found["completed_at"]
    assert (flow / "output.log").read_text()
    listed = service.json("POST", "/api/task/list", {"task_ids": [task, "no-such-task"]})
    assert listed[0][task]["status"] == "completed" and listed[1] == {"no-such-task": None}
    assert service.json("POST", f"/api/task/{task}/stop")["status"] == "Success"
    status, missing = service.ask("GET", "/api/task/no-such-task/status")
    assert status == 404 and json.loads(missing)["status"] == "NOT_FOUND"
    (flow / "process.yaml").write_text("process:\n  - nonsense:\n")
    assert service.ask("POST", "/api/task/bad%20name/submit")[0] == 400
    # Submitted again after its end, it runs again.
    assert service.ask("POST", f"/api/task/{task}/submit")[0] == 200
    assert service.wait(task)["state"] == "failed"


def test_a_cancelled_command_is_gone_with_all_it_started(service: Service, folder: Path) -> None:
    pids = folder / "pids"
    line = (
        f"trap '' TERM; echo $$ >> {pids}; (trap '' TERM; echo $BASHPID >> {pids}; sleep 999) & "
        f"setsid bash -c \"trap '' TERM; echo \\$\\$ >> {pids}; while :; do sleep 1; done\" & wait; sleep 999"
    )
    job = service.submit({"kind": "command", "argv": ["bash", "-c", line]})
    until("three processes", lambda: pids.exists() and len(pids.read_text().split()) == 3)
    found = [int(pid) for pid in pids.read_text().split()]
    assert all(map(is_alive, found))
    assert service.ask("POST", f"/api/v1/jobs/{job}/cancel")[0] == 202
    assert service.wait(job)["state"] == "cancelled"
    assert not any(map(is_alive, found))


def test_the_command_line_does_it_all(service: Service, wrasse: Path, folder: Path) -> None:
    env = {**os.environ, "WRASSE_TOKEN": TOKEN, "WRASSE_URL": f"http://127.0.0.1:{service.port}"}

    def task(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [wrasse, "task", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=120
        )

    (folder / "cli.yaml").write_text(recipe("out/cli.jsonl"))
    done = task("submit", "--id", "from-cli", "--wait", "cli.yaml")
    assert done.returncode == 0 and "160 out" in done.stdout, done
    assert "from-cli" in task("list").stdout
    assert "completed" in task("show", "from-cli").stdout
    failing = task("submit", "--", "sh", "-c", "echo words; sleep 0.5; echo more; exit 4").stdout.strip()
    followed = task("logs", "-f", failing)
    assert followed.stdout == "words\nmore\n", followed
    waited = task("wait", failing)
    assert waited.returncode == 3 and "exit code 4" in waited.stdout, waited
    assert "pending" in (again := task("retry", failing).stdout) or "running" in again
    long = task("submit", "--", "sleep", "999").stdout.strip()
    assert task("wait", "--timeout", "0.2", long).returncode == 1
    assert task("cancel", long).returncode == 0
    assert task("wait", long).returncode == 130
    missing = task("show", "no-such-job")
    assert missing.returncode == 2 and "no job" in missing.stderr


def test_a_run_rests_goes_on_and_takes_other_resources(service: Service, folder: Path) -> None:
    rows(folder / "many.jsonl", 300_000)
    steps = "".join(f"  - text_length_filter:\n      min_len: {n}\n" for n in range(5))
    job = service.submit({"kind": "run", "recipe": recipe("out/many.jsonl", "many.jsonl", steps), "threads": 1})
    until("it runs", lambda: service.ask("GET", f"/api/v1/jobs/{job}/snapshot")[0] == 200)
    assert service.ask("POST", f"/api/v1/jobs/{job}/hold")[0] == 202
    until("it rests", lambda: service.json("GET", f"/api/v1/jobs/{job}")["state"] != "running")
    found = service.json("GET", f"/api/v1/jobs/{job}")
    if found["state"] == "pending":
        assert found["held"]
        changed = service.json("PATCH", f"/api/v1/jobs/{job}", {"threads": 2, "memory": "512MiB"})
        assert changed["submission"]["work"]["threads"] == 2
        assert service.ask("POST", f"/api/v1/jobs/{job}/release")[0] == 202
    done = service.wait(job)
    assert done["state"] == "completed" and done["attempts"] == 1, done
    lines = (folder / "out" / "many.jsonl").read_text().splitlines()
    assert len(lines) == 240_000


def test_a_run_takes_other_limits_as_it_runs(
    service: Service, folder: Path, wrasse: Path
) -> None:
    rows(folder / "long.jsonl", 24_000)
    slow = "  - replace_content_mapper:\n      pattern: '[a-z].*(?<!x)#'\n      repl: ''\n"
    steps = slow * 3 + "  - document_deduplicator:\n"
    work = {"kind": "run", "recipe": recipe("out/long.jsonl", "long.jsonl", steps), "threads": 1}
    job = service.submit(work)
    path = f"/api/v1/jobs/{job}"

    def now() -> tuple[int, int | None]:
        status, answer = service.ask("GET", f"{path}/snapshot")
        seen = json.loads(answer) if status == 200 else {}
        return seen.get("threads", 0), seen.get("memory", {}).get("limit")

    until("it runs", lambda: now() == (1, None))
    assert service.ask("POST", "/api/v1/jobs", {"work": {**work, "memory": "5"}})[0] == 422
    assert service.ask("PATCH", path, {"memory": "1MiB"})[0] == 200
    until("it says that this is too little", lambda: b"limits not changed: a memory limit of 1.00 MiB"
          in service.ask("GET", f"{path}/logs")[1])
    assert service.ask("PATCH", path, {"threads": 3, "memory": "1GiB"})[0] == 200
    until("it has more", lambda: now() == (3, 1 << 30))
    assert service.ask("PATCH", path, {"threads": 2, "memory": "700MiB"})[0] == 200
    until("it has less", lambda: now() == (2, 700 << 20))
    assert service.json("GET", path)["state"] == "running", "it was too short for this test"
    done = service.wait(job)
    assert (done["state"], done["launches"]) == ("completed", 1), done
    (folder / "long.yaml").write_text(recipe("out/alone.jsonl", "long.jsonl", steps))
    subprocess.run([wrasse, "run", "-q", "long.yaml"], cwd=folder, check=True)
    assert (folder / "out" / "long.jsonl").read_bytes() == (folder / "out" / "alone.jsonl").read_bytes()
    events = (folder / "out" / "long.wrasse" / "events.jsonl").read_text()
    assert events.count('"limits_changed"') >= 2


def test_every_job_ends_once_though_the_service_is_killed_again_and_again(
    wrasse: Path, tmp_path: Path
) -> None:
    """Kills the service at random moments while commands, runs and submissions go on."""
    kills = int(os.environ.get("KILLS", "5"))
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    marks = tmp_path / "marks"
    marks.mkdir()
    rows(tmp_path / "rows.jsonl", 20_000)
    flags = ("--max-concurrent", str(SLOTS))
    process, service = start(wrasse, tmp_path, *flags)
    wanted: dict[str, dict] = {}
    try:
        for round in range(kills):
            until_s = time.monotonic() + chance.uniform(0.2, 1.5)
            while time.monotonic() < until_s:
                name = f"k{round}-{len(wanted)}"
                if chance.random() < 0.1:
                    work = {"kind": "run", "recipe": recipe(f"out/{name}.jsonl"), "threads": 1}
                else:
                    line = f"echo x >> {marks}/{name}; sleep {chance.uniform(0, 0.3):.2f}"
                    work = {"kind": "command", "shell": line}
                # What was answered is safe; what was not is asked again under its name.
                wanted[name] = {"id": name, "work": work}
                assert service.ask("POST", "/api/v1/jobs", wanted[name])[0] == 201
                time.sleep(chance.uniform(0, 0.05))
            process.kill()
            process.wait()
            process, service = start(wrasse, tmp_path, *flags)
        for name in wanted:
            done = service.wait(name)
            assert done["state"] == "completed" and done["attempts"] == 1, done
            finals = [step for step in service.json("GET", f"/api/v1/jobs/{name}/history")["history"]
                      if step["state"] in ("completed", "failed", "cancelled")]
            assert len(finals) == 1, (name, finals)
            if "shell" in wanted[name]["work"]:
                assert (marks / name).read_text() == "x\n", name
            else:
                lines = (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()
                assert len(lines) == 16_000, (name, len(lines))
        assert service.json("GET", "/api/v1/statistics")["total"] == len(wanted)
    finally:
        end_all(service, tmp_path)
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def test_a_run_goes_on_from_its_last_commit_when_all_processes_were_killed(
    wrasse: Path, tmp_path: Path
) -> None:
    rows(tmp_path / "rows.jsonl", 1_500_000)
    steps = "".join(f"  - text_length_filter:\n      min_len: {n % 8}\n" for n in range(96))
    process, service = start(wrasse, tmp_path)
    job = service.submit({"kind": "run", "recipe": recipe("out.jsonl", steps=steps), "threads": 1})
    live = tmp_path / "state" / "jobs" / job / "1"
    manifest = tmp_path / "out.wrasse" / "manifest.jsonl"
    # A header and a commit: from here on there is something to go on from.
    until("a commit", lambda: manifest.exists() and manifest.read_text().count("\n") >= 2)
    pids = [json.loads((live / name).read_text())["pid"] for name in ("started", "child")]
    for pid in [process.pid, *pids]:
        os.kill(pid, signal.SIGKILL)
    process.wait()
    until("all are gone", lambda: not any(map(is_alive, pids)))
    with serve(wrasse, tmp_path) as service:
        done = service.wait(job)
        assert done["state"] == "completed", done
        assert (done["attempts"], done["launches"]) == (1, 2), done
        report = service.json("GET", f"/api/v1/jobs/{job}/report")
        assert report["resumed"] and report["rows"]["out"] == 1_200_000, report
    with (tmp_path / "out.jsonl").open() as file:
        assert sum(1 for _ in file) == 1_200_000


def test_under_load_no_more_run_than_may_and_none_is_lost(wrasse: Path, tmp_path: Path) -> None:
    seen = load(wrasse, tmp_path, seconds=3, rate=50, slots=8)
    print(json.dumps(seen))
    assert seen["submitted"] == seen["processes"] == seen["statistics"]["completed"] == 150
    assert seen["most_at_once"] <= 8


def test_the_description_is_true(wrasse: Path, tmp_path: Path) -> None:
    """Schemathesis calls every route with what is allowed and what is not."""
    with serve(wrasse, tmp_path, "--rate", "100000", "--grace", "1") as service:
        describe(service, tmp_path)


def describe(service: Service, tmp_path: Path) -> None:
    command = [
        Path(sys.executable).with_name("schemathesis"), "run",
        f"http://127.0.0.1:{service.port}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {TOKEN}",
        # A recipe may be wrong in ways that no schema can say, and a command has no snapshot.
        "--exclude-checks", "positive_data_acceptance,ensure_resource_availability",
        # Streams do not end, and waits last.
        "--exclude-path-regex", "/events$|/wait$",
        "--max-examples", os.environ.get("EXAMPLES", "15"), "--seed", "7", "--no-color",
        "--phases", "coverage,fuzzing,stateful", "--request-timeout", "60",
    ]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
