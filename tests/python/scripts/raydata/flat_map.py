"""Documents into paragraphs, rows that lack fields, nested values."""

import sys

import ray

data, out = sys.argv[1:]


def paragraphs(row):
    pieces = [one for one in row["text"].split("\n\n") if one.strip()]
    return [{"id": row["id"], "part": n, "text": one} for n, one in enumerate(pieces)]


ds = ray.data.read_json([f"{data}/pages.jsonl", f"{data}/more.jsonl"])
print(ds.filter(lambda row: row["lang"] is None).count())
print(ds.filter(lambda row: (row["meta"] or {}).get("source") == "crawl").count())
parts = ds.flat_map(paragraphs)
parts.write_json(f"{out}/parts")
few = parts.filter(lambda row: row["part"] > 0).limit(4)
print(few.count())
for row in few.materialize().iter_rows():
    print(sorted(row))
