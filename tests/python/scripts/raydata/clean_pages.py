"""The usual chain: read JSONL, clean, filter, write JSON."""

import re
import sys

import ray

data, out = sys.argv[1:]
MIN_CHARS = 20


def clean(row):
    row["text"] = re.sub(r"\s+", " ", row["text"]).strip()
    row["n_chars"] = len(row["text"])
    return row


ds = ray.data.read_json(f"{data}/pages.jsonl")
ds = ds.map(clean).filter(lambda row: row["n_chars"] >= MIN_CHARS)
ds = ds.filter(lambda row: row["lang"] is not None)
ds.write_json(f"{out}/clean")
print("rows", ds.count())
