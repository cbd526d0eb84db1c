"""What came of a script, in a form that can be compared: what it printed, and its rows."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet


def outcome(out: Path, printed: str) -> dict[str, Any]:
    """The lines that were printed, and for each folder the rows in it, in any order.

    Rows are without the fields that are null.
    """
    folders: dict[str, list[Any]] = {}
    for file in sorted(one for one in out.rglob("*") if one.is_file()):
        name = file.relative_to(out).parent.as_posix()
        if ".wrasse" not in name and file.name != "printed":
            folders.setdefault(name, []).extend(map(plain, rows_of(file)))
    for rows in folders.values():
        rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
    return {"printed": printed.splitlines(), "rows": folders}


def rows_of(file: Path) -> list[dict[str, Any]]:
    """The rows of a file, by its ending."""
    if file.suffix == ".parquet":
        return parquet.read_table(file, partitioning=None).to_pylist()
    if file.suffix == ".csv":
        with open(file, newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def plain(value: Any) -> Any:
    """A value without nulls in it, and numbers as JSON of either tool has them."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, float):
        # Pandas writes ten digits.
        return round(value, 9)
    return value
