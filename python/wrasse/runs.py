"""Runs of recipes: `run`, `start`, `check` and `explain`.

A recipe is a path, YAML text, a mapping, or a dataset. Keywords say how it runs: the flags
of `wrasse run`, such as `threads`, `memory`, `limit`, `max_rejects`, `trace_dropped`,
`run_dir`, `resume`, `restart`, `overwrite`, `backend`, and `html=False`; or they replace
keys of the recipe (`export_path`, `dataset_path`, ...), of which
`set={"process.text_length_filter.min_len": 50}` reaches any value.
"""

from __future__ import annotations

import atexit
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from wrasse import _call, _display
from wrasse.errors import Finding
from wrasse.results import RunResult, Snapshot

Rows = Literal["lines", "arrow", "nothing"]

# So often Python looks after its signals: a Ctrl-C is felt at once.
_LOOK_EVERY_S = 0.1

# A run that was asked to end does so after the blocks at hand.
_ENDS_WITHIN_S = 60.0


def run(recipe: Any, *, progress: bool | None = None, **overrides: Any) -> RunResult:
    """Runs a recipe to its end; returns the accounting, the parts and the report.

    `progress`: whether to show it; by default in terminals and notebooks. All else:
    see `wrasse.runs`.

    Ctrl-C ends the run in good order; with `resume=True` the same call goes on.

    Raises `RecipeError` with line and column, `UsageError` if it cannot begin as asked,
    `RunFailed` if it cannot go on, `TooManyRejects` and `DamagedInput` with the result.

    >>> result = run(
    ...     "examples/web-text/recipe.yaml", export_path=tmp / "clean.jsonl", progress=False
    ... )
    >>> result
    <RunResult: 377 in, 288 out, 47 dropped, 38 duplicates, 4 rejected>
    >>> result.parts[0].rows
    288
    """
    show = _display.Display.wanted(progress)
    handle = RunHandle._start(recipe, overrides, in_terminal=show.is_terminal)
    return _finish(handle, show)


def start(recipe: Any, **overrides: Any) -> RunHandle:
    """Starts a run and returns at once; for `overrides` see `wrasse.runs`.

    A program that ends before the run does ends the run, which then can be resumed.

    Raises `RecipeError` and `UsageError` as `run`.

    >>> with start("examples/web-text/recipe.yaml", export_path=tmp / "more.jsonl") as handle:
    ...     for snapshot in handle:
    ...         assert snapshot.rows.in_ <= 377
    ...     handle.wait().complete
    True
    """
    return RunHandle._start(recipe, overrides, in_terminal=False)


def check(recipe: Any, **overrides: Any) -> list[Finding]:
    """All that is to be said of a recipe: errors and warnings, each with its place.

    Raises `UsageError` if there is no such recipe.

    >>> for finding in check("dataset_path: pages.jsonl\\nprocess:\\n  - text_lenght_filter\\n"):
    ...     print(finding)
    recipe.yaml:3:5: error: unknown operator `text_lenght_filter`
        - text_lenght_filter
          ^^^^^^^^^^^^^^^^^^
    hint: did you mean `text_length_filter`? `wrasse ops` lists all
    """
    name, text = _call.recipe_words(recipe)
    args = ["check", name, *_call.override_words(overrides)]
    found = _call.asked(lambda: _call.engine().check(args, text))
    return [Finding(**one) for one in json.loads(found)]


def explain(recipe: Any, **overrides: Any) -> str:
    """How a recipe would run: its input, splits, stages and memory. Writes nothing.

    Raises `RecipeError` and `UsageError` as `run`.

    >>> print(explain("examples/web-text/recipe.yaml", threads=2).splitlines()[0])
    input    1 file(s), 790 KiB, 1 split(s) of about 64.0 MiB
    """
    name, text = _call.recipe_words(recipe)
    args = ["explain", name, *_call.override_words(overrides)]
    return str(_call.asked(lambda: _call.engine().explain(args, text)))


def catalog() -> list[dict[str, Any]]:
    """The operators of the engine, each with name, kind, summary, parameters and examples.

    >>> [one["kind"] for one in catalog() if one["name"] == "text_length_filter"]
    ['filter']
    """
    operators: list[dict[str, Any]] = json.loads(_call.engine().operators())
    return operators


class RunHandle:
    """A run that goes on beside the program.

    Iteration gives snapshots until it is over. As a context, it is cancelled when the
    block ends before it does.
    """

    def __init__(self, engine_run: Any) -> None:
        self._run = engine_run
        self._result: RunResult | None = None
        _going_on.difference_update([one for one in _going_on if one.done])
        _going_on.add(self)

    @classmethod
    def _start(
        cls,
        recipe: Any,
        overrides: Mapping[str, Any],
        *,
        in_terminal: bool,
        rows: Rows | None = None,
    ) -> RunHandle:
        if hasattr(recipe, "_place_functions"):
            recipe, overrides = recipe._place_functions(dict(overrides))
        name, text = _call.recipe_words(recipe)
        args = ["run", name, *_call.override_words(overrides)]
        args += [] if in_terminal else ["--quiet"]
        return cls(_call.asked(lambda: _call.engine().Run(args, text, rows)))

    @property
    def warnings(self) -> list[Finding]:
        """What is to be said of its recipe."""
        return [Finding(**one) for one in json.loads(self._run.warnings())]

    @property
    def done(self) -> bool:
        """Whether it is over, however it ended."""
        return bool(self._run.wait(0))

    def snapshot(self) -> Snapshot | None:
        """Where it stands; `None` before it has begun."""
        return _snapshot(self._run.snapshot(0, 0)[1])

    def progress(self) -> float | None:
        """The share of the input that is done, from 0 to 1; `None` if that is not known."""
        if self._result is not None and self._result.complete:
            return 1.0
        snapshot = self.snapshot()
        return None if snapshot is None else snapshot.share_done

    def cancel(self) -> None:
        """Asks it to end, in good order and soon. It then can be resumed."""
        self._run.cancel()

    def wait(self, timeout: float | None = None) -> RunResult:
        """Waits for its end, at most so many seconds; by default without limit.

        Of a run that was cancelled, `complete` is false. Raises `TimeoutError` if it still
        runs, and what `run` raises if it failed.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._run.wait(_until(deadline)):
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"the run still goes on after {timeout} s")
        return self._end()

    def __iter__(self) -> Iterator[Snapshot]:
        n_seen = 0
        while not self.done:
            n_now, last = self._run.snapshot(n_seen, _LOOK_EVERY_S)
            snapshot = _snapshot(last)
            if n_now > n_seen and snapshot is not None:
                yield snapshot
            n_seen = n_now

    def __enter__(self) -> RunHandle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        """Ends it if it still runs, and waits for that."""
        if not self.done:
            self.cancel()
            deadline = time.monotonic() + _ENDS_WITHIN_S
            while not self._run.wait(_LOOK_EVERY_S) and time.monotonic() < deadline:
                pass

    def _end(self) -> RunResult:
        if self._result is None:
            outcome = _call.asked(self._run.outcome)
            self._result = _call.result_of(json.loads(outcome))
        return self._result

    def __repr__(self) -> str:
        return f"<RunHandle: {'done' if self.done else self.snapshot()}>"


# Those that nobody holds any more go on too.
_going_on: set[RunHandle] = set()


@atexit.register
def _stop_all() -> None:
    # What the last commits hold can be resumed; what comes after them would be lost.
    for handle in list(_going_on):
        handle._stop()


def _finish(handle: RunHandle, show: _display.Display) -> RunResult:
    """Waits for the end of a run in the foreground, with its progress shown."""
    try:
        for warning in handle.warnings:
            show.say(warning.text)
        for snapshot in handle:
            show.update(snapshot)
        result = handle.wait()
    except KeyboardInterrupt as interrupt:
        handle.cancel()
        with _no_second_interrupt(handle):
            handle._stop()
        interrupt.add_note("the run ended in good order; with `resume=True` it goes on")
        raise
    finally:
        show.end()
    return result


class _no_second_interrupt:
    """A second Ctrl-C while a run ends leaves it to itself."""

    def __init__(self, handle: RunHandle) -> None:
        self.handle = handle

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            print("the run still ends; nothing waits for it", file=sys.stderr)
            return True
        return False


def _until(deadline: float | None) -> float:
    if deadline is None:
        return _LOOK_EVERY_S
    return max(0.0, min(_LOOK_EVERY_S, deadline - time.monotonic()))


def _snapshot(text: str | None) -> Snapshot | None:
    return None if text is None else Snapshot(json.loads(text))


def _default_run_dir(export_path: str, name: str) -> Path:
    """Where the engine keeps a run unless it is told: beside the output."""
    if export_path == "-" or "://" in export_path:
        return Path(f"{name}.wrasse")
    path = Path(export_path.rstrip("/"))
    stem = path.name.partition(".")[0] or path.name
    return path.with_name(f"{stem}.wrasse")
