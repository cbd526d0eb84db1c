"""What `cargo xtask bench python` runs: in a bare loop, and as operators of a recipe.

Each is a function of a row and one of a table, which do the same.
"""

from __future__ import annotations

import re
from typing import Any

import wrasse

Row = dict[str, Any]

_PATTERNS = [
    (re.compile(r"https?://\S+"), "<url>"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+"), "<email>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "<ip>"),
    (re.compile(r"[ \t]{2,}"), " "),
    (re.compile(r"\n{3,}"), "\n\n"),
]


def no_op(row: Row) -> Row:
    """The row."""
    return row


def five_regexes(row: Row) -> Row:
    """The row, its text through five regular expressions."""
    row["text"] = clean(row["text"])
    return row


def clean(text: str) -> str:
    """The text through five regular expressions."""
    for pattern, new in _PATTERNS:
        text = pattern.sub(new, text)
    return text


def no_op_batch(table: Any) -> Any:
    """The table."""
    return table


def five_regexes_batch(table: Any) -> Any:
    """The table, its texts through five regular expressions."""
    import pyarrow as pa

    at = table.column_names.index("text")
    texts = [clean(text) for text in table.column(at).to_pylist()]
    return table.set_column(at, "text", pa.array(texts, pa.string()))


def other_case_batch(table: Any) -> Any:
    """The table with texts of the same length that are others: all the text goes back."""
    import pyarrow.compute as pc

    at = table.column_names.index("text")
    return table.set_column(at, "text", pc.ascii_swapcase(table.column(at)))


class NoOp(wrasse.Mapper):
    """Gives the row back."""

    def map(self, row: Row) -> Row:
        return no_op(row)


class FiveRegexes(wrasse.Mapper):
    """Cleans the text."""

    def map(self, row: Row) -> Row:
        return five_regexes(row)


class NoOpBatch(wrasse.Mapper):
    """Gives the table back."""

    def map_batch(self, table: Any) -> Any:
        return no_op_batch(table)


class FiveRegexesBatch(wrasse.Mapper):
    """Cleans the texts of a table."""

    def map_batch(self, table: Any) -> Any:
        return five_regexes_batch(table)


class OtherCaseBatch(wrasse.Mapper):
    """Writes all texts anew."""

    def map_batch(self, table: Any) -> Any:
        return other_case_batch(table)
