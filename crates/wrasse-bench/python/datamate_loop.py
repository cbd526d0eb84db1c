"""Operator folders of DataMate over files, one after the other in one process.

Usage: datamate_loop.py FILES FOLDER...

`FILES` is the list of files, as DataMate has it: JSONL with `filePath` and so on. The
first operator reads the file and the last one exports it, as in DataMate. The classes
are called as they are; `datamate` itself is the module of this package.
"""

import json
import sys

from wrasse import compat
from wrasse.operators import load


def main(files: str, *folders: str) -> None:
    compat.install()
    last = len(folders) - 1
    operators = [
        load(folder, {"is_first_op": number == 0, "is_last_op": number == last}).op
        for number, folder in enumerate(folders)
    ]
    with open(files, encoding="utf-8") as lines:
        for line in lines:
            sample = {"ext_params": {}, "failed_reason": {}, "target_type": None, **json.loads(line)}
            for operator in operators:
                answer = operator(sample)
                if not isinstance(answer, dict) and not answer:
                    break


if __name__ == "__main__":
    main(*sys.argv[1:])
