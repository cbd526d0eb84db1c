"""Runs from and to an S3 server, and from a web server, on this machine.

What comes out must be what a run on local files gives, byte for byte.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from conftest import ROOT, Bucket, server

PAGES = (ROOT / "examples" / "web-text" / "pages.jsonl").read_bytes()

# The reject file names sources, which differ between a local run and one on a
# store; so only outputs are compared, and the reports' numbers.
RECIPE = """
dataset_path: {input}
export_path: {output}
{more}
process:
  - fix_unicode_mapper:
  - clean_links_mapper:
  - text_length_filter:
      min_len: 50
  - document_deduplicator:
"""


def write_recipe(folder: Path, source: str, output: str, more: str = "") -> Path:
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(input=source, output=output, more=more))
    return recipe


def command(wrasse: Path, recipe: Path, *flags: str) -> list[str]:
    run_dir = recipe.parent / "run"
    return [str(wrasse), "run", str(recipe), "--run-dir", str(run_dir), "--report", "json", *flags]


def run(wrasse: Path, recipe: Path, *flags: str, env: dict[str, str] | None = None) -> dict:
    """Runs a recipe to its end; returns the report."""
    done = subprocess.run(
        command(wrasse, recipe, *flags),
        capture_output=True,
        env=clean_env() | (env or {}),
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def clean_env() -> dict[str, str]:
    """The environment without anything that could lead to a real store."""
    stores = ("AWS_", "GOOGLE_", "AZURE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(stores)}


def local_run(
    wrasse: Path, tmp_path: Path, files: dict[str, bytes], output: str, more: str = ""
) -> tuple[Path, dict]:
    """The same on local files: the path of the output, and the report."""
    source = tmp_path / "in"
    source.mkdir()
    for name, data in files.items():
        (source / name).write_bytes(data)
    place = f"{tmp_path}/{output}"
    recipe = write_recipe(tmp_path, str(source), place, more)
    return Path(place), run(wrasse, recipe)


def parquet_of(wrasse: Path, folder: Path, rows: bytes) -> bytes:
    """The rows as a Parquet file, made by the program itself."""
    folder.mkdir()
    (folder / "rows.jsonl").write_bytes(rows)
    recipe = folder / "recipe.yaml"
    recipe.write_text(f"dataset_path: {folder}/rows.jsonl\nexport_path: {folder}/rows.parquet\n")
    run(wrasse, recipe)
    return (folder / "rows.parquet").read_bytes()


def rows_of(texts: range) -> bytes:
    lines = (
        json.dumps(
            {"text": f"Row {i} says that it is row {i}, see https://example.org/{i} for more."}
        )
        for i in texts
    )
    return "".join(line + "\n" for line in lines).encode()


def test_a_folder_of_a_bucket_gives_the_bytes_of_a_local_folder(
    wrasse: Path, bucket: Bucket, tmp_path: Path
) -> None:
    files = {
        "a.jsonl": PAGES,
        "b.jsonl.gz": gzip.compress(rows_of(range(2000))),
        "c.parquet": parquet_of(wrasse, tmp_path / "make", rows_of(range(1000, 3000))),
    }
    (tmp_path / "local").mkdir()
    output, expected = local_run(wrasse, tmp_path / "local", files, "clean.jsonl")

    for name, data in files.items():
        bucket.put(f"in/{name}", data)
    bucket.put("other/d.jsonl", rows_of(range(9)))
    recipe = write_recipe(
        tmp_path, f"s3://{bucket.name}/in/", f"s3://{bucket.name}/out/clean.jsonl"
    )
    report = run(wrasse, recipe, env=bucket.env)

    assert bucket.get("out/clean.jsonl") == output.read_bytes()
    assert report["rows"] == expected["rows"]
    assert report["rows"]["in"] == 377 + 2000 + 2000
    assert bucket.keys("out/") == ["out/clean.jsonl"]


def test_parts_have_the_names_and_bytes_of_local_parts(
    wrasse: Path, bucket: Bucket, tmp_path: Path
) -> None:
    files = {"a.jsonl": PAGES, "b.jsonl": rows_of(range(4000))}
    more = "export_shard_size: 200000"
    (tmp_path / "local").mkdir()
    output, _ = local_run(wrasse, tmp_path / "local", files, "parts/", more)

    for name, data in files.items():
        bucket.put(f"in/{name}", data)
    recipe = write_recipe(
        tmp_path, f"s3://{bucket.name}/in/", f"s3://{bucket.name}/out/parts/", more
    )
    run(wrasse, recipe, env=bucket.env)

    local = {path.name: path.read_bytes() for path in output.iterdir()}
    assert len(local) > 2
    remote = {key.removeprefix("out/parts/"): bucket.get(key) for key in bucket.keys("out/parts/")}
    assert remote == local


def test_a_killed_run_is_resumed_to_the_same_bytes(
    wrasse: Path, bucket: Bucket, tmp_path: Path
) -> None:
    # Dozens of blocks, so that the first commit is not the last.
    files = {
        "a.jsonl": rows_of(range(150_000)),
        "b.jsonl.gz": gzip.compress(rows_of(range(300_000)), 1),
    }
    (tmp_path / "local").mkdir()
    output, expected = local_run(wrasse, tmp_path / "local", files, "clean.jsonl")

    for name, data in files.items():
        bucket.put(f"in/{name}", data)
    recipe = write_recipe(
        tmp_path, f"s3://{bucket.name}/in/", f"s3://{bucket.name}/out/clean.jsonl"
    )
    manifest = tmp_path / "run" / "manifest.jsonl"
    kill_behind_a_commit(command(wrasse, recipe, "-j", "1"), manifest, clean_env() | bucket.env)

    assert '"done"' not in manifest.read_text(), "killed too late: nothing was left to resume"
    assert bucket.keys("out/") == [], "an output appeared before it was complete"
    report = run(wrasse, recipe, "--resume", env=bucket.env)
    assert report["resumed"]
    assert bucket.get("out/clean.jsonl") == output.read_bytes()
    assert report["rows"] == expected["rows"]


def kill_behind_a_commit(argv: list[str], manifest: Path, env: dict[str, str]) -> None:
    """Starts a run, and kills it as soon as its manifest holds a commit.

    A run commits when three seconds have passed. To have that happen early,
    whatever the machine's speed, it sleeps them away.
    """
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    try:
        wait_for(process, lambda: manifest.exists() and manifest.stat().st_size > 0)
        process.send_signal(signal.SIGSTOP)
        time.sleep(3.5)
        process.send_signal(signal.SIGCONT)
        wait_for(process, lambda: b'{"commit"' in manifest.read_bytes())
    finally:
        process.kill()
        process.wait(60)


def wait_for(process: subprocess.Popen, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline, "nothing happened in two minutes"
        time.sleep(0.001)


def test_an_upload_that_failed_is_made_up_for(wrasse: Path, bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    output, _ = local_run(wrasse, tmp_path / "local", {"pages.jsonl": PAGES}, "clean.jsonl")

    bucket.put("in/pages.jsonl", PAGES)
    late = f"{bucket.name}-late"
    recipe = write_recipe(tmp_path, f"s3://{bucket.name}/in/", f"s3://{late}/clean.jsonl")
    done = subprocess.run(
        command(wrasse, recipe),
        capture_output=True,
        env=clean_env() | bucket.env,
        timeout=300,
        check=False,
    )
    assert done.returncode in (2, 3), done.stderr.decode()
    assert f"s3://{late}" in done.stderr.decode()

    Bucket(bucket.endpoint, late)
    run(wrasse, recipe, "--resume", env=bucket.env)
    got = bucket.client.get_object(Bucket=late, Key="clean.jsonl")["Body"].read()
    assert got == output.read_bytes()


def test_a_web_server_is_read_with_and_without_ranges(
    wrasse: Path, bucket: Bucket, tmp_path: Path
) -> None:
    (tmp_path / "local").mkdir()
    output, _ = local_run(wrasse, tmp_path / "local", {"pages.jsonl": PAGES}, "clean.jsonl")

    # S3 objects have a plain address, with ranges; Python's server has none.
    bucket.client.put_object(Bucket=bucket.name, Key="pages.jsonl", Body=PAGES, ACL="public-read")
    places = [f"{bucket.endpoint}/{bucket.name}/pages.jsonl"]
    folder = tmp_path / "local" / "in"
    with server(sys.executable, "-m", "http.server", "-b", "127.0.0.1", "-d", folder) as address:
        places.append(f"{address}/pages.jsonl")
        for i, place in enumerate(places):
            (tmp_path / str(i)).mkdir()
            recipe = write_recipe(tmp_path / str(i), place, f"{tmp_path}/{i}/clean.jsonl")
            run(wrasse, recipe)
            assert (tmp_path / str(i) / "clean.jsonl").read_bytes() == output.read_bytes(), place


def test_what_is_not_there_is_an_error_with_its_address(
    wrasse: Path, bucket: Bucket, tmp_path: Path
) -> None:
    source = f"s3://{bucket.name}/none.jsonl"
    recipe = write_recipe(tmp_path, source, f"{tmp_path}/clean.jsonl")
    done = subprocess.run(
        command(wrasse, recipe),
        capture_output=True,
        env=clean_env() | bucket.env,
        timeout=300,
        check=False,
    )
    message = done.stderr.decode()
    assert done.returncode == 2, message
    assert f"{source}: cannot be found" in message
    assert message.count("404") == 1, "each cause is told once"
