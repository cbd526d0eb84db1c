"""Searching for many words at once, by Aho and Corasick's automaton.

Unlike the original, it finds every word: also one that lies inside another, and
one that begins within a word that did not go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable


class TrieNode:
    """A node of the tree of words.

    `child`: the next nodes, by character. `fail`: the node of the longest suffix
    that is in the tree too. `word`: the set of words that end here, or `None`.
    `lengths`: those of all words that end here, the ones inside included.
    """

    __slots__ = ("child", "fail", "lengths", "value", "word")

    def __init__(self, value: str) -> None:
        self.value = value
        self.child: dict[str, TrieNode] = {}
        self.fail: TrieNode | None = None
        self.word: set[str] | None = None
        self.lengths: tuple[int, ...] = ()


def build_trie(words: Iterable[str]) -> TrieNode:
    """The tree of words, by its root. Empty words are left out."""
    root = TrieNode("root")
    for word in words:
        node = root
        for character in word:
            node = node.child.setdefault(character, TrieNode(character))
        if word:
            node.word = (node.word or set()) | {word}
    return root


def add_fail_pointer(root: TrieNode) -> TrieNode:
    """Completes a tree for searching; returns its root."""
    queue = deque([(root, child, 1) for child in root.child.values()])
    while queue:
        parent, node, depth = queue.popleft()
        node.fail = _suffix(root, parent, node.value)
        own = (depth,) if node.word else ()
        node.lengths = own + node.fail.lengths
        queue.extend((node, child, depth + 1) for child in node.child.values())
    return root


def _suffix(root: TrieNode, parent: TrieNode, character: str) -> TrieNode:
    node = parent.fail
    while node is not None and character not in node.child:
        node = node.fail
    return node.child[character] if node is not None else root


class AhoCorasic:
    """Finds words in texts."""

    def __init__(self, words: Iterable[str]) -> None:
        self._root = add_fail_pointer(build_trie(words))

    def search(self, text: str, special_symbols: Collection[str]) -> list[str]:
        """What was found, as it stands in the text, each once, in order of its end.

        `special_symbols`: characters that may stand within a word and are passed over.
        """
        found: dict[str, None] = {}
        places: list[int] = []
        node = self._root
        for place, character in enumerate(text):
            if character in special_symbols:
                continue
            places.append(place)
            while character not in node.child and node.fail is not None:
                node = node.fail
            node = node.child.get(character, self._root)
            for length in node.lengths:
                found[text[places[-length] : place + 1]] = None
        return list(found)
