"""`cargo xtask bench ray`: what Ray costs, beside Ray Data and the threads.

Usage: ray_bench.py PROGRAM ENGINE PACKAGE RECIPE PART INPUT

ENGINE is the extension module, PACKAGE the folder with the Python package; PART is an input
like INPUT, but smaller. Prints JSON.
One cluster of two processors on the loopback interface serves all rows. Costs of a task are
slopes: of two runs that differ in nothing but the number of tasks, the difference of the
driver's processor time (with the gateway's) divided by that of the numbers.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_AUTH_MODE"] = "disabled"
# Ray and its workers are to have bytecode, as `pip install` leaves it, or the first of them
# writes it. Each process would otherwise compile Ray anew, which takes it longer than all else.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

CPUS = 2
FEW, MANY = 200, 1200
ROUNDS = 3
ROW = json.dumps({"text": "low tide at the harbor " * 8}) + "\n"

RAY_DATA = """
import sys, time, resource, ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="error")
import ray.data
ray.data.DataContext.get_current().enable_progress_bars = False
def run(n):
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    ray.data.range(n, override_num_blocks=n).map_batches(lambda b: b, batch_size=None).materialize()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.monotonic() - began
run(10)
print("ROW", *[value for n in map(int, sys.argv[2:]) for value in run(n)])
"""

# The worker, saying when it works.
TRACE = """
import time
_run, _stream = run, stream

def _note(began):
    with open(f"{_TRACE}/{os.getpid()}", "a") as file:
        file.write(f"{began} {time.monotonic()}\\n")

def run(*args):
    began = time.monotonic()
    try:
        return _run(*args)
    finally:
        _note(began)

def stream(*args):
    began = time.monotonic()
    yield from _stream(*args)
    _note(began)
"""


def main() -> None:
    program, engine, package, recipe, part, source = (Path(arg).resolve() for arg in sys.argv[1:])
    scratch = Path(tempfile.mkdtemp(prefix="wb-", dir="/tmp"))
    (scratch / "ray").mkdir()
    (scratch / "trace").mkdir()
    shutil.copytree(package / "wrasse", scratch / "package" / "wrasse")
    (scratch / "package" / "wrasse" / "_engine.abi3.so").symlink_to(engine.resolve())
    os.environ["PYTHONPATH"] = str(scratch / "package")
    os.environ["RAY_TMPDIR"] = str(scratch)
    from ray.cluster_utils import Cluster

    head = {
        "num_cpus": CPUS, "node_ip_address": "127.0.0.1", "include_dashboard": False,
        "object_store_memory": 256 << 20, "temp_dir": str(scratch),
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    flags = [
        "--quiet", "--no-html", "--restart", "--overwrite", "--backend=ray",
        f"--ray-address={cluster.address}", f"--ray-python={sys.executable}",
    ]
    bench = Bench(program, scratch, flags)
    try:
        print(json.dumps({
            "cpus": CPUS,
            "tasks": {"few": FEW, "many": MANY, "rounds": ROUNDS},
            "wrasse": bench.per_task(),
            "ray_data": ray_data(cluster.address),
            "job": bench.jobs(recipe, (part, source), "job.jsonl"),
            "job_in_parts": bench.jobs(recipe, (part, source), "job/"),
            "job_as_on_nodes": bench.jobs(recipe, (part, source), "job/", "--ray-polling"),
            "reaction": bench.reaction(),
        }))
    finally:
        cluster.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)


def slope(few: tuple[float, ...], many: tuple[float, ...]) -> dict:
    n = MANY - FEW
    row = {
        "driver_us_per_task": (many[0] - few[0]) / n * 1e6,
        "tasks_per_second": n / max(many[1] - few[1], 1e-9),
    }
    if len(few) > 2:
        row["gateway_us_per_task"] = (many[2] - few[2]) / n * 1e6
    return row


def middle(rows: list[dict]) -> dict:
    return {key: sorted(row[key] for row in rows)[len(rows) // 2] for key in rows[0]}


def ray_data(address: str) -> dict:
    rows = []
    for _ in range(ROUNDS):
        command = [sys.executable, "-c", RAY_DATA, address, str(FEW), str(MANY)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("ROW")]
        if not told:
            return {"missing": (done.stderr.strip().splitlines() or ["no word"])[-1]}
        few_cpu, few_s, many_cpu, many_s = map(float, told[0])
        rows.append(slope((few_cpu, few_s), (many_cpu, many_s)))
    return middle(rows)


class Bench:
    def __init__(self, program: Path, scratch: Path, flags: list[str]) -> None:
        self.program, self.scratch, self.flags = program, scratch, flags

    def run(self, recipe: Path | str, *flags: str) -> tuple[float, float]:
        """Processor time of the program and what it has started, and wall time."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        command = [self.program, "run", recipe, *flags]
        done = subprocess.run(command, cwd=self.scratch, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{command}:\n{done.stderr}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return cpu, time.monotonic() - began

    def recipe(self, name: str, source: str, steps: str) -> str:
        path = self.scratch / f"{name}.yaml"
        path.write_text(f"dataset_path: {source}\nexport_path: {name}.jsonl\nprocess:\n{steps}\n")
        return str(path)

    def per_task(self) -> dict:
        """A split of each row, a task of each split."""
        rows, times = [], {}
        split = [f"--set=split_bytes={len(ROW)}", f"--ray-task-bytes={len(ROW)}"]
        for _ in range(ROUNDS):
            for n in (FEW, MANY):
                (self.scratch / f"{n}.jsonl").write_text(ROW * n)
                step = "  - text_length_filter: {min_len: 1}"
                recipe = self.recipe(f"tasks-{n}", f"{n}.jsonl", step)
                with Watched(is_gateway) as gateway:
                    cpu, wall = self.run(recipe, *self.flags, *split)
                times[n] = (cpu, wall, gateway.seconds())
            rows.append(slope(times[FEW], times[MANY]))
        return middle(rows)

    def jobs(self, recipe: Path, sources: tuple[Path, Path], output: str, *flags: str) -> dict:
        """The job of eight steps, whole, and without what it costs to begin: the difference
        of two inputs. A folder gets parts: on one small node whose workers stream they are
        written by the driver, which reads objects in the gateway's memory, unless it is
        polling; then by workers, as where there are more nodes."""
        few, whole = (self.job(recipe, source, output, *flags) for source in sources)
        mb = whole["mb"] - few["mb"]

        def more(*keys: str) -> float:
            values = [whole, few]
            for key in keys:
                values = [value[key] for value in values]
            return values[0] - values[1]

        return {
            **whole,
            "begun": {
                "ratio": more("ray", "cpu_s") / more("threads", "cpu_s"),
                "driver_s_per_gb": more("ray", "driver_cpu_s") / mb * 1e3,
                "work_s_per_gb": more("threads", "cpu_s") / mb * 1e3,
                "out_share": more("mb_out") / mb,
            },
        }

    def job(self, recipe: Path, source: Path, output: str, *flags: str) -> dict:
        """Processor time of all processes."""
        out = self.scratch / output
        slash = "/" if output.endswith("/") else ""
        sets = [f"--set=dataset_path={source.resolve()}", f"--set=export_path={out}{slash}"]
        local, local_s = self.run(
            recipe.resolve(), "--quiet", "--no-html", "--restart", "--overwrite", "-j2", *sets
        )
        expected = contents(out)
        scratch = str(self.scratch)
        with Watched(lambda line: scratch in line and "wrasse" not in line.split("\0")[0]) as watched:
            driver, ray_s = self.run(recipe.resolve(), *self.flags, *flags, *sets)
        assert contents(out) == expected, "the backends differ"
        cluster = watched.seconds()
        return {
            "mb": source.stat().st_size / 1e6,
            "mb_out": sum(map(len, expected)) / 1e6,
            "threads": {"cpu_s": local, "s": local_s},
            "ray": {"cpu_s": driver + cluster, "driver_cpu_s": driver, "s": ray_s},
            "ratio": (driver + cluster) / local,
        }

    def reaction(self) -> dict:
        """Time from the end of a task to the start of the next on the same worker, while
        one long task runs beside short ones."""
        worker = self.scratch / "package" / "wrasse" / "ray" / "worker.py"
        trace = f"_TRACE = {str(self.scratch / 'trace')!r}\n"
        worker.write_text(worker.read_text() + trace + TRACE)
        (self.scratch / "long.jsonl.gz").write_bytes(gzip.compress((ROW * 12000).encode()))
        (self.scratch / "short.jsonl").write_text(ROW * 6000)
        bytes_ = f"{len(ROW) * 30}"
        step = '  - replace_content_mapper: {pattern: "[a-z].*(?<!x)#", repl: ""}'
        recipe = self.recipe("reaction", "[long.jsonl.gz, short.jsonl]", step)
        self.run(recipe, *self.flags, f"--set=split_bytes={bytes_}", f"--ray-task-bytes={bytes_}")
        spans = {}
        for path in (self.scratch / "trace").iterdir():
            lines = path.read_text().splitlines()
            spans[path.name] = sorted(tuple(map(float, line.split())) for line in lines)
        long = max((span for one in spans.values() for span in one), key=lambda s: s[1] - s[0])
        gaps = sorted(
            (after[0] - before[1]) * 1e3
            for one in spans.values()
            for before, after in zip(one, one[1:])
            if long[0] < before[1] and after[0] < long[1]
        )
        if not gaps:
            return {"missing": "no short task began while the long one ran"}
        return {
            "long_s": long[1] - long[0],
            "gaps": len(gaps),
            "p50_ms": gaps[len(gaps) // 2],
            "p90_ms": gaps[len(gaps) * 9 // 10],
        }


def contents(output: Path) -> list[bytes]:
    """The parts of an output, in order; one, if it is a file."""
    parts = sorted(output.glob("part-*")) if output.is_dir() else [output]
    return [part.read_bytes() for part in parts]


def ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while (pid := parents.get(pid, 0)) != 0:
        yield pid


def is_gateway(line: str) -> bool:
    return "wrasse.ray.gateway" in line


class Watched:
    """The processor time of some processes and of those that they have started, those that
    end on the way included."""

    def __init__(self, is_one: Callable[[str], bool]) -> None:
        self.is_one, self.seen, self.first = is_one, {}, {}
        self.stop = threading.Event()

    def __enter__(self) -> Watched:
        self.look()
        self.first = dict(self.seen)
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self.look()

    def follow(self) -> None:
        while not self.stop.wait(0.05):
            self.look()

    def look(self) -> None:
        tick, parents, times = os.sysconf("SC_CLK_TCK"), {}, {}
        roots = set()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            pid = int(entry.name)
            parents[pid] = int(fields[1])
            times[pid] = (int(fields[11]) + int(fields[12])) / tick
            if self.is_one(line):
                roots.add(pid)
        for pid in times:
            at = pid
            while at in parents and at not in roots:
                at = parents[at]
            # (Of others on this machine there may be such too.)
            if at in roots and os.getpid() in ancestors(at, parents):
                self.seen[pid] = times[pid]

    def seconds(self) -> float:
        return sum(cpu - self.first.get(pid, 0.0) for pid, cpu in self.seen.items())


if __name__ == "__main__":
    main()
