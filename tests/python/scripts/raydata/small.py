"""Rows at hand: items, ranges, data frames, tables, unions."""

import sys

import pandas as pd
import pyarrow as pa
import ray

data, out = sys.argv[1:]

numbers = ray.data.range(20).map(lambda row: {"id": row["id"] * 2})
print(numbers.take(5), numbers.count(), numbers.sum("id"))
items = ray.data.from_items([3, 1, 2])
print(items.take_all())
frame = ray.data.from_pandas(pd.DataFrame({"id": [100, 101], "name": ["a", None]}))
print(frame.count(), frame.take(1))
table = ray.data.from_arrow(pa.table({"id": [200, 201], "name": ["c", "d"]}))
both = table.union(ray.data.from_items([{"id": 7, "name": "e"}]), table.limit(1))
print(sorted(row["id"] for row in both.take_all()))
both.repartition(1).write_parquet(f"{out}/both")
print(ray.data.range(100).filter(expr="id >= 10 and id < 13 or id in [50, 51]").take_all())
print(ray.data.range(5).map_batches(lambda batch: {"x": batch["id"] / 2}).take_all())
