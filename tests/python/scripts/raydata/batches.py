"""`map_batches` in all formats, with arguments, and with fewer and more rows."""

import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import ray

data, out = sys.argv[1:]


def lengths(batch):
    batch["n"] = np.array([len(text) for text in batch["text"]])
    return batch


def only_long(batch: pd.DataFrame, least: int, *, most: int) -> pd.DataFrame:
    return batch[(batch["n"] >= least) & (batch["n"] <= most)]


def upper(table: pa.Table) -> pa.Table:
    at = table.schema.get_field_index("text")
    return table.set_column(at, "text", pc.utf8_upper(table["text"]))


def twice(batch):
    for copy in range(2):
        yield {"id": batch["id"], "copy": np.full(len(batch["id"]), copy), "text": batch["text"]}


ds = (
    ray.data.read_json(f"{data}/pages.jsonl")
    .select_columns(["id", "text"])
    .map_batches(lengths, batch_size=3)
    .map_batches(only_long, batch_format="pandas", fn_args=(10,), fn_kwargs={"most": 500})
    .map_batches(upper, batch_format="pyarrow", num_cpus=0.5)
    .map_batches(twice, batch_size=4)
)
ds.write_json(f"{out}/batches")
print(ds.count(), sorted(ds.columns()))
