"""`SQLManager`: a database for operators that compare a file with all earlier ones.

A file of SQLite (`Settings.sql_path`), or one in memory; PostgreSQL, by SQLAlchemy,
if the environment has `PG_HOST`, with `PG_PORT`, `PG_USER`, `PG_PASSWORD` and
`PG_DATABASE` as in the original.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from wrasse.compat.settings import current
from wrasse.lazy import need

# How long to wait for another worker that writes.
_LOCK_SECONDS = 60.0


class Connection:
    """A connection to SQLite with what operators use of SQLAlchemy's.

    Statements are those of PostgreSQL, as strings or as SQLAlchemy's `text`; each is
    committed at once.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(
        self, statement: Any, parameters: Mapping[str, Any] | Sequence[Any] | None = None
    ) -> sqlite3.Cursor:
        """Runs a statement, or, with a list of parameters, one for each of them.

        The result has `fetchone`, `fetchall` and `rowcount`, and can be iterated.
        Raises `sqlite3.Error`.
        """
        sql = _for_sqlite(str(statement))
        if isinstance(parameters, list):
            return self._connection.executemany(sql, parameters)
        return self._connection.execute(sql, parameters or {})

    def commit(self) -> None:
        """Does nothing: every statement is committed."""

    def rollback(self) -> None:
        """Does nothing: every statement is committed."""

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class SQLManager:
    """Connections."""

    _lock = threading.Lock()
    _engine: Any = None
    # A database in memory lasts as long as one connection to it.
    _keeper: sqlite3.Connection | None = None

    @classmethod
    def create_connect(cls, max_retries: int = 5, base_delay: float = 1) -> Any:
        """A new connection, to be used in a `with`. The parameters are the original's."""
        if os.environ.get("PG_HOST"):
            return cls._postgres().connect()
        path = current().sql_path
        if path is not None:
            return Connection(_open(str(path), uri=False))
        name = f"file:wrasse-{os.getpid()}?mode=memory&cache=shared"
        with cls._lock:
            if cls._keeper is None:
                cls._keeper = _open(name, uri=True)
        return Connection(_open(name, uri=True))

    @classmethod
    def _postgres(cls) -> Any:
        with cls._lock:
            if cls._engine is None:
                sqlalchemy = need("sqlalchemy", "a PostgreSQL database (`PG_HOST` is set)")
                url = sqlalchemy.engine.URL.create(
                    "postgresql+psycopg2",
                    username=os.environ.get("PG_USER", "postgres"),
                    password=os.environ.get("PG_PASSWORD", "password"),
                    host=os.environ["PG_HOST"],
                    port=int(os.environ.get("PG_PORT", "5432")),
                    database=os.environ.get("PG_DATABASE", "datamate"),
                )
                cls._engine = sqlalchemy.create_engine(
                    url, pool_pre_ping=True, isolation_level="AUTOCOMMIT"
                )
            return cls._engine


def _open(database: str, *, uri: bool) -> sqlite3.Connection:
    # Without an isolation level every statement is committed at once.
    return sqlite3.connect(
        database, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False, uri=uri
    )


_SERIAL = re.compile(r"\b(?:BIG)?SERIAL(?:\s+PRIMARY\s+KEY)?", re.IGNORECASE)
_BYTES = re.compile(r"\bBYTEA\b", re.IGNORECASE)
_PARAMETER = re.compile(r"%\((\w+)\)s")


def _for_sqlite(sql: str) -> str:
    sql = _SERIAL.sub("INTEGER PRIMARY KEY AUTOINCREMENT", sql)
    return _PARAMETER.sub(r":\1", _BYTES.sub("BLOB", sql))
