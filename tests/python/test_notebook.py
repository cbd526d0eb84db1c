"""Runs in a notebook: a real kernel, spoken to as a front end does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

import wrasse

pytestmark = pytest.mark.usefixtures("engine")

PAGES = ROOT / "examples/web-text/pages.jsonl"
RECIPE = ROOT / "examples/web-text/recipe.yaml"
SECONDS = 120


class Notebook:
    """A kernel on this machine, and what its cells show."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client

    def interrupt(self) -> None:
        """What the square button of a front end does."""
        self._manager.interrupt_kernel()

    def cell(self, code: str, seen: Callable[[str], None] | None = None) -> list[tuple[str, str]]:
        """Runs a cell: the kinds of messages that it sent, with what they show as text.

        `seen` hears of each as it comes.
        """
        shown: list[tuple[str, str]] = []

        def hear(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind == "error":
                shown.append((kind, f"{content['ename']}: {content['evalue']}"))
            elif kind == "stream":
                shown.append((kind, content["text"]))
            elif "data" in content:
                data = content["data"]
                shown.append((kind, data.get("text/html", data["text/plain"])))
            else:
                return
            if seen:
                seen(shown[-1][1])

        self._client.execute_interactive(code, timeout=SECONDS, output_hook=hear)
        return shown


@pytest.fixture(scope="module")
def notebook() -> Iterator[Notebook]:
    manager = KernelManager(transport="ipc")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=SECONDS)
        it = Notebook(manager, client)
        said = it.cell(
            f"import sys; sys.path.insert(0, {str(ROOT / 'python')!r})\n"
            f"import wrasse; wrasse.__path__.append({str(wrasse.__path__[-1])!r})"
        )
        assert said == []
        yield it
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough pages for a run that can be watched and interrupted."""
    path = tmp_path_factory.mktemp("many") / "pages.jsonl"
    path.write_bytes(PAGES.read_bytes() * 60)
    return path


def run(many: Path, out: Path, more: str = "") -> str:
    return (
        f"result = wrasse.run({str(RECIPE)!r}, dataset_path={str(many)!r}, "
        f"export_path={str(out)!r}, threads=1{more})"
    )


def test_a_bar_grows_and_the_result_takes_its_place(
    notebook: Notebook, many: Path, tmp_path: Path
) -> None:
    shown = notebook.cell(run(many, tmp_path / "out.jsonl") + "\nresult")
    assert [kind for kind, _ in shown] == [
        "display_data",
        *["update_display_data"] * (len(shown) - 2),
        "execute_result",
    ]
    (_, empty), *bars, (_, removed), (_, result) = shown
    assert empty == removed == ""
    rows_in = []
    for _, bar in bars:
        found = re.match(r"<progress max=.*: ([\d,]+) in, [\d,]+ out, ", bar)
        assert found, bar
        rows_in.append(int(found[1].replace(",", "")))
    assert rows_in == sorted(rows_in) and rows_in[0] < rows_in[-1], rows_in
    assert "288 out" in result and result.startswith("<"), result


def test_the_stop_button_ends_a_run_in_good_order(
    notebook: Notebook, many: Path, tmp_path: Path
) -> None:
    pressed = []

    def press(text: str) -> None:
        if text.startswith("<progress") and not pressed:
            pressed.append(text)
            notebook.interrupt()

    shown = notebook.cell(run(many, tmp_path / "out.jsonl"), press)
    assert pressed and shown[-1][0] == "error" and "KeyboardInterrupt" in shown[-1][1], shown
    shown = notebook.cell(
        run(many, tmp_path / "out.jsonl", ", resume=True") + "\nresult.resumed, result.rows.out"
    )
    assert shown[-1] == ("execute_result", "(True, 288)"), shown
