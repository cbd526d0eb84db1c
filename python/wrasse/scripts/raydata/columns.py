"""Steps on columns, in workers: add, drop, select, rename, cast, and filters by expression."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from wrasse.scripts.raydata import batches
from wrasse.scripts.raydata.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class AddColumn(Step):
    """`Dataset.add_column`."""

    column: str
    form: str

    def __call__(self, table: pa.Table) -> pa.Table:
        batch = batches.to_format(table, self.form)
        made = self.called(batch)
        if self.form == "pandas":
            import pandas as pd

            if isinstance(made, pd.DataFrame | pd.Index | pd.Series):
                made.index = batch.index
            batch.loc[:, self.column] = made
        elif self.form == "pyarrow":
            at = batch.schema.get_field_index(self.column)
            if at < 0:
                batch = batch.append_column(self.column, made)
            else:
                batch = batch.set_column(at, self.column, made)
        else:
            batch[self.column] = made
        return batches.joined(list(batches.tables_of(batch)))


class Columns:
    """`drop_columns`, `select_columns` and `rename_columns`."""

    def __init__(self, what: str, names: Sequence[str] | dict[str, str]) -> None:
        self.what, self.names = what, names
        self.__name__ = f"{what}_columns"

    def __call__(self, table: pa.Table) -> pa.Table:
        missing = [one for one in self.names if one not in table.column_names]
        if missing:
            raise KeyError(f"there is no column {', '.join(map(repr, missing))}")
        if self.what == "drop":
            return table.drop_columns(list(self.names))
        if self.what == "select":
            return table.select(list(self.names))
        assert isinstance(self.names, dict)
        return table.rename_columns([self.names.get(one, one) for one in table.column_names])


class CastText:
    """Columns of a CSV file to the types that Arrow's reader finds in it."""

    def __init__(self, types: dict[str, str], nulls: list[str], trues: list[str]) -> None:
        self.types, self.nulls, self.trues = types, nulls, trues
        self.__name__ = "csv_types"

    def __call__(self, table: pa.Table) -> pa.Table:
        for name, kind in self.types.items():
            at = table.schema.get_field_index(name)
            if at < 0:
                continue
            texts = table.column(at).cast(pa.string())
            if kind == "string":
                made = pc.fill_null(texts, "")
            else:
                is_null = pc.fill_null(pc.is_in(texts, pa.array(self.nulls)), True)
                some = pc.if_else(is_null, pa.scalar(None, pa.string()), texts)
                made = self._cast(some, kind)
            table = table.set_column(at, name, made)
        return table

    def _cast(self, texts: pa.ChunkedArray, kind: str) -> Any:
        if kind == "null":
            return pa.nulls(len(texts))
        if kind == "bool":
            is_true = pc.is_in(texts, pa.array(self.trues))
            return pc.if_else(pc.is_null(texts), pa.scalar(None, pa.bool_()), is_true)
        return pc.cast(pc.utf8_trim_whitespace(texts), kind)


class WidenFloats:
    """Columns of 32-bit numbers of a Parquet file to the 64-bit ones that Python has.

    A run reads 0.1 as it is written; Python has what the 32 bits are.
    """

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.__name__ = "parquet_floats"

    def __call__(self, table: pa.Table) -> pa.Table:
        for name in self.names:
            at = table.schema.get_field_index(name)
            if at >= 0:
                made = table.column(at).cast(pa.float32()).cast(pa.float64())
                table = table.set_column(at, name, made)
        return table


class KeepWhere:
    """`Dataset.filter(expr=...)`: comparisons with `and`, `or`, `not` and `in`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.__name__ = "filter_expr"
        expression(text)

    def __call__(self, table: pa.Table) -> list[bool]:
        numbered = table.append_column("", pa.array(range(table.num_rows), pa.int64()))
        kept = set(numbered.filter(expression(self.text)).column("").to_pylist())
        return [number in kept for number in range(table.num_rows)]


_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.In: lambda a, b: a.isin(b),
    ast.NotIn: lambda a, b: ~a.isin(b),
}


def expression(text: str) -> pc.Expression:
    """An expression of Python's form as Arrow's; raises `ValueError` for what it cannot be."""
    return _of(ast.parse(text, mode="eval").body, text)


def _of(node: ast.expr, text: str) -> Any:
    match node:
        case ast.BoolOp(op, values):
            made = _of(values[0], text)
            for one in values[1:]:
                other = _of(one, text)
                made = made & other if isinstance(op, ast.And) else made | other
            return made
        case ast.UnaryOp(ast.Not(), operand):
            return ~_of(operand, text)
        case ast.Compare(left, [op], [right]) if type(op) in _COMPARED:
            if isinstance(op, ast.In | ast.NotIn):
                return _COMPARED[type(op)](_of(left, text), ast.literal_eval(right))
            return _COMPARED[type(op)](_of(left, text), _of(right, text))
        case ast.Name(name):
            return pc.field(name)
        case ast.Constant(value):
            return pc.scalar(value)
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)):
            return pc.scalar(-value)
        case _:
            raise ValueError(f"`{ast.unparse(node)}` in `{text}`")
