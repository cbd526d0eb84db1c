"""Two executors, of which one waits for the other; a step and an adapter of the script."""

import sys

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters import LambdaFilter, SamplerFilter
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.writers import JsonlWriter, ParquetWriter

data, out = sys.argv[1:]


def adapter(self, row: dict, path: str, id_in_file: int | str) -> dict:
    return {
        "text": row.pop("text", ""),
        "id": f"{path}#{id_in_file}",
        "metadata": {"lang": row.get("lang") or "?", "n": len(row)},
    }


class Numbered(PipelineStep):
    type = "MAPPER"
    name = "numbered"

    def run(self, data, rank: int = 0, world_size: int = 1):
        for number, doc in enumerate(data):
            doc.metadata["number"] = f"{rank}/{world_size}/{number}"
            self.stat_update("numbered")
            yield doc


if __name__ == "__main__":
    first = LocalPipelineExecutor(
        pipeline=[
            JsonlReader(data, glob_pattern="*.jsonl", adapter=adapter, limit=15),
            LambdaFilter(lambda doc: doc.metadata["lang"] != "de"),
            Numbered(),
            ParquetWriter(f"{out}/first", output_filename="${lang}/${rank}.parquet"),
        ],
        tasks=3,
        workers=2,
        logging_dir=f"{out}/logs/first",
    )
    second = LocalPipelineExecutor(
        pipeline=[
            ParquetReader(f"{out}/first"),
            SamplerFilter(rate=0.5, seed=5),
            JsonlWriter(f"{out}/second", expand_metadata=True),
        ],
        tasks=2,
        workers=1,
        logging_dir=f"{out}/logs/second",
        depends=first,
    )
    second.run()
    # All is done: nothing happens.
    print(second.run())
