"""Rows to try an operator on: usual ones, and such as are easily forgotten."""

from __future__ import annotations

from wrasse.outcome import Row

_SENTENCES = (
    "The wrasse cleans other fish, which wait in a line until it is their turn.",
    "Call 010-8888 6666 before 17:30, or write to someone@example.org about it.",
    "数据清洗很重要：先去掉多余的空格，再去掉网页标签。",
    "See https://example.org/a?b=c for more;  two  spaces, a\ttab and <b>a tag</b>.",
    "Prices rose by 3.5 % in 2019 (from 12 to 12.42), as table 2 shows.",
    "«Où est-il ?» demanda-t-elle; niemand wusste es, außer dem Bäcker.",
)

EDGES = {
    "empty": "",
    "one character": "x",
    "only spaces": " \t \n ",
    "no line end": "a line",
    "Windows line ends": "one\r\ntwo\r\n",
    "control characters": "a\x00b\x07c\x1b[31md",
    "emoji and combined characters": "👩‍👩‍👧 e\u0301 🇨🇳",
    "right to left": "שלום עולם",
    "one long line": "word " * 20_000,
    "many lines": "line\n" * 5_000,
    "unclosed markup": "<p><b>text <a href='",
    "digits only": "1234567890" * 10,
}


def text_of(number: int, size: int = 2_000) -> str:
    """A text of about `size` characters, another one for each number."""
    lines = [f"Document {number}"]
    length = len(lines[0])
    for i in range(size):
        line = _SENTENCES[(number + i * (1 + number % 5)) % len(_SENTENCES)]
        lines.append(line)
        length += len(line) + 1
        if length >= size:
            break
    return "\n".join(lines)


def row_of(text: str, number: int, export_path: str) -> Row:
    """A row with the fields that a sample of DataMate has."""
    return {
        "text": text,
        "fileId": str(number),
        "fileName": f"{number}.txt",
        "fileType": "txt",
        "filePath": "",
        "fileSize": len(text.encode()),
        "export_path": export_path,
        "instance_id": "test-op",
    }
