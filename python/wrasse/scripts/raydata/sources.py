"""What a script reads, as a dataset of `wrasse` that gives the rows that Ray Data gives."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wrasse
from wrasse.datasets import Dataset as Chain
from wrasse.scripts.raydata import steps, values
from wrasse.scripts.unsupported import Unsupported, note

if TYPE_CHECKING:
    import pyarrow as pa

_JSON = tuple(f".{one}{end}" for one in ("json", "jsonl") for end in ("", ".gz", ".zst"))

# So many rows of a file of JSON are looked at for the fields that rows have.
_ROWS_LOOKED_AT = 100


@dataclass(frozen=True)
class Source:
    """A chain that begins with files, and what is known of them.

    `names`: fields that rows have, of which one may lack some (`may_lack`). `keeps`: what
    must be there as long as the source is.
    """

    chain: Chain
    files: list[str]
    names: list[str] = field(default_factory=list)
    may_lack: bool = False
    keeps: tuple[Any, ...] = ()


def json_files(paths: Any) -> Source:
    """Files of JSON, a row a line."""
    files = _files(paths, _JSON)
    source = wrasse.read_jsonl(*files)
    return Source(source, files, _names(files), may_lack=True)


def parquet_files(paths: Any, columns: list[str] | None) -> Source:
    """Files of Parquet; raises `Unsupported` for columns of types that a run does not carry."""
    import pyarrow.parquet as parquet
    import pyarrow.types as types

    files = _files(paths, (".parquet",))
    chain = wrasse.read_parquet(*files)
    schemas = [parquet.read_schema(file) for file in files if "://" not in file]
    names = columns or list(dict.fromkeys(name for one in schemas for name in one.names))
    narrow: list[str] = []
    for schema in schemas:
        for one in schema:
            if one.name not in names:
                continue
            if types.is_float32(one.type):
                narrow.append(one.name)
            elif (bad := values.refused_type(one.type)) is not None or _has_float32(one.type):
                raise Unsupported(
                    f"the column `{one.name}` of type `{one.type}` ({bad or 'float'} within it)",
                    "read the others with `columns=[...]`",
                )
    if narrow:
        from wrasse.scripts.raydata.columns import WidenFloats

        chain = chain.map(steps.function_of(WidenFloats(sorted(set(narrow)))), batch=True)
    if columns is not None:
        from wrasse.scripts.raydata.columns import Columns

        chain = chain.map(steps.function_of(Columns("select", columns)), batch=True)
    return Source(chain, files, names)


def csv_files(paths: Any) -> Source:
    """Files of CSV, their columns of the types that Arrow's reader finds in them."""
    from pyarrow import csv

    from wrasse.scripts.raydata.columns import CastText

    files = _files(paths, None)
    options = csv.ConvertOptions()
    found: dict[str, str] = {}
    for file in files:
        with csv.open_csv(file) as reader:
            schema = reader.schema
        types = {one.name: str(one.type) for one in schema}
        if found and types != found:
            raise Unsupported(
                f"a table of files with other columns or types ({file}: {types}, before: {found})",
                "read them one by one, and join them with `union`",
            )
        found = types
    for name, kind in found.items():
        if kind not in ("int64", "double", "string", "bool", "null"):
            raise Unsupported(f"the column `{name}` of type `{kind}`")
    cast = steps.function_of(CastText(found, list(options.null_values), list(options.true_values)))
    return Source(wrasse.read_csv(*files).map(cast, batch=True), files, list(found))


def text_files(paths: Any, *, drop_empty_lines: bool) -> Source:
    """Files of text, a row a line."""
    files = _files(paths, None)
    cut = steps.lines if drop_empty_lines else steps.all_lines
    return Source(wrasse.read_text(*files).flat_map(cut), files, ["text"])


def rows(given: Iterable[values.Row], keeps: tuple[Any, ...] = ()) -> Source:
    """Rows that are at hand, in a file that lasts as long as what is made of it."""
    folder = tempfile.TemporaryDirectory(prefix="wrasse-script-")
    path = Path(folder.name) / "rows.jsonl"
    names: dict[str, None] = {}
    try:
        with open(path, "w", encoding="utf-8") as out:
            for row in given:
                plain = values.plain_row(row)
                names.update(dict.fromkeys(plain))
                out.write(json.dumps(plain, ensure_ascii=False, allow_nan=False))
                out.write("\n")
    except TypeError as error:
        folder.cleanup()
        raise Unsupported(f"a row in which {error}, and so it") from error
    except BaseException:
        folder.cleanup()
        raise
    chain = wrasse.read_jsonl(path)
    return Source(chain, [str(path)], list(names), may_lack=True, keeps=(folder, *keeps))


def table(given: pa.Table) -> Source:
    """A table at hand."""
    for one in given.schema:
        if (bad := values.refused_type(one.type)) is not None:
            raise Unsupported(f"the column `{one.name}` of type `{bad}`")
    return rows(row for batch in given.to_batches() for row in batch.to_pylist())


def _files(paths: Any, endings: tuple[str, ...] | None) -> list[str]:
    """The files that Ray Data would read, in its order; raises `FileNotFoundError`."""
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    files: list[str] = []
    for one in given:
        path = os.fspath(one)
        if path.startswith(("local://", "file://")):
            path = path.partition("://")[2]
        if "://" in path:
            files.append(path)
        elif os.path.isdir(path):
            files += sorted(_in_folder(path, endings))
        elif os.path.isfile(path):
            # A file that is named is read whatever its ending, as long as it is one of many.
            if endings is None or path.endswith(endings):
                files.append(path)
            else:
                raise Unsupported(
                    f"the file `{path}`, of no ending of {', '.join(endings)},",
                    "give it one of these",
                )
        else:
            raise FileNotFoundError(f"[Errno 2] there is no file or folder '{path}'")
    if not files:
        raise ValueError(f"no files to read in {', '.join(map(str, given))}")
    return files


def _in_folder(path: str, endings: tuple[str, ...] | None) -> Iterable[str]:
    for folder, folders, names in os.walk(path):
        folders[:] = [one for one in folders if not one.startswith((".", "_"))]
        if any("=" in one for one in folders):
            raise Unsupported(
                f"the folder `{folder}` with partitions in its names (`key=value`)",
                "read the folders one by one, and add the column",
            )
        for name in names:
            is_read = endings is None or name.endswith(endings)
            if is_read and not name.startswith((".", "_")):
                yield os.path.join(folder, name)


def _names(files: list[str]) -> list[str]:
    """Fields of the first rows; tells of values that Ray Data would not have as they are."""
    if "://" in files[0] or not files[0].endswith((".json", ".jsonl")):
        return []
    try:
        with open(files[0], encoding="utf-8") as lines:
            found = [json.loads(line) for line in islice(lines, _ROWS_LOOKED_AT) if line.strip()]
    except ValueError:
        return []
    some = [one for one in found if isinstance(one, dict)]
    _tell_of_dates(some)
    return list(dict.fromkeys(name for one in some for name in one))


def _tell_of_dates(found: list[values.Row]) -> None:
    import io

    import pyarrow.json as arrow_json
    import pyarrow.types as types

    text = "\n".join(map(json.dumps, found)).encode()
    try:
        schema = arrow_json.read_json(io.BytesIO(text)).schema if found else []
    except ValueError:
        return
    dates = [one.name for one in schema if types.is_temporal(one.type)]
    if dates:
        note(
            f"{', '.join(f'`{one}`' for one in dates)} of the input stay text, as they are in "
            "the file; Ray Data would make dates of them"
        )


def _has_float32(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    if types.is_struct(kind):
        return any(_has_float32(kind.field(at).type) for at in range(kind.num_fields))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _has_float32(kind.value_type)
    return bool(types.is_float32(kind))
