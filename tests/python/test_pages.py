"""The pages that Wrasse writes, opened in a real browser.

Without one these tests are skipped, and `./test` says so at its end.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import Page, browser, find_browser

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="NO BROWSER: report.html was not opened in one (Debian: apt install chromium)",
)

RECIPE = """
dataset_path: rows.jsonl
export_path: out.jsonl
process:
  - clean_html_mapper:
  - whitespace_normalization_mapper:
  - text_length_filter:
      min_len: 12
      max_len: 300
  - alphanumeric_filter:
      min_ratio: 0.6
  - document_deduplicator:
"""

ATTACK = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'></pre></details>"


def rows() -> str:
    texts = [f"<p>tide number {i} of many</p> " + "over the harbor " * (i % 40) for i in range(400)]
    texts += ["too short", "!!! ??? ... ::: ---", "غروب الشمس في الميناء", "港口的潮水很低" * 3]
    texts += [f"a text with an attack {ATTACK} in it", f"tiny {ATTACK}", ATTACK]
    texts += ["one line of which there are two"] * 2 + ["\u202e\u0000 controls \u200b"]
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


@pytest.fixture(scope="module")
def pages(wrasse: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "rows.jsonl").write_text(rows())
    (folder / "recipe.yaml").write_text(RECIPE)
    for command in ("run", "analyze"):
        subprocess.run(
            [wrasse, command, "recipe.yaml", "--quiet"], cwd=folder, check=True, timeout=120
        )
    return {
        "run": folder / "out.wrasse" / "report.html",
        "analyze": folder / "out.analysis" / "report.html",
    }


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = find_browser()
    assert program
    with browser(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(params=["run", "analyze"])
def page(request: pytest.FixtureRequest, pages: dict[str, Path], tab: Page) -> Page:
    tab.call("Emulation.setDeviceMetricsOverride", width=1000, height=800, deviceScaleFactor=1,
             mobile=False)
    tab.open(pages[request.param])
    return tab


def test_nothing_is_fetched_run_or_complained_of(page: Page) -> None:
    asked = [event["request"]["url"] for event in page.seen("Network.requestWillBeSent")]
    assert len(asked) == 1 and asked[0].startswith("file:"), asked
    assert page.value("typeof window.pwned") == "undefined"
    assert page.value("document.images.length + document.scripts.length") == 0
    for complaint in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
        assert page.seen(complaint) == []


def test_the_whole_page_is_there(page: Page) -> None:
    # A tag that is closed too early or never shows in the tree that the browser made.
    assert page.value("document.querySelectorAll('main > h2[id^=step-]').length") >= 2
    assert page.value("document.querySelectorAll('body > :not(a.skip):not(main)').length") == 0
    assert page.value("document.querySelectorAll('main > details > pre').length") >= 3
    assert page.value(
        "[...document.querySelectorAll('pre')].some(e => e.textContent.includes('<script>'))"
    )
    links = "[...document.querySelectorAll('a[href^=\"#\"]')]"
    assert page.value(f"{links}.length") >= 3
    assert page.value(f"{links}.every(e => document.querySelector(e.getAttribute('href')))")


def test_charts_are_drawn_within_their_frames(page: Page) -> None:
    shapes = page.value(
        """[...document.querySelectorAll('svg')].map(svg => {
            const frame = svg.viewBox.baseVal;
            const boxes = [...svg.querySelectorAll('rect, path, text')].map(e => e.getBBox());
            return {
                n: boxes.length,
                tall: Math.max(...boxes.map(b => b.height)),
                within: boxes.every(b => b.x >= -1 && b.y >= -1 && b.x + b.width <= frame.width + 1
                    && b.y + b.height <= frame.height + 1),
                name: svg.getAttribute('role') == 'img' && svg.getAttribute('aria-label') != '',
            };
        })"""
    )
    assert len(shapes) >= 2
    for shape in shapes:
        assert shape["n"] >= 3 and shape["tall"] > 5, shape
        assert shape["within"] and shape["name"], shape


def test_the_keyboard_opens_what_is_folded(page: Page) -> None:
    for _ in range(100):
        page.press("Tab")
        if page.value("document.activeElement.tagName") == "SUMMARY":
            break
    opened = "document.activeElement.parentElement.open"
    assert page.value(opened) is False
    assert page.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    hidden = "document.activeElement.parentElement.querySelector('pre').checkVisibility()"
    assert page.value(hidden) is False
    page.press("Enter")
    assert page.value(opened) is True
    assert page.value(hidden) is True


# The relative luminance of WCAG 2, and by it the least contrast of texts with what is
# behind them.
CONTRAST = """(() => {
    const parse = c => c.match(/[0-9.]+/g).map(Number);
    const light = c => c.slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = e => {
        for (; e; e = e.parentElement) {
            const c = parse(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c;
        }
    };
    const ratios = [...document.querySelectorAll(
        'p, a:not(.skip), td, th, caption, summary, summary span, pre, ins, del, svg text')].map(e => {
        const style = getComputedStyle(e);
        const color = parse(e.ownerSVGElement ? style.fill : style.color);
        const [a, b] = [light(color), light(behind(e))].sort((a, b) => b - a);
        return (a + 0.05) / (b + 0.05);
    });
    return {n: ratios.length, least: Math.min(...ratios)};
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_in_light_and_dark(page: Page, scheme: str) -> None:
    page.call(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-color-scheme", "value": scheme}],
    )
    back = page.value("getComputedStyle(document.body).backgroundColor")
    bright = sum(map(int, back.removeprefix("rgb(").removesuffix(")").split(",")))
    assert (bright > 600) == (scheme == "light"), back
    contrast = page.value(CONTRAST)
    assert contrast["n"] > 30
    # What WCAG 2 asks of small text, level AA.
    assert contrast["least"] >= 4.5, contrast


def test_a_narrow_screen_shows_all(page: Page) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=360, height=640, deviceScaleFactor=1,
              mobile=False)
    page.value("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert page.value("document.documentElement.scrollWidth") <= 360
