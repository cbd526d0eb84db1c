"""A reader, filters with an exclusion writer, a formatter, functions, a writer a task."""

import sys

from datatrove.data import DocumentsPipeline
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import LambdaFilter, RegexFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter

data, out = sys.argv[1:]


def shout(docs: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
    for doc in docs:
        doc.metadata["rank"] = rank
        doc.text = doc.text.upper()
        yield doc


if __name__ == "__main__":
    stats = LocalPipelineExecutor(
        pipeline=[
            JsonlReader(data, glob_pattern="*.jsonl", default_metadata={"dump": "one"}),
            LambdaFilter(
                lambda doc: len(doc.text) > 40,
                exclusion_writer=JsonlWriter(f"{out}/short", compression=None),
            ),
            RegexFilter(r"cheap", exclusion_writer=JsonlWriter(f"{out}/cheap")),
            PIIFormatter(),
            shout,
            JsonlWriter(f"{out}/kept", output_filename="${rank}.jsonl.gz"),
        ],
        tasks=2,
        workers=2,
        logging_dir=f"{out}/logs",
    ).run()
    print(
        sum(
            one.stats["total"].total
            for one in stats.stats
            if "Jsonl" in one.name and "WRITER" in one.name
        )
    )
