"""Cutting texts into chunks of at most so many characters.

At blank lines, if need be at line ends, then after punctuation, and at last
anywhere; short neighbors are put together, and chunks overlap by what fits.
"""

from __future__ import annotations

import re


class TextSplitter:
    """Cuts texts. All sizes are characters.

    `max_characters`: of a text, what is beyond is cut off; 0 or less: no limit.
    `chunk_size`: of a chunk, at most. `chunk_overlap`: of what a chunk repeats of
    the one before, at most; must be less than `chunk_size`, else an `Exception`
    with the code 83000 is raised.
    """

    COMMON_PUNCTUATIONS = ("，", "。", "？", "！", "；", ",", "?", "!", ";")

    _SENTENCE = re.compile("[^，。？！；,?!;]*[，。？！；,?!;]")

    def __init__(self, max_characters: int, chunk_size: int, chunk_overlap: int) -> None:
        if chunk_size <= chunk_overlap:
            raise Exception(
                83000,
                f"`chunk_size` ({chunk_size}) must be more than `chunk_overlap` ({chunk_overlap})",
            )
        self.max_characters = max_characters
        self.chunk_size = chunk_size
        self.chunk_overlap = chunk_overlap
        self.separators = ["\n\n", "\n"]

    def split_text(self, input_data: str) -> list[str]:
        """The chunks of a text, in order, without white space around them."""
        text = input_data[: self.max_characters] if self.max_characters > 0 else input_data
        chunks: list[str] = []
        for chunk in self._merge(self._pieces(text, self.separators)):
            if len(chunk) <= self.chunk_size:
                chunks.append(chunk)
                continue
            for part in self._merge(self.split_sentences(chunk)):
                chunks.extend(self._cut(part))
        return [chunk.strip() for chunk in chunks if chunk]

    @classmethod
    def split_sentences(cls, chunk: str) -> list[str]:
        """The text cut after each punctuation mark; the rest, even if empty, is the last."""
        sentences = cls._SENTENCE.findall(chunk)
        return [*sentences, chunk[sum(map(len, sentences)) :]]

    def _pieces(self, text: str, separators: list[str]) -> list[str]:
        """Cuts before the first separator that occurs; what is still too long, by the next ones."""
        stripped = text.strip()
        level = next((i for i, one in enumerate(separators) if one in stripped), None)
        if level is None:
            return [text]
        rest = separators[level + 1 :]
        pieces: list[str] = []
        for piece in self._before_each(text, separators[level]):
            if rest and len(piece.strip()) > self.chunk_size:
                pieces.extend(self._pieces(piece, rest))
            else:
                pieces.append(piece)
        return pieces

    @staticmethod
    def _before_each(text: str, separator: str) -> list[str]:
        first, *others = text.split(separator)
        pieces = [first, *(separator + other for other in others)]
        return [piece for piece in pieces if piece.strip()]

    def _merge(self, pieces: list[str]) -> list[str]:
        """Puts neighbors together: what fits of those before as overlap, what fits of the next."""
        merged: list[str] = []
        at = 0
        while at < len(pieces):
            if len(pieces[at]) >= self.chunk_size:
                merged.append(pieces[at])
                at += 1
                continue
            length, begin = len(pieces[at]), at
            overlap = 0
            while begin > 0:
                more = overlap + len(pieces[begin - 1])
                if more > self.chunk_overlap or length + more > self.chunk_size:
                    break
                overlap = more
                begin -= 1
            length += overlap
            at += 1
            while at < len(pieces) and length + len(pieces[at]) <= self.chunk_size:
                length += len(pieces[at])
                at += 1
            merged.append("".join(pieces[begin:at]))
        return merged

    def _cut(self, text: str) -> list[str]:
        """Cuts anywhere, with overlap."""
        step = self.chunk_size - self.chunk_overlap
        starts = [0]
        while starts[-1] + self.chunk_size < len(text):
            starts.append(starts[-1] + step)
        return [text[start : start + self.chunk_size] for start in starts]
