#!/usr/bin/env python3
"""Builds pages.jsonl from the prose in source/ and a seeded dose of dirt.

    python3 make.py            writes pages.jsonl
    python3 make.py --check    says whether pages.jsonl is current (exit code 1 if not)

Standard library only. Every page draws from a generator seeded by its own id, so
that a change of one text leaves the other rows alone; only `random()` is used,
since it alone is promised to stay the same between versions of Python.
"""

import functools
import json
import re
import sys
from pathlib import Path

from debris import code_pages, dumps, repeats, shorts, symbols, tables
from dirt import HOSTS, Dice, address, crlf, curly, date, exotic_spaces, ip, mojibake

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
OUTPUT = HERE / "pages.jsonl"

CHROME = json.loads((SOURCE / "chrome.json").read_text(encoding="utf-8"))
SPACELESS = {"zh", "zh-Hant", "ja"}


# --- The sources ---------------------------------------------------------------------


class Article:
    """A text by hand: language, short name, title, blocks (a paragraph or a list)."""

    def __init__(self, lang, slug, title, blocks):
        self.lang, self.slug, self.title, self.blocks = lang, slug, title, blocks

    @property
    def id(self):
        return f"{self.lang}/{self.slug}"


def sections(path):
    """The `## heading` sections of a file: (heading, body)."""
    for section in re.split(r"(?m)^## ", path.read_text(encoding="utf-8"))[1:]:
        heading, body = section.split("\n", 1)
        yield heading.strip(), body.strip()


@functools.cache
def articles():
    """The long texts, by language and in the order of their files."""
    found = []
    for path in sorted(SOURCE.glob("*.md")):
        if path.stem in ("notices", "comments"):
            continue
        for slug, body in sections(path):
            title, rest = body.split("\n", 1)
            found.append(Article(path.stem, slug, title, rest.strip().split("\n\n")))
    return found


def notices():
    """The short texts: one or two paragraphs."""
    for heading, body in sections(SOURCE / "notices.md"):
        lang, slug = heading.split(" ")
        title, text = body.split("\n", 1)
        yield Article(lang, slug, title, text.strip().split("\n\n"))


def comments():
    """What readers say: one remark a line, by language."""
    return {lang: body.split("\n") for lang, body in sections(SOURCE / "comments.md")}


# --- Pages ---------------------------------------------------------------------------


def url(article, dice, suffix=""):
    return f"https://{dice.pick(HOSTS)}/{article.lang.lower()}/{article.slug}{suffix}"


def plain(article, dice):
    """An article as text that somebody extracted carelessly."""
    words = CHROME[article.lang]
    top = [words["cookie"]] * dice.chance(0.45) + [words["nav"]] * dice.chance(0.5)
    lines = top + [article.title, f"{words['by']} {date(dice)}", ""]
    indent = "\u3000\u3000" if article.lang in SPACELESS and dice.chance(0.5) else ""
    lines.append("\n\n".join(indent + block for block in article.blocks))
    if dice.chance(0.5):
        lines += ["", f"{words['mail']} {address(dice)} "]
    if dice.chance(0.4):
        lines += [f"https://{dice.pick(HOSTS)}/share?u={article.slug}&src=feed{dice.number(1, 99)}"]
    if dice.chance(0.2):
        lines += [f"[{ip(dice)}] {date(dice)}"]
    lines += ["", f"© {dice.number(2015, 2025)} {words['foot']}"] * dice.chance(0.6)
    return "\n".join(lines)


def html_block(block):
    escaped = block.replace("&", "&amp;")
    if block.startswith("- "):
        items = "\n".join(f"<li>{line[2:]}</li>" for line in escaped.split("\n"))
        return f"<ul>\n{items}\n</ul>"
    return f"<p>{escaped}</p>"


def html(article, dice):
    """An article as the server sent it."""
    words, host = CHROME[article.lang], dice.pick(HOSTS)
    links = [f'<a href="/{n}">{word}</a>' for n, word in enumerate(words["nav"].split(" | "))]
    blocks = [html_block(block) for block in article.blocks]
    if dice.chance(0.5):
        blocks.insert(1, f'<img src="https://{host}/img/{article.slug}.jpg" alt=""><br>')
    others = [other for other in articles() if other.lang == article.lang and other.slug != article.slug]
    related = [
        f'<li><a href="https://{host}/{other.id.lower()}?ref=related">{other.title}</a></li>'
        for other in dice.some(others, 4)
    ]
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{article.lang}"><head><meta charset="utf-8">',
        f"<title>{article.title}</title>",
        "<style>body{font:16px/1.5 serif;margin:0 auto}\n.nav a{color:#036}</style></head><body>",
        f'<div class="nav">{" | ".join(links)}</div>',
        f"<h1>{article.title}</h1>",
        f'<p class="meta"><em>{words["by"]} {date(dice)}</em></p>',
        *blocks,
        f'<p>{words["mail"]} <a href="mailto:{address(dice)}">{address(dice)}</a></p>',
        *(['<ul class="related">', *related, "</ul>"] if dice.chance(0.6) else []),
        f'<div class="footer">&copy; {dice.number(2015, 2025)} {words["foot"]}&nbsp;</div>',
    ]
    if dice.chance(0.6):
        parts.insert(5, f'<div id="banner">{words["cookie"]}</div>')
    if dice.chance(0.6):
        parts.append(
            f"<script>\nvar page = {{id: '{article.slug}', n: {dice.number(1, 9999)}}};\n"
            "if (page.n > 10 && window.track) { track('view', page); }\n</script>"
        )
    return "\n".join([*parts, "</body></html>"])


def article_page(article):
    dice = Dice(article.id)
    text = html(article, dice) if dice.chance(0.45) else plain(article, dice)
    if article.lang not in SPACELESS and dice.chance(0.25):
        text = curly(text) if "<" not in text else text
    if dice.chance(0.25):
        text = exotic_spaces(text, dice)
    if dice.chance(0.2):
        text = crlf(text)
    if dice.chance(0.14):
        text = mojibake(text)
    return text


def print_view(article):
    """The print version: the same words, another date and page number."""
    dice = Dice(f"{article.id} print")
    words = CHROME[article.lang]
    body = "\n\n".join(article.blocks)
    return (
        f"{article.title}\n{words['by']} {date(dice)}\n\n{body}\n\n"
        f"{words['print']} {url(article, dice)}?print=1 {date(dice)}\n1/1"
    )


def updated(article, remarks):
    """A later version: a paragraph gone, a remark at the end."""
    dice = Dice(f"{article.id} updated")
    words = CHROME[article.lang]
    blocks = list(article.blocks)
    blocks.pop(dice.number(1, len(blocks) - 1))
    return (
        f"{article.title}\n{words['updated']} {date(dice)}\n\n" + "\n\n".join(blocks) + f"\n\nPS: {dice.pick(remarks)}"
    )


def index_page(lang, chosen, number):
    """A page of teasers, each cut off where the template cuts."""
    dice = Dice(f"{lang} index {number}")
    words = CHROME[lang]
    lines = [words["nav"]]
    for article in chosen:
        width = 70 if lang in SPACELESS or lang == "ko" else 190
        lines += ["", article.title, article.blocks[0][:width].rstrip() + "…", f"{words['more']}: {url(article, dice)}"]
    return "\n".join([*lines, "", f"« {number} | {number + 1} | {number + 2} »", words["cookie"]])


def thread(article, remarks):
    """Readers' comments below a quotation."""
    dice = Dice(f"{article.id} thread")
    names = ["rhubarb", "user_4471", "nightbus", "m.", "old_kettle", "anna-k", "zweiter_stock", "lampa"]
    lines = [f"{CHROME[article.lang]['replies']}: {article.title}", "", "> " + article.blocks[-1], ""]
    for remark in dice.some(remarks, dice.number(3, 5)):
        lines += [
            f"{dice.pick(names)} ({ip(dice)}) {date(dice)} {dice.number(0, 23):02}:{dice.number(0, 59):02}",
            remark + dice.pick(["", "", " 😀", " 👍🏽", " ☕️🥐", " 🌱🌱"]),
            "",
        ]
    return "\n".join(lines)


def notice_page(notice):
    dice = Dice(notice.id)
    text = html(notice, dice) if dice.chance(0.3) else plain(notice, dice)
    return exotic_spaces(text, dice) if dice.chance(0.3) else text


# --- The crawl -----------------------------------------------------------------------


def pages():
    """All pages: (id, language, text)."""
    texts, remarks = articles(), comments()
    for article in texts:
        yield article.id, article.lang, article_page(article)
    for number, article in enumerate(texts):
        if number % 5 == 0:
            yield f"{article.id}#print", article.lang, print_view(article)
        if number % 5 == 1:
            yield f"{article.id}#updated", article.lang, updated(article, remarks[article.lang])
        if number % 10 == 2:
            yield f"{article.id}#again", article.lang, article_page(article)
        if number % 5 == 3:
            yield f"{article.id}#dirty", article.lang, dirty_copy(article)
        if number % 4 == 0:
            yield f"{article.id}#thread", article.lang, thread(article, remarks[article.lang])
    for lang in CHROME:
        own = [article for article in texts if article.lang == lang]
        for number in range(1 + len(own) // 5):
            chosen = Dice(f"{lang} teasers {number}").some(own, 5)
            yield f"{lang}/index-{number + 1}", lang, index_page(lang, chosen, number + 1)
    for notice in notices():
        yield f"{notice.id}", notice.lang, notice_page(notice)
    for source in (tables, repeats, symbols, shorts, dumps, code_pages):
        for name, text in source():
            yield name, None, text


def dirty_copy(article):
    """The page once more: other links, spaces, line ends or encoding, the same words."""
    dice = Dice(f"{article.id} dirty")
    text = article_page(article)
    text = re.sub(r"feed\d+", f"feed{dice.number(100, 999)}", text)
    if "Ã" in text or "Ð" in text or "ã€" in text:
        return text + "\n\n\n"
    if dice.chance(0.5):
        text = exotic_spaces(text, dice)
    return mojibake(text) if dice.chance(0.4) else crlf(text.replace("\r\n", "\n")) + "\u00a0\r\n"


# --- Rows ----------------------------------------------------------------------------


def quote(text, dice):
    """JSON text, escaped the way one of several writers would."""
    style = dice.random()
    if style < 0.12:
        return json.dumps(text)
    if style < 0.24:
        return json.dumps(text, ensure_ascii=False).replace("/", "\\/")
    return json.dumps(text, ensure_ascii=False)


def meta(dice):
    """The nested field that nobody names: every crawler version had its own shape."""
    big = 10**19 + int(dice.random() * 10**15) * 10**8 + 7
    return dice.pick(
        [
            f'{{"http":{{"status":200,"etag":"\\"{dice.number(10**6, 10**7):x}\\"","server":"nginx\\/1.{dice.number(10, 27)}"}}}}',
            f'{{"fetch_ns":{big},"depth":{dice.number(0, 9)}}}',
            f'{{"depth": {dice.number(0, 9)}, "score": {dice.number(1, 99)}e-2, "weight": 1.0, "flags": []}}',
            f'{{"tags":["caf\\u00e9","{dice.pick(["ferry", "garden", "library"])}",null],"digest":{-big}{dice.number(10**6, 10**7)}}}',
            f'{{"redirects":[{{"from":"http:\\/\\/example.com\\/old","code":301}},{{"code":302,"from":"\\u2026"}}],"ms":{dice.number(9, 900)}.50}}',
            '{"note":"seen twice","depth":1,"depth":2}',
            f'["v{dice.number(1, 3)}",{dice.number(0, 1)},{{"ok":true}}]',
            f'"robots=allow; crawl-delay={dice.number(1, 30)}"',
            "null",
            "{}",
        ]
    )


def row(name, lang, text):
    dice = Dice(f"row {name}")
    slug = name.replace("#", "?v=")
    fields = [
        ("id", json.dumps(name)),
        ("url", quote(f"https://{dice.pick(HOSTS)}/{slug}", dice)),
        ("lang", json.dumps(lang)),
        ("text", quote(text, dice)),
        (
            "crawled_at",
            f'"2025-{dice.number(1, 9):02}-{dice.number(1, 28):02}T{dice.number(0, 23):02}:{dice.number(0, 59):02}:07Z"',
        ),
        ("meta", meta(dice)),
    ]
    if dice.chance(0.2):
        fields = [*fields[4:], *fields[:4]]
    if dice.chance(0.15):
        fields.remove(next(field for field in fields if field[0] == "meta"))
    colon, comma = dice.pick([(":", ","), (":", ","), (": ", ", ")])
    return "{" + comma.join(f'"{key}"{colon}{value}' for key, value in fields) + "}"


def build():
    """The file: rows in an order that does not depend on how many there are."""
    rows = [(Dice(f"place of {name}").random(), row(name, lang, text)) for name, lang, text in pages()]
    broken = [
        '{"id": "broken/json", "url": "https://www.example.com/cut", "text": "The connection was closed in the middle of this sen',
        '{"id": "broken/null", "url": "https://www.example.com/null", "lang": null, "text": null}',
        '{"id": "broken/absent", "url": "https://www.example.com/absent", "lang": "en", "meta": {"http": {"status": 204}}}',
        '{"id": "broken/number", "url": "https://www.example.com/number", "lang": "en", "text": 20250321}',
    ]
    rows += [(Dice(line).random(), line) for line in broken]
    return "".join(line + "\n" for _, line in sorted(rows)).encode("utf-8")


def main():
    new = build()
    if "--check" in sys.argv[1:]:
        current = OUTPUT.exists() and OUTPUT.read_bytes() == new
        print(f"{OUTPUT.name} is {'current' if current else 'not current: run python3 make.py'}")
        return 0 if current else 1
    OUTPUT.write_bytes(new)
    print(f"{OUTPUT.name}: {new.count(10)} rows, {len(new):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
