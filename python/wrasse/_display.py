"""Progress of a run in the foreground: in a terminal the engine's own, in a notebook HTML."""

from __future__ import annotations

import html
import sys
from typing import Any

from wrasse.results import Snapshot


class Display:
    """Shows nothing."""

    is_terminal = False

    @staticmethod
    def wanted(progress: bool | None) -> Display:
        """How to show progress here, if it is wanted; `None` for where somebody looks."""
        if progress is False:
            return Display()
        if _in_notebook():
            return _Notebook()
        if progress or sys.stderr.isatty():
            return _Terminal()
        return Display()

    def say(self, text: str) -> None:
        """Says something once."""

    def update(self, snapshot: Snapshot) -> None:
        """Shows where the run stands."""

    def end(self) -> None:
        """The run is over."""


class _Terminal(Display):
    is_terminal = True

    def say(self, text: str) -> None:
        print(text, file=sys.stderr)


class _Notebook(Display):
    """A bar that is replaced, as any front end can show it."""

    def __init__(self) -> None:
        from IPython.display import HTML, display

        self._html = HTML
        self._last: Snapshot | None = None
        self._handle: Any = display(HTML(""), display_id=True)

    def say(self, text: str) -> None:
        from IPython.display import display

        display(self._html(f"<pre>{html.escape(text)}</pre>"))

    def update(self, snapshot: Snapshot) -> None:
        self._last = snapshot
        self._handle.update(self._html(bar(snapshot)))

    def end(self) -> None:
        # The result says it all.
        self._handle.update(self._html(""))


def bar(snapshot: Snapshot) -> str:
    """A snapshot as HTML."""
    rows = snapshot.rows
    value = "" if snapshot.share_done is None else f' value="{snapshot.share_done:.3f}"'
    share = "" if snapshot.share_done is None else f"{snapshot.share_done:.0%}, "
    return (
        f'<progress max="1"{value}></progress> {share}{snapshot.elapsed_s:.0f} s: '
        f"{rows.in_:,} in, {rows.out:,} out, {rows.dropped:,} dropped, "
        f"{rows.duplicates:,} duplicates, {rows.rejected:,} rejected"
    )


def _in_notebook() -> bool:
    # Imported by nobody else, IPython is not what runs this.
    ipython = sys.modules.get("IPython")
    shell = getattr(ipython, "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None
