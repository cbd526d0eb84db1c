"""How DataMate's modules behave in this process.

With `strict`, operators run as under the original. Without, these defects of it
are mended, each of which loses data or tells of success where there was none:

| | original, and with `strict` | here |
|---|---|---|
| a filter raises | the file vanishes without a record | it is recorded as failed |
| a filter returns a bool, as its guide says | the job dies | it decides |
| a filter returns another dict than it got | the changes are lost | they are kept |
| a mapper returns nothing | the job dies | the file has failed |
| a slicer gets a file that failed before | its keys become files | it is passed on |
| a slicer returns several samples | the last one overwrites the others | each is a sample |
| a slicer or LLM that wrote its files is last | the word `Success` becomes a file | it does not |
| the first operator does not read the file | an empty file is a success | it is read for it |
| a file of a type that cannot be read or exported | nothing is written, a success | it has failed |
| `jsonl`, and types that are said as MIME types | cannot be exported, or read | can |
| the export of a file fails | the job dies | the file has failed |
| a switch that is off is `"false"`, which is true | it is on | it is off |
| a default of a range that lies in `properties` | is not given to the operator | is |

Independent of `strict`: language models are asked with a time limit, with
attempts, by any number of threads, and certificates are checked; `AhoCorasic`
finds all words; `LazyLoader` installs nothing, but says what to install; a model
of `get_model` is made once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ResultCallback = Callable[[str, dict[str, Any]], None]


@dataclass
class Settings:
    """What `install` was told.

    `strict`: the original's behavior, defects included; false by default.
    `on_result`: is called with a kind and a record: `clean_result` (a file is
    done: the columns of `t_clean_result`), `dataset_file` (a file was exported:
    those of `t_dm_dataset_files`), `slice` (a slicer wrote a file: `path`,
    `size`, `fileId`), `task` (the end of a task). By default nobody is told.
    `existing_files`: the paths that a data set is known to have; none by default.
    `sql_path`: the SQLite file of `SQLManager`; by default a database in memory.
    `tells_ends`: whether operators tell of files that fail or come to nothing, as in
    DataMate; a run knows that without being told.
    """

    strict: bool = False
    on_result: ResultCallback | None = None
    existing_files: Callable[[str], Iterable[str]] | None = None
    sql_path: Path | None = None
    tells_ends: bool = True

    def emit(self, kind: str, record: dict[str, Any]) -> None:
        """Tells of a result."""
        if self.on_result is not None:
            self.on_result(kind, record)


_current = Settings()


def current() -> Settings:
    """The settings of this process."""
    return _current


def replace(settings: Settings) -> None:
    """Sets the settings of this process."""
    global _current
    _current = settings
