"""Compares operators with their originals on odd texts, and shows where they differ.

    differ.py WRASSE_BENCH SEED TEXTS [--datamate OPS] [--params JSON] [NAME...]

Data-Juicer's mappers and filters of one sample are compared if it can be imported,
DataMate's if `OPS` is the folder `runtime/ops` of its sources; all of them, or those of the
names, with their defaults or the parameters that are given. Of each difference that is
documented there is one more: what is counted here is for people to look at.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Answer = dict[str, Any]

# What tends to be treated differently: white space, signs and digits of all kinds, scripts,
# and pieces of what operators look for.
FRAGMENTS = [
    *" \n\t\r\v\f|,.;:!?-_()[]{}<>\"'&%#@*=+/\\~`^$0019abZ",
    *"\x00\x07\x1c\x1f\x7f\x85\xa0\u1680\u180e\u2000\u200b\u200d\u2028\u2029\u3000\ufeff",
    *"éßİıſK½²٣１①Ⅷ，。！？；：「」『』“”‘’（）【】、…—·￥龥龦㐀𠀀〇々あア한Жשا",
    *("\n\n", "\r\n", "   ", "e\u0301", "数据。", "机器学习", "我们", "the ", "of ", "word ", "C++"),
    *("😀", "👍🏽", "❤️", "1️⃣", "🇨🇳", "👨‍👩‍👧", "\ufe0f", "©", "™"),
    *("13800138000", "+86 138-0013-8000", "(0086)13800138000", "010-88886666", "0755 2345678"),
    *("4111111111111111", "4111-1111-1111-1111", "378282246310005", "110101199003070038"),
    *("192.168.1.1", "256.1.1.1", "1.1.1.1", "::1", "2001:db8::1", "1:2:3:4:5:6:7::", "ip："),
    *("a@b.com", "x.y+z@d-e.co.uk", "a @ b.com", ".a@b..com", "a@b.local", "user@例子.com"),
    *("http://", "https://a.b/c?d=e#f", "www.example.org", "ftp://x", "e.g. ", "3.14", "1,000"),
    *("<p>", "</p>", "<td class=\"x\" colspan=\"2\">", "<br/>", "<a href='u'>", "<!-- c -->", "&amp;"),
    *("目录\n", "CONTENTS\n", "1.1 x........3\n", "图 1-2 x\n", "Table 3: y\n", "Fig. S1 z\n"),
    *("\\section{A}", "\\begin{document}", "%c\n", "\\newcommand{\\x}{y}", "\\x", "/* Copyright */"),
    *("繁體", "裡面", "乾坤", "妳", "頭髮", "後面", "皇后", "x" * 40, "ab" * 30, "。" * 5, "=====", "---"),
]


def texts(dice: random.Random, n: int) -> list[str]:
    made = ["", " ", "\n", "\u3000"]
    while len(made) < n:
        some = dice.choices(FRAGMENTS, k=dice.choice([1, 2, 3, 5, 8, 13, 30]))
        made.append(dice.choice(["", "", "", " ", "\n"]).join(some))
    return made[:n]


class Ours:
    """The operators of `wrasse-bench`."""

    def __init__(self, program: str) -> None:
        self.program = program

    def answers(self, names: list[str], params: Row, rows: list[Row]) -> list[Any]:
        asked = [json.dumps({"op": name, "params": params, "rows": rows}) for name in names]
        command = [self.program, "answers"]
        done = subprocess.run(
            command, input="\n".join(asked), stdout=subprocess.PIPE, text=True, check=True
        )
        # Not by `splitlines`: texts have line ends of other kinds. The last line is a count.
        return [json.loads(line) for line in done.stdout.split("\n")[: len(asked)]]

    def known(self, names: list[str], params: Row) -> list[str]:
        """Those of the names that can be built."""
        answers = self.answers(names, params, [])
        return [one for one, answer in zip(names, answers, strict=True) if answer == []]


def data_juicer(
    ours: Ours, names: list[str], params: Row
) -> Iterator[tuple[str, Callable[[str], Answer]]]:
    try:
        from data_juicer.ops import OPERATORS
        from data_juicer.ops.base_op import Filter, Mapper
        from data_juicer.utils.constant import Fields
    except ImportError:
        return

    def one(op: Any, text: str) -> Answer:
        row = {"text": text, Fields.stats: {}, Fields.meta: {}, "__dj__context__": {}}
        batched = op.is_batched_op()
        columns = {name: [copy.deepcopy(value)] for name, value in row.items()}
        if isinstance(op, Filter):
            measured = op.compute_stats_batched(columns) if batched else op.compute_stats_single(row)
            if batched:
                return {"kept": [bool(next(iter(op.process_batched(measured))))]}
            return {"kept": [bool(op.process_single(measured))]}
        made = op.process_batched(columns)["text"] if batched else [op.process_single(row)["text"]]
        return {"texts": list(made)}

    classes = {
        name: cls
        for name, cls in OPERATORS.modules.items()
        if issubclass(cls, (Mapper, Filter)) and (not names or name in names)
    }
    # Others are not even constructed: they install packages and fetch models.
    for name in ours.known(list(classes), params):
        cls = classes[name]
        try:
            op = cls(**params)
        except Exception as error:  # a model is missing, or a parameter
            print(f"{name}: {type(error).__name__}", file=sys.stderr)
            continue
        yield name, lambda text, op=op: one(op, text)


def datamate(
    root: Path | None, names: list[str], params: Row
) -> Iterator[tuple[str, Callable[[str], Answer]]]:
    from operators import datamate_folders

    for name, folder in datamate_folders(str(root) if root else None).items():
        if names and name not in names:
            continue
        try:
            from loguru import logger
            from wrasse.operators.datamate import find_folder

            logger.remove()
            op = find_folder(folder, "").construct(params).op
        except Exception as error:
            print(f"{name}: {type(error).__name__}", file=sys.stderr)
            continue

        def one(text: str, op: Any = op, folder: Path = folder) -> Answer:
            row = {"text": text, "data": b"", "fileName": "a", "fileType": "txt", "filePath": ""}
            made = op.execute(row)["text"]
            # An empty text from a filter is a text that is dropped.
            return {"kept": [bool(made)]} if folder.parent.name == "filter" else {"texts": [made]}

        yield name, one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wrasse_bench")
    parser.add_argument("seed", type=int)
    parser.add_argument("texts", type=int)
    parser.add_argument("--datamate", type=Path)
    parser.add_argument("--params", type=json.loads, default={})
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[3] / "python"))
    wanted = texts(random.Random(args.seed), args.texts)
    program = Ours(args.wrasse_bench)
    originals = dict(data_juicer(program, args.names, args.params))
    originals |= dict(datamate(args.datamate, args.names, args.params))
    rows = [{"text": text} for text in wanted]
    answered = program.answers(list(originals), args.params, rows)
    for (name, original), answers in zip(originals.items(), answered, strict=True):
        if isinstance(answers, dict):
            continue
        counts, shown = Counter(), []
        for text, ours in zip(wanted, answers, strict=True):
            try:
                theirs = original(text)
            except Exception as error:
                theirs = {"error": f"{type(error).__name__}: {error}"}
            if "rows" in ours:
                ours["texts"] = [row["text"] for row in ours["rows"]]
            if "error" in ours or "error" in theirs:
                both = "error" in ours and "error" in theirs
                what = "both fail" if both else "we fail" if "error" in ours else "they fail"
            else:
                same = all(ours[key] == value for key, value in theirs.items())
                what = "same" if same else "differ"
            counts[what] += 1
            if what in ("differ", "we fail"):
                shown.append((text, {key: ours.get(key) for key in (*theirs, "error")}, theirs))
        print(name, dict(counts))
        for text, ours, theirs in sorted(shown, key=lambda one: len(one[0]))[:3]:
            print(f"  {text!r}\n    ours   {ours}\n    theirs {theirs}")


if __name__ == "__main__":
    main()
