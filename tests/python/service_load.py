"""A service under load: submissions at a steady rate, while others look.

Run by hand, for the figures; `test_service.py` runs a short one.

    python tests/python/service_load.py --seconds 30 --rate 200
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from service import Service, serve


def resident_bytes(pid: int) -> int:
    """The resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def most_at_once(folder: Path) -> tuple[int, int]:
    """From the processes' own records: how many ran, and how many at once."""
    moments: list[tuple[int, int]] = []
    for record in folder.iterdir():
        began, ended = map(int, record.read_text().split())
        moments += [(began, 1), (ended, -1)]
    running = most = 0
    # An end and a beginning at the same moment: the end came first.
    for _, step in sorted(moments):
        running += step
        most = max(most, running)
    return len(moments) // 2, most


def look(port: int, token: str, pid: int, rate: float, told: Connection) -> None:
    """Asks for one job after the other, until all is done."""
    service = Service(port, token)
    reads: list[float] = []
    # Of what takes no work at all: what the machine itself makes us wait.
    bare: list[float] = []
    memory = [resident_bytes(pid)]
    n_reads = 0
    service.ask("GET", "/health")
    told.send("ready")
    began = time.monotonic()
    while True:
        if told.poll():
            if told.recv() == "done":
                break
            n_reads = len(reads)
        so_far = max(1, int((time.monotonic() - began) * rate))
        asked = time.perf_counter()
        status, _ = service.ask("GET", f"/api/v1/jobs/load-{len(reads) * 7 % so_far}")
        reads.append(time.perf_counter() - asked)
        assert status in (200, 404)
        memory.append(resident_bytes(pid))
        time.sleep(0.005)
        asked = time.perf_counter()
        service.ask("GET", "/health")
        bare.append(time.perf_counter() - asked)
    told.send((reads, bare, n_reads, memory))


def load(program: Path, folder: Path, seconds: float, rate: float, slots: int) -> dict[str, Any]:
    """Submits, looks, waits until all is done; what was seen."""
    records = folder / "records"
    records.mkdir()
    # `date` of the shell: the process says itself when it ran.
    line = 'b=$(date +%s%N); sleep 0.01; echo "$b $(date +%s%N)" > "$0/$WRASSE_JOB_ID"'
    argv = ["/bin/sh", "-c", line, str(records)]
    with serve(program, folder, "--max-concurrent", str(slots), "--rate", "100000") as service:
        assert service.pid
        total = int(seconds * rate)
        submitted: list[int] = []

        def submit(first: int, step: int) -> None:
            own = Service(service.port, service.token, service.pid)
            for i in range(first, total, step):
                time.sleep(max(0.0, began + i / rate - time.monotonic()))
                body = {"id": f"load-{i}", "work": {"kind": "command", "argv": argv}}
                status, _ = own.ask("POST", "/api/v1/jobs", body)
                submitted.append(status)

        senders = [threading.Thread(target=submit, args=(n, 4)) for n in range(4)]
        # A process of its own: what is measured is the service, not our own threads.
        ours, theirs = multiprocessing.Pipe()
        looker = multiprocessing.get_context("spawn").Process(
            target=look, args=(service.port, service.token, service.pid, rate, theirs)
        )
        looker.start()
        assert ours.recv() == "ready"
        began = time.monotonic()
        for thread in senders:
            thread.start()
        for thread in senders:
            thread.join()
        sent_s = time.monotonic() - began
        ours.send("sent")
        while service.json("GET", "/api/v1/statistics")["completed"] < total:
            time.sleep(0.2)
        done_s = time.monotonic() - began
        ours.send("done")
        reads, bare, n_reads, memory = ours.recv()
        looker.join()
        n, most = most_at_once(records)
        while_sending, bare = sorted(reads[:n_reads]), sorted(bare[:n_reads])
        return {
            "submitted": submitted.count(201),
            "submissions_per_second": round(len(submitted) / sent_s, 1),
            "all_done_s": round(done_s, 1),
            "statistics": service.json("GET", "/api/v1/statistics"),
            "processes": n,
            "most_at_once": most,
            "reads": n_reads,
            "read_ms_p50": round(while_sending[n_reads // 2] * 1e3, 2),
            "read_ms_p99": round(while_sending[n_reads * 99 // 100] * 1e3, 2),
            "bare_ms_p99": round(bare[len(bare) * 99 // 100] * 1e3, 2),
            "memory_mib": {
                "at_first": round(memory[0] / 2**20, 1),
                "after_a_third": round(memory[len(memory) // 3] / 2**20, 1),
                "at_last": round(memory[-1] / 2**20, 1),
                "most": round(max(memory) / 2**20, 1),
            },
        }


def main() -> None:
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, default=Path("target/debug/wrasse"))
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--slots", type=int, default=8)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = args.program.resolve()
        seen = load(program, Path(folder), args.seconds, args.rate, args.slots)
    print(json.dumps(seen, indent=2))


if __name__ == "__main__":
    main()
