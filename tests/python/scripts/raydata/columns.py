"""Columns are added, dropped, selected and renamed; rows are taken."""

import sys

import pandas as pd
import ray

data, out = sys.argv[1:]

ds = ray.data.read_parquet(f"{data}/pages.parquet")
ds = ds.add_column("n", lambda batch: batch["text"].str.len())
ds = ds.add_column("zero", lambda batch: 0)
ds = ds.drop_columns(["url", "zero"]).rename_columns({"text": "body"})
print(ds.columns())
for row in ds.take(3):
    print(row)
short = ds.select_columns(["id", "n"]).rename_columns(["key", "length"])
print(short.schema().names)
print(short.sum("length"), short.min("length"), short.max("length"))
frame: pd.DataFrame = short.to_pandas()
print(len(frame), int(frame["length"].sum()), list(frame.columns))
print([len(batch["key"]) for batch in short.iter_batches(batch_size=10)])
print(short.take_batch(2, batch_format="pandas")["key"].tolist())
ds.drop_columns(["tags", "score"]).write_csv(f"{out}/table")
ds.write_parquet(f"{out}/parquet")
