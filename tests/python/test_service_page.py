"""The page of the service, in a real browser.

Screenshots go to `$SCREENSHOTS`, or to `artifacts/screenshots`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Page, browser, find_browser
from conftest import ROOT
from service import TOKEN, Service, serve
from test_pages import ATTACK, CONTRAST

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="NO BROWSER: the page of the service was not opened in one (Debian: apt install chromium)",
)

RECIPE = """dataset_path: rows.jsonl
export_path: out.jsonl
process:
  - whitespace_normalization_mapper:
  - text_length_filter:
      min_len: 20
  - document_deduplicator:
"""


@pytest.fixture(scope="module")
def service(wrasse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("page")
    with (folder / "rows.jsonl").open("w") as file:
        for i in range(2_000):
            file.write(json.dumps({"text": f"row {i} " + "of the tide " * (i % 7)}) + "\n")
        file.write(f"not json {ATTACK}\n")
    with serve(wrasse, folder, "--grace", "1") as service:
        yield service


@pytest.fixture(scope="module")
def tab(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = find_browser()
    assert program
    with browser(program, tmp_path_factory.mktemp("profile")) as page:
        page.call("Emulation.setDeviceMetricsOverride", width=1100, height=900,
                  deviceScaleFactor=1, mobile=False)
        # The token is asked for, and kept for the tab.
        page.go(f"http://127.0.0.1:{service.port}/")
        page.until("document.getElementById('token-dialog').open")
        page.value(f"document.getElementById('token').value = {json.dumps(TOKEN)}")
        page.value("document.querySelector('#token-form button').click()")
        page.until("document.getElementById('counts').textContent.includes('running')")
        yield page


def show(tab: Page, service: Service, place: str = "") -> None:
    # A new document each time: its complaints are its own.
    tab.go("about:blank")
    tab.go(f"http://127.0.0.1:{service.port}/{place}")


def screenshot(tab: Page, name: str) -> None:
    folder = Path(os.environ.get("SCREENSHOTS", ROOT / "artifacts" / "screenshots"))
    tab.screenshot(folder / f"{name}.png")


def assert_quiet(tab: Page, service: Service) -> None:
    """Nothing was fetched from elsewhere, run that was not ours, or complained of."""
    for complaint in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
        assert tab.seen(complaint) == [], tab.seen(complaint)
    own = f"http://127.0.0.1:{service.port}/"
    asked = [event["request"]["url"] for event in tab.seen("Network.requestWillBeSent")]
    assert asked and all(url.startswith((own, "data:")) for url in asked), asked
    assert tab.value("typeof window.pwned") == "undefined"


def text(tab: Page, selector: str) -> str:
    return tab.value(f"document.querySelector({json.dumps(selector)})?.innerText || ''")


def test_a_run_is_checked_submitted_and_watched(tab: Page, service: Service) -> None:
    show(tab, service)
    tab.until("document.querySelector('#jobs tr')")
    tab.value("document.getElementById('new').click()")
    tab.value("document.getElementById('recipe').value = 'process:\\n  - no_such_filter:\\n'")
    tab.value("document.getElementById('check').click()")
    tab.until("document.getElementById('findings').textContent.includes('error')")
    screenshot(tab, "submit")
    tab.value(f"document.getElementById('recipe').value = {json.dumps(RECIPE)}")
    tab.value("document.getElementById('check').click()")
    tab.until("document.getElementById('findings').textContent.includes('no errors')")
    tab.value(f"document.getElementById('title').value = {json.dumps(ATTACK)}")
    tab.value("document.getElementById('submit').click()")
    tab.until("location.hash.startsWith('#job/')")
    tab.until("document.querySelector('#head h2 .completed')")
    tab.until("document.querySelectorAll('.pipeline li').length >= 2")
    tab.until("document.querySelector('#rejects pre')")
    assert ATTACK in text(tab, "#head")
    assert "text_length_filter" in text(tab, "#live") and "document_deduplicator" in text(tab, "#live")
    assert "2,000" in text(tab, "#accounting")
    assert "not json" in text(tab, "#rejects")
    tab.until("document.getElementById('log-text').textContent.length > 0")
    assert_quiet(tab, service)
    screenshot(tab, "run")


def test_a_job_is_cancelled_with_the_keyboard(tab: Page, service: Service) -> None:
    job = service.submit({"kind": "command", "argv": ["sh", "-c", "echo begun; sleep 999"]})
    show(tab, service)
    tab.until(f"document.querySelector('tr[data-id={job}] .running')")
    for _ in range(40):
        tab.press("Tab")
        if tab.value("document.activeElement.hash") == f"#job/{job}":
            break
    assert tab.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.press("Enter")
    tab.until("document.getElementById('log-text')?.textContent.includes('begun')")
    for _ in range(40):
        tab.press("Tab")
        if tab.value("document.activeElement.id") == "cancel":
            break
    tab.press("Enter")
    tab.until("document.querySelector('#head h2 .cancelled')")
    assert service.wait(job)["state"] == "cancelled"
    assert_quiet(tab, service)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(tab: Page, service: Service, scheme: str) -> None:
    done = service.wait(service.submit({"kind": "run", "recipe": RECIPE.replace("out.", f"{scheme}.")}))
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    for place, is_there in [("", "document.querySelector('#jobs a')"),
                            (f"#job/{done['id']}", "document.querySelector('.pipeline li')")]:
        show(tab, service, place)
        tab.until(is_there)
        screenshot(tab, f"{'job' if place else 'jobs'}-{scheme}")
        contrast = tab.value(CONTRAST)
        assert contrast["n"] > 10 and contrast["least"] >= 4.5, (place, contrast)
    back = tab.value("getComputedStyle(document.body).backgroundColor")
    bright = sum(map(int, back.removeprefix("rgb(").removesuffix(")").split(",")))
    assert (bright > 600) == (scheme == "light"), back


def test_a_narrow_screen_shows_all(tab: Page, service: Service) -> None:
    tab.call("Emulation.setDeviceMetricsOverride", width=360, height=640, deviceScaleFactor=1,
             mobile=False)
    show(tab, service)
    tab.until("document.querySelector('#jobs a')")
    assert tab.value("document.documentElement.scrollWidth") <= 360
    screenshot(tab, "narrow")
