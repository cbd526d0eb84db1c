"""`LLM`: a mapper that asks a language model about each row."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, ClassVar

from wrasse.errors import ParameterError
from wrasse.operators.base import Kind
from wrasse.outcome import Failed, Kept, Outcome, Row
from wrasse.sdk import CAUGHT, Mapper, as_row
from wrasse.values import Range

Messages = list[dict[str, Any]]


class LLM(Mapper):
    """Asks a model about each row. Write `prompt`, and `parse` if the answer is not a field.

    `url`: of chat completions, such as `http://127.0.0.1:8000/v1/chat/completions`.
    `model`: its name there. `answer_field`: where the answer goes; `answer` by
    default. `api_key_env`: the environment variable that holds the key; none by
    default. `options`: more of the request's body, such as `temperature`.
    `timeout_s` and `attempts`: of each request; 120 and 4. `concurrency`: how many
    rows of a batch are asked about at once; 8. Both methods are therefore called
    from several threads.
    """

    kind: ClassVar[Kind] = "llm"
    _row_form, _batch_form = "prompt", ""

    url: str
    model: str
    answer_field: str = "answer"
    api_key_env: str | None = None
    options: dict[str, Any] = {}  # noqa: RUF012 (a default is copied for each operator)
    timeout_s: Annotated[float, Range(0.001, 86_400)] = 120.0
    attempts: Annotated[int, Range(1, 100)] = 4
    concurrency: Annotated[int, Range(1, 1024)] = 8

    def prompt(self, row: Row) -> str | Messages:
        """The question: a text, or messages with `role` and `content`."""
        raise NotImplementedError

    def parse(self, row: Row, answer: str) -> Row:
        """The row with what was learned; by default the answer in `answer_field`."""
        row[self.answer_field] = answer
        return row

    def setup(self) -> None:
        """Prepares the client; a class that overrides this calls it."""
        headers = {}
        if self.api_key_env is not None:
            key = os.environ.get(self.api_key_env)
            if not key:
                problem = f"`api_key_env`: the variable `{self.api_key_env}` is not set"
                raise ParameterError(self.name, [problem])
            headers["Authorization"] = f"Bearer {key}"
        # Here: it imports much, and most workers ask no model.
        from wrasse.chat import ChatClient

        self.client = ChatClient(self.url, headers, self.timeout_s, self.attempts)

    def map(self, row: Row) -> Row:
        """Asks about one row."""
        asked = self.prompt(row)
        messages = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
        body = {**self.options, "model": self.model, "messages": messages}
        return as_row(self.parse(row, self.client.ask(body)), "parse")

    def _apply_rows(self, rows: list[Row]) -> list[Outcome]:
        if len(rows) <= 1 or self.concurrency == 1:
            return [self._one(row) for row in rows]
        # A pool for each batch: its threads end before the batch is handed back.
        with ThreadPoolExecutor(min(self.concurrency, len(rows))) as pool:
            outcomes: Iterable[Outcome] = pool.map(self._one, rows)
            return list(outcomes)

    def _one(self, row: Row) -> Outcome:
        try:
            return Kept(self.map(row))
        except CAUGHT as error:
            return Failed.of(error)
