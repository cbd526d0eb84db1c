"""The bare loop: a function of `operators.py` over the lines of a file, and no engine.

Usage: bare_loop.py rows|tables FUNCTION INPUT OUTPUT

`rows`: each line is decoded, goes through the function, is encoded and written. `tables`:
the same with 500 lines at a time, made into a table and rows again. What is written is
what the engine writes.
"""

import importlib
import itertools
import json
import sys
from pathlib import Path


def main(form: str, name: str, source: str, target: str) -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    function = getattr(importlib.import_module("operators"), name)
    loop = {"rows": rows, "tables": tables}[form]
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        loop(function, lines, out)


def rows(function, lines, out) -> None:
    for line in lines:
        row = function(json.loads(line))
        out.write(json.dumps(row, ensure_ascii=False) + "\n")


def tables(function, lines, out) -> None:
    import pyarrow as pa

    while batch := list(itertools.islice(lines, 500)):
        table = function(pa.Table.from_pylist([json.loads(line) for line in batch]))
        for row in table.to_pylist():
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
