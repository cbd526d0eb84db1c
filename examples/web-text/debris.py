"""What a crawl has besides pages: tables, dumps, code, bait, symbols, nothing at all."""

import base64
from pathlib import Path

from dirt import Dice, date, ip

SOURCE = Path(__file__).resolve().parent / "source"


def tables():
    """Digits with a heading: nothing to learn prose from."""
    for name, heading in [
        ("gauge", "River gauge at the weir, level in cm and flow in m3 per second"),
        ("tides", "Predicted tides for the north pier, heights above chart datum"),
        ("prices", "Preisliste Schrauben, verzinkt, je hundert Stück"),
        ("horaires", "Horaires du bac, du lundi au vendredi, hors jours fériés"),
        ("wyniki", "Wyniki biegu wokół jeziora, kategoria open"),
        ("kion", "観測所の気温 月別 平年値 との差"),
    ]:
        dice = Dice(name)
        rows = [
            f"{n:02}\t{dice.number(0, 23):02}:{dice.number(0, 59):02}\t{dice.number(10, 4000) / 10}\t"
            f"{dice.number(-150, 350) / 10}\t{dice.number(900, 1100)}"
            for n in range(1, 61)
        ]
        yield f"table/{name}", "\n".join([heading, *rows])


def repeats():
    """What is stuck, padded or optimized for search engines."""
    loop = "loading the gallery please wait "
    yield "repeat/loading", "Gallery of the summer fair\n" + loop * 60
    yield "repeat/haha", "that story about the goat\n" + "ha" * 400 + "\nI cannot stop"
    yield "repeat/zh-haha", "看到羊那一段\n" + "哈" * 300 + "\n停不下来"
    yield "repeat/ja-www", "この話の続き\n" + "ｗ" * 260 + "\n笑いすぎて おなか痛い"
    yield "repeat/ru-aaa", "Концерт в воскресенье\n" + "А" * 500 + " бис"
    sentence = "The shop is closed for stocktaking. "
    yield "repeat/sentence-only", sentence * 40
    yield (
        "repeat/sentence",
        (
            "The shop in the arcade sells only brushes: for bottles, for typewriters, for the "
            "teeth of combs and for the backs of cows. "
            + sentence
            * 25
            + "From Thursday it will be open again, and the owner will be pleased to "
            "demonstrate the machine that makes the bristles stand up."
        ),
    )
    yield (
        "repeat/es-frase",
        (
            "La panadería abre a las siete, menos cuando el horno no quiere. "
            + "¡Hay pan caliente! " * 30
            + "Los sábados conviene llegar antes que los ciclistas, que compran por docenas y no "
            "dejan ni las migas para las palomas del campanario."
        ),
    )
    spam = {
        "hose": "cheap garden hose best garden hose buy garden hose online garden hose discount fifty metres today ",
        "schluessel": "Schlüsseldienst günstig Schlüsseldienst Nacht Schlüsseldienst sofort Tür auf ohne Schaden heute rund um die Uhr ",
        "serrures": "serrurier pas cher dépannage serrurier urgence porte claquée serrurier nuit et dimanche devis gratuit rapide ",
        "zapatos": "zapatos baratos oferta zapatos mujer zapatos hombre zapatos niño envío gratis rebajas outlet hoy mismo ",
        "okna": "окна недорого пластиковые окна купить окна цена окна под ключ замер бесплатно скидка только сегодня ",
    }
    for name, phrase in spam.items():
        yield f"spam/{name}", f"{phrase.split()[0]} {phrase.split()[1]} 24\n" + phrase * 22


def symbols():
    """Rules, frames and art made of characters; menus; blobs."""
    yield (
        "symbols/rules",
        "Guest book of the hut\n"
        + "\n".join(["-" * n + "+" + "=" * (60 - n) + "|" for n in range(4, 56, 4)])
        + "\nend of page",
    )
    yield (
        "symbols/boat",
        "A boat for the guest book\n"
        + "\n".join(
            [
                "          |\\",
                "          | \\",
                "          |  \\",
                "          |___\\",
                "    ______|________",
                "    \\  o  o  o  o /",
                "~ ~ ~\\___________/~ ~ ~ ~ ~",
            ]
        )
        + "\n~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~\n  ~ ~   ~ ~ ~   ~ ~   ~ ~ ~",
    )
    yield "symbols/stars", "★ ☆ ★ ☆ ★ ☆ ★ ☆ ★\n◆ ● ■ ► ▼ ▲ ▴ ∆\n" + "▁▂▃▄▅▆▇█ " * 9 + "\n* * * vote * * *"
    yield "symbols/emoji", "Summer fair 🎪\n" + "🎈🎉🥳 🍦🍦🍦 🐐💨 🎺🥁🎶 ☀️😎🌊 " * 4 + "\n❤️❤️❤️ bye"
    yield (
        "symbols/menu-de",
        "\n".join(
            "Start Bad Flur Tor Hof See Weg Ufer Amt Rat Post Bus Tram Zoo Park Kita VHS Müll Gas Strom Hilfe".split()
        ),
    )
    yield (
        "symbols/menu-en",
        "\n".join(
            "Home News Maps Shop Blog Help Jobs Tags RSS Login Cart Press Terms Legal FAQ Team About Sale New Top".split()
        ),
    )
    yield (
        "symbols/menu-zh",
        "\n".join(
            "首页 新闻 天气 公交 菜谱 园艺 修车 书店 地图 论坛 招聘 租房 登录 注册 帮助 返回 上页 下页 末页 搜索 投稿 反馈".split()
        ),
    )
    for name in ("token", "font", "pixel"):
        dice = Dice(name)
        blob = base64.b64encode(bytes(dice.number(0, 255) for _ in range(900))).decode()
        yield f"blob/{name}", blob.replace("/", "A").replace("+", "b").rstrip("=")
    yield "blob/state", "".join(f"%7B%22k{n}%22%3A{n * 7919}%7D" for n in range(60))


def shorts():
    texts = [
        "",
        "404",
        "OK",
        " \n\t ",
        "\u3000\u3000",
        "Coming soon!",
        "Página no encontrada",
        "暂无内容",
        "準備中です。",
        "Нет доступа",
        "Lädt …",
        "https://www.example.com/index.html",
        "webmaster@example.org",
        "\ufeff",
        "<html><body></body></html>",
        "لا توجد نتائج",
    ]
    for number, text in enumerate(texts):
        yield f"short/{number:02}", text


def dumps():
    """Two pages that somebody should not have published, each about 120 kB."""
    dice = Dice("log")
    what = [
        "gate opened",
        "gate closed",
        "ticket printer out of paper",
        "ferry departed",
        "ferry arrived",
        "tide sensor timeout, retrying",
        "lamp replaced by deckhand",
        "queue longer than the car park",
    ]
    lines, size = [], 0
    while size < 128_000:
        line = (
            f"{date(dice)}T{dice.number(0, 23):02}:{dice.number(0, 59):02}:{dice.number(0, 59):02}Z "
            f"{dice.pick(['INFO', 'WARN', 'DEBUG'])} pier-{dice.number(1, 4)} {ip(dice)} {dice.pick(what)}"
            f" ({dice.number(1, 900)} ms)"
        )
        lines.append(line)
        size += len(line) + 1
    yield "dump/ferry-log", "\n".join(lines)
    dice = Dice("parts")
    things = ["hub", "spoke", "rim", "saddle", "pedal", "chain", "bell", "lamp", "fork", "lever", "cable", "tyre"]
    traits = ["steel", "alloy", "black", "silver", "left", "right", "short", "long", "used", "boxed"]
    rows, size = ["no;part;kind;shelf"], 0
    while size < 124_000:
        row = (
            f"{dice.number(10000, 99999)};{dice.pick(things)} {dice.pick(traits)};{dice.pick(traits)} "
            f"{dice.number(1, 60)} mm for {dice.pick(things)}s;row {dice.number(1, 40)} box {dice.number(1, 99)}"
        )
        rows.append(row)
        size += len(row) + 1
    yield "dump/bicycle-parts", "\n".join(rows)


def code_pages():
    for path in sorted((SOURCE / "code").glob("*.txt")):
        name = path.name.removesuffix(".txt")
        code = path.read_text(encoding="utf-8")
        yield f"code/{name}", code
    tide = (SOURCE / "code" / "tide.py.txt").read_text(encoding="utf-8").split("\n\n", 1)[1]
    yield (
        "code/tide-question",
        (
            "Off by an hour at the sandbank\n\nThe function below told my sister that it was safe to walk, and she came "
            "back with wet boots. I think the table is in winter time and the clock is not. How do you handle this?\n\n"
            + tide
            + "\nAnswered by old_kettle: keep everything in universal time and convert only for the sign at the "
            "pier. And add a quarter of an hour, because nobody walks as fast as they say."
        ),
    )
    yield (
        "code/crontab",
        (
            "Watering by cron, as promised at the meeting\n\n*/30 5-7 * 4-9 *  /usr/local/bin/valve open bed-1 && sleep 240\n"
            "35 5-7 * 4-9 *  /usr/local/bin/valve close all\n\nThe second line is there because the first one once "
            "did not come back. The tomatoes liked it, the neighbour below did not. If you copy this, "
            "please test it with a bucket for a week before you trust it with a holiday."
        ),
    )
