"""Measures operators of Data-Juicer and DataMate, each alone, in one thread.

    operators.py INPUT SECONDS [DATAMATE_OPS] < wanted.json > measured.json

`wanted.json` lists `{"name", "aliases", "kind", "params"}`. Each operator gets samples of
INPUT until it took SECONDS of processor time; `DATAMATE_OPS` is the folder `runtime/ops` of
DataMate's sources. What is not to be had is left out, with a line that says why.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path

BATCH = 100


def samples(path: str) -> list[dict]:
    with open(path, encoding="utf-8") as file:
        rows = [{"text": json.loads(line)["text"]} for line in file]
    random.Random(1).shuffle(rows)
    return rows


def data_juicer(name: str, kind: str, params: dict):
    """What takes a list of texts, or None if there is no such operator."""
    from data_juicer.ops import OPERATORS
    from data_juicer.utils.constant import Fields

    cls = OPERATORS.modules.get(name)
    if cls is None:
        return None
    op = cls(**params)

    def batch_of(texts):
        n = len(texts)
        return {"text": texts, Fields.stats: [{} for _ in range(n)], Fields.meta: [{} for _ in range(n)]}

    def rows_of(texts):
        return [{"text": text, Fields.stats: {}, Fields.meta: {}} for text in texts]

    if kind == "filter":

        def work(texts):
            if op.is_batched_op():
                measured = op.compute_stats_batched(batch_of(texts))
                list(op.process_batched(measured))
            else:
                for row in rows_of(texts):
                    op.process_single(op.compute_stats_single(row))

    elif hasattr(op, "compute_hash"):

        def work(texts):
            for row in rows_of(texts):
                op.compute_hash(row)

    elif op.is_batched_op():

        def work(texts):
            op.process_batched(batch_of(texts))

    else:

        def work(texts):
            for row in rows_of(texts):
                op.process_single(row)

    return work


def datamate_folders(root: str | None) -> dict[str, Path]:
    """The operator folders by the names of their operators."""
    folders = {}
    for about in Path(root).glob("*/*/metadata.yml") if root else ():
        for line in about.read_text(encoding="utf-8").splitlines():
            if line.startswith("raw_id:"):
                folders[line.partition(":")[2].strip().strip("'\"")] = about.parent
    return folders


def datamate(folder: Path, params: dict):
    from loguru import logger
    from wrasse.operators.datamate import find_folder

    logger.remove()
    op = find_folder(folder, "").construct(params).op

    def work(texts):
        for text in texts:
            op.execute({"text": text, "data": b"", "fileName": "a.txt", "fileType": "txt", "filePath": ""})

    return work


def measure(work, texts: list[str], seconds: float) -> dict:
    work(texts[:1])
    spent, n_bytes, n = 0.0, 0, 0
    while spent < seconds:
        batch = texts[n : n + BATCH]
        if not batch:
            break
        before = time.process_time()
        work(list(batch))
        spent += time.process_time() - before
        n += len(batch)
        n_bytes += sum(len(text.encode()) for text in batch)
    return {"cpu_s": spent, "text_bytes": n_bytes, "samples": n}


def main() -> None:
    path, seconds, *rest = sys.argv[1:]
    # What the operators print goes elsewhere.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, str(Path(__file__).parents[3] / "python"))
    wanted = json.load(sys.stdin)
    texts = [row["text"] for row in samples(path)]
    folders = datamate_folders(rest[0] if rest else None)
    measured = []
    for one in wanted:
        about = {"name": one["name"]}
        try:
            folder = next((folders[name] for name in one["aliases"] if name in folders), None)
            if folder is not None:
                # Words are DataMate's own: a list of ours means nothing to it.
                work = datamate(folder, {})
                about["original"] = f"DataMate {folder.name}"
            else:
                work = data_juicer(one["name"], one["kind"], one["params"])
                about["original"] = "Data-Juicer"
            if work is not None:
                measured.append(about | measure(work, texts, float(seconds)))
        except Exception as error:  # one that fails must not take the others' figures with it
            measured.append(about | {"missing": f"{type(error).__name__}: {error}".splitlines()[0][:200]})
    json.dump(measured, answer)


if __name__ == "__main__":
    main()
