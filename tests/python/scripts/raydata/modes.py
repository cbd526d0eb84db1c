"""A folder is written twice, then anew; batches to the end with `drop_last`."""

import sys

import ray
from ray.data import DataContext, SaveMode

data, out = sys.argv[1:]

DataContext.get_current().execution_options.preserve_order = True
ds = ray.data.from_items([{"n": n, "words": ["w"] * n} for n in range(7)])
ds.write_json(f"{out}/twice")
ds.limit(2).write_json(f"{out}/twice")
ds.write_json(f"{out}/anew")
ds.limit(3).write_json(f"{out}/anew", mode=SaveMode.OVERWRITE)
sizes = [
    len(batch) for batch in ds.iter_batches(batch_size=3, batch_format="pandas", drop_last=True)
]
print(sizes)
ds.show(2)
try:
    ds.take_all(3)
except ValueError:
    print("too many")
