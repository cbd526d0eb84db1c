"""Lines of text, and tables of CSV with their types."""

import sys

import ray

data, out = sys.argv[1:]

lines = ray.data.read_text(f"{data}/notes")
print(lines.count())
lines.map(lambda row: {"text": row["text"].title()}).write_json(f"{out}/lines")
people = ray.data.read_csv(f"{data}/people.csv")
for row in people.take_all():
    print(row)
older = people.filter(lambda row: row["age"] is not None and row["age"] > 40)
older.write_csv(f"{out}/older")
