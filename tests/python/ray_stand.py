"""A cluster of Ray on this machine, and runs on it.

Everything listens on loopback addresses only.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ports import free_port

from wrasse.ray import private

# Read by Ray when it is imported, here and in every process that is started.
SETTINGS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Whoever can reach a loopback address of this machine is this test.
    "RAY_AUTH_MODE": "disabled",
}

# Ray reads them at its first import, which may be any test's.
os.environ.update(SETTINGS)

STORE_BYTES = 128 << 20
RUN_SECONDS = 150


class Nodes:
    """A cluster of raylets, all on this machine."""

    def __init__(self, scratch: Path, cpus: int = 2, dashboard: bool = False) -> None:
        from ray.cluster_utils import Cluster

        head = {
            "num_cpus": cpus,
            "node_ip_address": "127.0.0.1",
            "object_store_memory": STORE_BYTES,
            "include_dashboard": dashboard,
            "dashboard_host": "127.0.0.1",
            # Who takes jobs would share its usual port with other clusters' here.
            "dashboard_agent_listen_port": free_port(),
            "temp_dir": str(scratch),
            "_system_config": {
                "health_check_period_ms": 500,
                "health_check_failure_threshold": 3,
                "health_check_timeout_ms": 1000,
                "health_check_initial_delay_ms": 0,
            },
        }
        if dashboard:
            # Those it takes by itself are fixed, and another cluster on this machine may have them.
            head |= {"dashboard_port": free_port(), "dashboard_agent_listen_port": free_port()}
        # As a Ray that a run starts for itself; each of the others takes a second to start.
        with contextlib.nullcontext() if dashboard else private.few_processes():
            self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address = self.cluster.address
        # `ray start` does this: without it, a job is sent to any Ray of this machine,
        # such as that of another test.
        (scratch / "ray_current_cluster").write_text(self.address)
        self.jobs = f"http://{self.cluster.head_node.webui_url}" if dashboard else None

    def add(self, cpus: int = 1, **options):
        """Another node."""
        return self.cluster.add_node(
            num_cpus=cpus, object_store_memory=STORE_BYTES, **options
        )

    @contextmanager
    def more(self, cpus: int = 1, **options) -> Iterator[Any]:
        """Another node, for the time of a block or until it is killed."""
        node = self.add(cpus, **options)
        try:
            yield node
        finally:
            if node in self.cluster.worker_nodes:
                self.kill(node)

    def kill(self, node) -> None:
        """Takes a node away as a power cut does."""
        self.cluster.remove_node(node, allow_graceful=False)


@contextmanager
def nodes(
    package: Path | None, cpus: int = 2, dashboard: bool = False
) -> Iterator[Nodes]:
    """A cluster until the block ends, with this package on its nodes."""
    # The names of sockets in it must be short.
    scratch = Path(tempfile.mkdtemp(prefix="wr-", dir="/tmp"))
    patch = pytest.MonkeyPatch()
    # Where Ray notes which cluster is the current one.
    patch.setenv("RAY_TMPDIR", str(scratch))
    (scratch / "ray").mkdir()
    # Jobs start `python`: this one.
    patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if package is None:
        patch.delenv("PYTHONPATH", raising=False)
    else:
        patch.setenv("PYTHONPATH", str(package))
    made = None
    try:
        made = Nodes(scratch, cpus, dashboard)
        yield made
    finally:
        patch.undo()
        if made is not None:
            made.cluster.shutdown()
        else:
            for pid in processes(str(scratch)):
                kill(pid)
        wait_for(lambda: not processes(str(scratch)), 20)
        shutil.rmtree(scratch, ignore_errors=True)


HEAD = "f" * 51 + "00000"


@contextmanager
def growing(package: Path, node: dict[str, float]) -> Iterator[str]:
    """A cluster of a head with one processor, whose autoscaler adds such a node when it is
    asked for; its address. The nodes are raylets of this machine.

    (Ray's own `AutoscalingCluster` ends all of Ray on the machine when it starts.)
    """
    scratch = Path(tempfile.mkdtemp(prefix="wr-", dir="/tmp"))
    (scratch / "ray").mkdir()
    address = f"127.0.0.1:{free_port()}"
    node_types = {
        "head": {"resources": {"CPU": 1}, "node_config": {}, "max_workers": 0},
        "more": {
            "resources": {**node, "object_store_memory": STORE_BYTES},
            "node_config": {}, "min_workers": 0, "max_workers": 1,
        },
    }
    lists = [
        "setup_commands", "initialization_commands", "head_setup_commands",
        "worker_setup_commands", "head_start_ray_commands", "worker_start_ray_commands",
        "cluster_synced_files", "rsync_exclude", "rsync_filter",
    ]
    config = {
        "cluster_name": "growing", "max_workers": 1, "upscaling_speed": 100.0,
        "idle_timeout_minutes": 5,
        "provider": {
            "type": "fake_multinode", "gcs_address": address, "head_node_id": HEAD,
            "disable_node_updaters": True, "disable_launch_config_check": True,
            "foreground_node_launch": True,
        },
        "available_node_types": node_types, "head_node_type": "head",
        **{name: {} for name in ["head_node", "auth", "docker", "file_mounts"]},
        **{name: [] for name in lists},
    }
    (scratch / "config.yaml").write_text(json.dumps(config))
    env = {
        **os.environ, **SETTINGS, "RAY_TMPDIR": str(scratch), "PYTHONPATH": str(package),
        "RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    }
    command = [
        Path(sys.executable).with_name("ray"), "start", "--head", "--num-cpus=1",
        "--node-ip-address=127.0.0.1", f"--port={address.rpartition(':')[2]}",
        "--include-dashboard=false", f"--object-store-memory={STORE_BYTES}",
        f"--autoscaling-config={scratch}/config.yaml", f"--temp-dir={scratch}",
    ]
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        # (It has looked at the nodes.)
        wait_for(lambda: b'"head"' in (told(address, b"__autoscaling_status") or b""), 60)
        yield address
    finally:
        for pid in processes(str(scratch)):
            kill(pid)
        wait_for(lambda: not processes(str(scratch)), 20)
        shutil.rmtree(scratch, ignore_errors=True)


def told(address: str, key: bytes) -> bytes | None:
    """What is kept under this key in a cluster."""
    from ray._raylet import GcsClient

    return GcsClient(address=address).internal_kv_get(key, None)


class Bench:
    """Where runs take place: a folder, the program, the engine for its workers."""

    def __init__(self, folder: Path, program: Path, package: Path) -> None:
        self.folder = folder
        self.program = program
        self.env = {**os.environ, **SETTINGS, "PYTHONPATH": str(package)}
        self.env.pop("RAY_TMPDIR", None)

    def start(
        self, *args: str | Path, stdin: str | None = None, deaf: bool = False
    ) -> subprocess.Popen:
        """Starts the program; `stdin` is what it reads from its standard input; `deaf`: it
        is told to ignore interrupts."""
        given = subprocess.DEVNULL
        if stdin is not None:
            # Not a pipe: it would have to be filled while the program runs.
            given = tempfile.TemporaryFile()
            given.write(stdin.encode())
            given.seek(0)
        return subprocess.Popen(
            [self.program, *map(str, args)],
            cwd=self.folder,
            env=self.env,
            stdin=given,
            preexec_fn=ignore_interrupts if deaf else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self, process: subprocess.Popen) -> subprocess.CompletedProcess:
        """Waits for its end."""
        try:
            out, err = process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"no end after {RUN_SECONDS} s:\n{err}") from None
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def run(self, *args: str | Path, code: int = 0) -> subprocess.CompletedProcess:
        """Runs the program to its end, which must be with this exit code."""
        done = self.wait(self.start(*args))
        assert done.returncode == code, f"{args}: {done.returncode}\n{done.stderr}"
        return done

    def ray(self, address: str) -> list[str]:
        """The flags of a run on a cluster."""
        return ["--backend=ray", f"--ray-address={address}", f"--ray-python={sys.executable}"]

    def commits(self) -> int:
        """How often a run has made sure of its output so far."""
        manifests = list(self.folder.rglob("*.wrasse/manifest.jsonl"))
        return manifests[0].read_text().count('{"commit"') if manifests else 0

    def snapshots(self) -> list[dict]:
        """What a run has told of itself, look by look."""
        lines = next(self.folder.rglob("*.wrasse/events.jsonl")).read_text().splitlines()
        return [event["snapshot"] for event in map(json.loads, lines) if "snapshot" in event]

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def processes(part: str) -> list[int]:
    """The processes whose command line has `part` in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if part in line and state != "Z":
            found.append(int(entry.name))
    return found


def wait_for(condition: Callable[[], object], seconds: float) -> object:
    """Waits until something holds; fails if it does not in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"nothing after {seconds} s"
        time.sleep(0.02)
    return value


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def gateway_of(process: subprocess.Popen) -> int:
    """The gateway of a run."""

    def find() -> list[int]:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        ours = processes("wrasse.ray.gateway")
        return [int(child) for child in children if int(child) in ours]

    return wait_for(find, 30)[0]


def scratch_of(gateway: int) -> str:
    """The name of the folder of the Ray that a gateway starts."""

    def find() -> str | None:
        for pid in processes("wrasse-ray-"):
            with contextlib.suppress(OSError):
                parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == gateway:
                    line = Path(f"/proc/{pid}/cmdline").read_text()
                    return "wrasse-ray-" + line.partition("wrasse-ray-")[2][:6]
        return None

    return wait_for(find, 60)
