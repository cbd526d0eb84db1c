"""What the tests share: the program, and servers on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import postgres
import pytest
from ports import free_port

ROOT = Path(__file__).resolve().parents[2]

# The package as it lies here, built or not.
sys.path.insert(0, str(ROOT / "python"))

# A server starts in about a second; a loaded machine may take much longer.
START_SECONDS = 60


@pytest.fixture(scope="session")
def wrasse() -> Path:
    """The program: `$WRASSE`, or what `cargo build` made."""
    program = Path(os.environ.get("WRASSE", ROOT / "target" / "debug" / "wrasse"))
    assert program.is_file(), f"{program} is missing; run `cargo build` first"
    return program.resolve()


@contextmanager
def server(*command: str | Path) -> Iterator[str]:
    """Runs `command PORT` with a free port until the block ends; yields its address."""
    port = free_port()
    process = subprocess.Popen(
        [*map(str, command), str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(process, address)
        yield address
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def wait_until_it_answers(process: subprocess.Popen, address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"no answer from {address} after {START_SECONDS} s")


class Bucket:
    """A bucket of an S3 server, and the environment that leads to it."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.endpoint = endpoint
        self.name = name
        self.env = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
        self.client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        )
        self.client.create_bucket(Bucket=name)

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def keys(self, prefix: str) -> list[str]:
        listing = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return sorted(entry["Key"] for entry in listing.get("Contents", []))


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 server."""
    with server(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p") as address:
        yield address


@pytest.fixture
def bucket(s3: str, request: pytest.FixtureRequest) -> Bucket:
    """A bucket for this test alone."""
    return Bucket(s3, request.node.name.replace("_", "-")[:50].strip("-"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as users get it, but for the profile: of what the other tests built.

    `$WRASSE_WHEEL`, if it is set.
    """
    if "WRASSE_WHEEL" in os.environ:
        return Path(os.environ["WRASSE_WHEEL"])
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "maturin", "build", "--profile", "dev", "--locked"]
    built = subprocess.run(
        [*command, "--out", folder], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def engine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The engine of the wheel, for the package as it lies here."""
    import wrasse as package

    folder = tmp_path_factory.mktemp("engine")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".so"))
        archive.extract(name, folder)
    package.__path__.append(str((folder / name).parent))


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """A PostgreSQL server; without one installed, what asks for it is skipped."""
    programs = postgres.find_server()
    if programs is None:
        pytest.skip("no PostgreSQL is installed (Debian: apt install postgresql)")
    with postgres.running(programs, tmp_path_factory.mktemp("postgres") / "server") as found:
        yield found
