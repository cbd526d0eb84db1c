"""Whole runs handed to a cluster, by hand and by the service, and clusters that lack the
package."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ray_fixtures import bench, fill, local, package  # noqa: F401
from ray_stand import Bench, Nodes, nodes, processes, wait_for
from service import TOKEN, Service, end_all, start

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

RECIPE = """
dataset_path: {folder}/in
export_path: {folder}/out.jsonl
process:
  - replace_content_mapper: {{pattern: "{pattern}", repl: ""}}
  - text_length_filter: {{min_len: 60}}
  - document_deduplicator:
"""

SLOW = "[a-z].*(?<!x)#"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """A cluster that takes jobs, and whose nodes lack the package."""
    with nodes(None, dashboard=True) as made:
        yield made


def prepare(bench: Bench, pattern: str, n_rows: int) -> None:  # noqa: F811
    recipe = RECIPE.format(folder=bench.folder, pattern=pattern)
    fill(bench, recipe, n_rows=n_rows)


def test_workers_that_lack_the_package_are_told_or_given_it(
    bench: Bench, cluster: Nodes  # noqa: F811
) -> None:
    prepare(bench, "buoy", 200)
    expected = local(bench)
    ray = bench.ray(cluster.address)
    done = bench.run("run", "recipe.yaml", "--quiet", *ray, code=3)
    assert "the workers of the cluster lack the package `wrasse`" in done.stderr
    assert "--ray-ship" in done.stderr
    bench.run("run", "recipe.yaml", "--quiet", "--resume", "--ray-ship", *ray)
    assert bench.read("out.jsonl") == expected


def test_a_submitted_run_is_followed_to_its_end(
    bench: Bench, cluster: Nodes  # noqa: F811
) -> None:
    prepare(bench, "buoy", 200)
    expected = local(bench)
    submit = ["submit", "recipe.yaml", f"--address={cluster.jobs}", "--ray-ship"]
    submit.append(f"--ray-python={sys.executable}")
    done = bench.run(*submit)
    assert bench.read("out.jsonl") == expected
    assert "submitted raysubmit_" in done.stderr
    # The log of the run: its accounting.
    assert "800 in = " in done.stderr, done.stderr
    report = json.loads(bench.read("out.wrasse/report.json"))
    assert report["rows"]["in"] == 800
    done = bench.run(*submit, "--", "--max-rejects=lots", code=2)
    assert "--max-rejects" in done.stderr


def test_a_submitted_run_is_stopped(bench: Bench, cluster: Nodes) -> None:  # noqa: F811
    prepare(bench, SLOW, 20000)
    process = bench.start(
        "submit", "recipe.yaml", f"--address={cluster.jobs}", "--ray-ship",
        f"--ray-python={sys.executable}", "--", "--ray-task-bytes=128KiB",
        # As a shell does with what it starts in the background.
        deaf=True,
    )
    manifest = Path(bench.folder / "out.wrasse" / "manifest.jsonl")
    wait_for(lambda: manifest.exists(), 60)
    process.send_signal(signal.SIGINT)
    done = bench.wait(process)
    assert done.returncode == 130, done.stderr
    assert "was stopped" in done.stderr, done.stderr
    assert not processes(str(bench.folder)), "the run is still there"
    assert not (bench.folder / "out.jsonl").exists()


def test_a_second_interrupt_gives_up_at_once(bench: Bench) -> None:  # noqa: F811
    bench.write("recipe.yaml", RECIPE.format(folder=bench.folder, pattern="buoy"))
    bench.write("in/a.jsonl", "")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        process = bench.start(
            "submit", "recipe.yaml", f"--address=http://127.0.0.1:{port}",
            f"--ray-python={sys.executable}",
        )
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert process.poll() is None, "one interrupt asks to stop"
            process.send_signal(signal.SIGINT)
            done = bench.wait(process)
    assert done.returncode == 130, done.stderr
    assert "given up" in done.stderr


def ray_log(service: Service, job: str) -> str:
    return service.ask("GET", f"/api/v1/jobs/{job}/logs?limit=4194304")[1].decode()


def serve_on(cluster: Nodes, wrasse: Path, folder: Path) -> tuple[subprocess.Popen[str], Service]:
    return start(wrasse, folder, f"--ray-address={cluster.jobs}")


def test_a_job_of_the_service_is_found_again_and_not_submitted_twice(
    cluster: Nodes, wrasse: Path, tmp_path: Path
) -> None:
    marks, go = tmp_path / "marks", tmp_path / "go"
    line = f"echo 'häfen'; echo x >> {marks}; while [ ! -e {go} ]; do sleep 0.2; done; echo end"
    process, service = serve_on(cluster, wrasse, tmp_path)
    try:
        done = subprocess.run(
            [wrasse, "task", f"--url=http://127.0.0.1:{service.port}", "submit", "--ray",
             "--id=r", "--", "sh", "-c", line],
            env={**os.environ, "WRASSE_TOKEN": TOKEN}, capture_output=True, text=True,
        )
        assert (done.returncode, done.stdout) == (0, "r\n"), done.stderr
        wait_for(marks.exists, 120)
        wait_for(lambda: "häfen" in ray_log(service, "r"), 30)
        # All of ours on this machine is gone; the cluster's job is not.
        process.kill()
        process.wait()
        for pid in [*processes(f"keep {tmp_path}"), *processes(f"follow-ray-job {tmp_path}")]:
            os.kill(pid, signal.SIGKILL)
        process, service = serve_on(cluster, wrasse, tmp_path)
        wait_for(lambda: service.json("GET", "/api/v1/jobs/r")["launches"] == 2, 30)
        go.touch()
        ended = service.wait("r")
        assert (ended["state"], ended["attempts"]) == ("completed", 1), ended
        assert ended["result"]["status"] == "SUCCEEDED"
        assert marks.read_text() == "x\n"
        said = ray_log(service, "r").splitlines()
        assert said.count("häfen") == 1 and said[-1] == "end"
    finally:
        end_all(service, tmp_path)
        process.terminate()
        process.wait()


def test_jobs_of_the_service_fail_stall_and_are_stopped(
    cluster: Nodes, wrasse: Path, tmp_path: Path
) -> None:
    process, service = serve_on(cluster, wrasse, tmp_path)
    try:
        work = {"kind": "ray_job", "metadata": {"of": "a test"}}
        fails = service.submit({**work, "entrypoint": "echo why; exit 3"})
        stalls = service.submit({**work, "entrypoint": "sleep 999", "stall_s": 3})
        stopped = service.submit({**work, "entrypoint": "echo begun; sleep 999"})
        wrong = service.submit({**work, "entrypoint": "true", "runtime_env": {"pip": 7}})
        elsewhere = {**work, "entrypoint": "true", "address": "http://127.0.0.1:1"}
        status, answer = service.ask("POST", "/api/v1/jobs", {"work": elsewhere})
        assert status == 403 and cluster.jobs in answer.decode()
        ended = service.wait(wrong)
        assert ended["state"] == "failed" and "runtime_env" in ended["error"], ended
        ended = service.wait(fails)
        assert ended["state"] == "failed" and "exit code 3" in ended["error"], ended
        assert "why" in ray_log(service, fails)
        wait_for(lambda: "begun" in ray_log(service, stopped), 120)
        status, answer = service.ask("POST", f"/api/v1/jobs/{stopped}/hold")
        assert status == 409 and b"cannot rest" in answer
        service.json("POST", f"/api/v1/jobs/{stopped}/cancel")
        ended = service.wait(stopped)
        assert (ended["state"], ended["result"]["status"]) == ("cancelled", "STOPPED"), ended
        ended = service.wait(stalls)
        assert ended["state"] == "failed" and "stalled" in ended["error"], ended
        assert ended["result"]["status"] == "STOPPED"
        assert not processes("sleep 999")
    finally:
        end_all(service, tmp_path)
        process.terminate()
        process.wait()
