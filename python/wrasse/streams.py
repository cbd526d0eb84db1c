"""Rows of a run while it goes on: `RowStream` of `dict`s, `Batches` of Arrow.

The run waits for who iterates; a few blocks are in memory at a time. What it keeps of
rejects and the like goes with the stream, unless `run_dir` says where it shall stay.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Generator, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from wrasse import runs
from wrasse.lazy import need
from wrasse.results import RunResult

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")


class Stream(Generic[T]):
    """What comes out of a run. An iterator, and a context that ends the run.

    `result`: how the run went, when all was read. A stream that is closed before that
    ends the run, and has none.
    """

    def __init__(self, recipe: Any, overrides: Mapping[str, Any], rows: runs.Rows) -> None:
        self.result: RunResult | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        how = dict(overrides)
        if how.get("run_dir") is None:
            self._folder = tempfile.TemporaryDirectory(prefix="wrasse-")
            how["run_dir"] = self._folder.name
        try:
            self._handle = runs.RunHandle._start(
                recipe, {"html": False, **how}, in_terminal=False, rows=rows
            )
        except BaseException:
            self._clear()
            raise
        self._items = self._read()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return next(self._items)

    def snapshot(self) -> Any:
        """Where the run stands, see `RunHandle.snapshot`."""
        return self._handle.snapshot()

    def close(self) -> None:
        """Ends the run, if it still goes on. What was not read is lost."""
        # One that was never asked for anything has not begun, and ends nothing.
        self._items.close()
        self._handle._run.close_rows()
        self._handle._stop()
        self._clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_items"):
            self.close()

    def _decode(self, block: bytes) -> Iterator[T]:
        raise NotImplementedError

    def _read(self) -> Generator[T, None, None]:
        try:
            # No bytes are the end; without a block in time, Python looks after its signals.
            while (block := self._handle._run.next_rows(runs._LOOK_EVERY_S)) != b"":
                if block is not None:
                    yield from self._decode(block)
            self.result = self._handle.wait()
            self._tell()
        finally:
            self._handle._run.close_rows()
            self._handle._stop()
            self._clear()

    def _tell(self) -> None:
        assert self.result is not None
        rejected = self.result.rows.rejected
        if rejected and self._folder is not None:
            warnings.warn(
                f"{rejected} sample{'s were' if rejected > 1 else ' was'} rejected; "
                "`run_dir=...` keeps what is rejected with its cause",
                stacklevel=4,
            )

    def _clear(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()


class RowStream(Stream[dict[str, Any]]):
    """Rows as `dict`s, as they would be written to JSONL."""

    def __init__(
        self, recipe: Any, overrides: Mapping[str, Any], rows: runs.Rows = "lines"
    ) -> None:
        super().__init__(recipe, overrides, rows)

    def _decode(self, block: bytes) -> Iterator[dict[str, Any]]:
        # Not `splitlines`, which cuts at more than line ends.
        return map(json.loads, block.split(b"\n")[:-1])


class Batches(Stream["pa.RecordBatch"]):
    """Rows as Arrow batches; see `Dataset.iter_batches`."""

    def __init__(self, recipe: Any, overrides: Mapping[str, Any]) -> None:
        self._arrow = need("pyarrow", "`iter_batches`")
        super().__init__(recipe, overrides, "arrow")

    def _decode(self, block: bytes) -> Iterator[pa.RecordBatch]:
        yield from self._arrow.ipc.open_stream(block)
