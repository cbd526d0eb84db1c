"""A PostgreSQL server on this machine, of Debian's packages, in a folder of its own.

It refuses to run as root, and then gets the user that its package made. Queries go
through `psql`, so that Python needs no package for them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ports import free_port

# A server starts in about a second; a loaded machine may take much longer.
START_SECONDS = 120

# DataMate's tables as far as results touch them, in PostgreSQL's words.
TABLES = """
CREATE TABLE t_dm_datasets (
    id VARCHAR(36) PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    dataset_type VARCHAR(50) NOT NULL,
    size_bytes BIGINT DEFAULT 0,
    file_count BIGINT DEFAULT 0
);
CREATE TABLE t_dm_dataset_files (
    id VARCHAR(36) PRIMARY KEY,
    dataset_id VARCHAR(36) NOT NULL REFERENCES t_dm_datasets(id) ON DELETE CASCADE,
    file_name VARCHAR(255) NOT NULL,
    file_path VARCHAR(1000) NOT NULL,
    file_type VARCHAR(50),
    file_size BIGINT DEFAULT 0,
    status VARCHAR(50) DEFAULT 'ACTIVE',
    upload_time TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    last_access_time TIMESTAMP NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE t_clean_task (
    id VARCHAR(64) PRIMARY KEY,
    name VARCHAR(64) UNIQUE,
    status VARCHAR(256),
    before_size BIGINT,
    after_size BIGINT,
    file_count INTEGER,
    started_at TIMESTAMP,
    finished_at TIMESTAMP
);
CREATE TABLE t_clean_result (
    instance_id VARCHAR(64),
    src_file_id VARCHAR(64),
    dest_file_id VARCHAR(64),
    src_name VARCHAR(256),
    dest_name VARCHAR(256),
    src_type VARCHAR(256),
    dest_type VARCHAR(256),
    src_size BIGINT,
    dest_size BIGINT,
    status VARCHAR(256),
    result TEXT,
    PRIMARY KEY (instance_id, dest_file_id)
);
"""


def find_server() -> Path | None:
    """The folder of `initdb` and `postgres`: Debian keeps it off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found and shutil.which("psql"):
        return found[-1].parent
    return None


class Database:
    """A database of a running server."""

    def __init__(self, port: int, name: str) -> None:
        self.port = port
        self.address = f"postgres://tester:secret@127.0.0.1:{port}/{name}"

    def sql(self, text: str) -> list[list[str]]:
        """Runs SQL; gives the rows, values as text."""
        done = subprocess.run(
            ["psql", "-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.address],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]


class Server:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def database(self, name: str) -> Database:
        """A new database."""
        Database(self.port, "postgres").sql(f'CREATE DATABASE "{name}"')
        return Database(self.port, name)


@contextmanager
def running(programs: Path, folder: Path) -> Iterator[Server]:
    """Runs a server until the block ends. `folder`: for its data; made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        # The user must be able to come here.
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
    data, secret = folder / "data", folder / "secret"
    secret.write_text("secret\n")
    secret.chmod(0o644)
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    subprocess.run(
        [*as_user, programs / "initdb", "-D", data, "-U", "tester", "--pwfile", secret]
        + ["-A", "scram-sha-256", "-E", "UTF8", "--no-sync"],
        cwd=folder,
        env=env,
        check=True,
        capture_output=True,
        timeout=START_SECONDS,
    )
    port = free_port()
    settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}"]
    settings += ["fsync=off", "max_connections=20"]
    flags = [part for setting in settings for part in ("-c", setting)]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*as_user, programs / "postgres", "-D", data, *flags],
            cwd=folder,
            env=env,
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(
            ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False
        ).returncode:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield Server(port)
    finally:
        # Fast shutdown: sessions are ended.
        process.send_signal(2)
        process.wait(START_SECONDS)
