"""The job of `cargo xtask bench` as a datatrove pipeline of one process.

datatrove has none of the eight steps under these names, so that they are written here as its
users would write them; the rules are those of Data-Juicer's operators. Its reader drops samples
without text, which changes no result: they are too short.

Usage: datatrove_job.py RECIPE INPUT OUTPUT (the recipe is not read)
"""

import hashlib
import os
import sys
from collections import Counter

import regex
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.formatters.base import BaseFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

SPACES = dict.fromkeys(
    [0x09, 0x84, 0xA0, *range(0x2000, 0x200E), 0x202F, 0x205F, 0x2060, 0x3000, 0xFFFC], " "
)
LINKS = regex.compile(
    r"(?i)\b("
    r"(?:[a-z][\w-]+:(?:\/{1,3}|[a-z0-9%])|www\d{0,3}[.]|[a-z0-9.\-]+[.][a-z]{2,4}\/)"
    r"(?:[^\s()<>]+|\(([^\s()<>]+|(\([^\s()<>]+\)))*\))+"
    r"(?:\(([^\s()<>]+|(\([^\s()<>]+\)))*\)|[^\s`!()\[\]{};:\'\".,<>?«»“”‘’])"
    r")"
)
EMAILS = regex.compile(r"[A-Za-z0-9.\-+_]+@[a-z0-9.\-+_]+\.[a-z]+")


class Clean(BaseFormatter):
    name = "Clean"

    def format(self, text: str) -> str:
        text = text.strip().translate(SPACES)
        return EMAILS.sub("", LINKS.sub("", text))


class Keep(BaseFilter):
    name = "Keep"

    def filter(self, doc) -> bool:
        text = doc.text
        if not 50 <= len(text) <= 100_000:
            return False
        if sum(map(str.isalnum, text)) / len(text) < 0.25:
            return False
        return repetition(text) <= 0.5 and len(text.split()) >= 10


class Deduplicate(BaseFilter):
    name = "Deduplicate"

    def __init__(self):
        super().__init__()
        self.seen = set()

    def filter(self, doc) -> bool:
        digest = hashlib.md5(doc.text.strip().encode()).digest()
        is_new = digest not in self.seen
        self.seen.add(digest)
        return is_new


def repetition(text: str, n: int = 10) -> float:
    """The share of the most frequent runs of `n` characters, as Data-Juicer has it."""
    counts = sorted(Counter(text[i : i + n] for i in range(len(text) - n + 1)).values(), reverse=True)
    if not counts:
        return 0.0
    once = sum(count == 1 for count in counts)
    most = min(int(len(counts) ** 0.5), len(counts) - once)
    return sum(counts[:most]) / sum(counts)


def main(source: str, target: str) -> None:
    folder, name = os.path.split(target)
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(os.path.dirname(source), glob_pattern=os.path.basename(source)),
            Clean(),
            Keep(),
            Deduplicate(),
            JsonlWriter(folder, output_filename=name, compression=None),
        ],
        tasks=1,
        workers=1,
        logging_dir=os.path.join(folder, "datatrove-logs"),
    ).run()


if __name__ == "__main__":
    main(*sys.argv[2:])
