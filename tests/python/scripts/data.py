"""The data that scripts read, written for the project: the same each time."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

_WORDS = "buy cheap river stone lamp Öl 数据 quiet green seven apples tomorrow".split()


def write(folder: Path) -> None:
    """Writes `pages.jsonl`, `more.jsonl`, `pages.parquet`, `people.csv` and `notes/`."""
    chance = random.Random(3)
    rows = [_page(n, chance) for n in range(40)]
    folder.mkdir(parents=True, exist_ok=True)
    _lines(folder / "pages.jsonl", rows)
    _lines(folder / "more.jsonl", rows[:7])
    parquet.write_table(
        pa.table(
            {
                "id": list(range(25)),
                "text": [row["text"] for row in rows[:25]],
                "url": ["https://example.org"] * 25,
                "score": pa.array([0.1 * n for n in range(25)], pa.float32()),
                "tags": [["a"] * (n % 3) for n in range(25)],
            }
        ),
        folder / "pages.parquet",
    )
    (folder / "people.csv").write_text(
        'name,age,height,member,note\nAnna,41,1.7,true,\nBob,,1.85,false,x\n"Li, Wei",52,,true,NULL\n'
    )
    (folder / "notes").mkdir(exist_ok=True)
    (folder / "notes/a.txt").write_text("first line\n\nsecond line\r\n   \nthird\n")
    (folder / "notes/b.txt").write_text("fourth without end")


def _page(n: int, chance: random.Random) -> dict[str, Any]:
    text = " ".join(chance.choices(_WORDS, k=chance.randrange(1, 30)))
    if n % 5 == 0:
        text += f"\n\n{text[:20]}  \n\n x"
    row: dict[str, Any] = {
        "id": f"p/{n}",
        "text": text,
        "url": f"https://example.org/{n}",
        "lang": chance.choice(["en", "de", None]),
    }
    # Not every row has every field.
    if n % 3 == 0:
        row["score"] = round(chance.random(), 3)
    if n % 4:
        row["meta"] = {"source": chance.choice(["crawl", "book"]), "n": n}
    return row


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
