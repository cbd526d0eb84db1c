"""Draws that repeat, and the ways in which text gets dirty."""

import random
import re

HOSTS = ["www.example.com", "garden.example.org", "town.example.net", "blog.example.com", "news.example.org"]


class Dice(random.Random):
    """The draws of one page."""

    def pick(self, things):
        return things[int(self.random() * len(things))]

    def number(self, low, high):
        return low + int(self.random() * (high - low + 1))

    def chance(self, share):
        return self.random() < share

    def some(self, things, count):
        things, taken = list(things), []
        while things and len(taken) < count:
            taken.append(things.pop(int(self.random() * len(things))))
        return taken


def mojibake(text):
    """UTF-8 read as Windows-1252, as browsers do it: undefined bytes stay controls."""
    return "".join(
        bytes([byte]).decode("cp1252") if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(byte)
        for byte in text.encode("utf-8")
    )


def curly(text):
    text = re.sub(r'(^|[\s(\[])"', "\\1\u201c", text, flags=re.M).replace('"', "\u201d")
    return text.replace("'", "\u2019")


def exotic_spaces(text, dice):
    """Some spaces become no-break, thin or em spaces; some words get a zero-width joint."""
    spaces = ["\u00a0", "\u00a0", "\u2009", "\u2003", "\u202f", "\u3000"]
    text = "".join(dice.pick(spaces) if char == " " and dice.chance(0.08) else char for char in text)
    return "".join(char + "\u200b" if char in ",，、" and dice.chance(0.3) else char for char in text)


def crlf(text):
    return text.replace("\n", "\r\n")


def date(dice):
    return f"{dice.number(2016, 2025)}-{dice.number(1, 12):02}-{dice.number(1, 28):02}"


def address(dice):
    box = dice.pick(["editors", "info", "hello", "web.master", "garden+letters", "post_box"])
    return f"{box}@{dice.pick(['example.com', 'example.org', 'mail.example.net'])}"


def ip(dice):
    if dice.chance(0.2):
        return "2001:db8:0:0:" + ":".join(f"{dice.number(16, 65535):x}" for _ in range(4))
    return f"{dice.pick(['192.0.2', '198.51.100', '203.0.113'])}.{dice.number(1, 254)}"
