"""Who is given what is to be written while all processors are taken."""

from __future__ import annotations

from typing import Any

from wrasse.ray.writers import Writers


class Node:
    """An actor that only counts."""

    def __init__(self, turn: int) -> None:
        self.turn, self.write = turn, self

    def options(self, **_: Any) -> Node:
        return self

    def remote(self, *_: Any) -> int:
        return self.turn


def test_each_node_has_one_writer_and_the_least_busy_gets_the_next_file() -> None:
    writers = Writers(Node)
    given = [writers.submit(number, "write", b"") for number in range(2)]
    assert given == [0, 0], "one node, one process"
    writers.n_nodes = 2
    given = [writers.submit(number, "write", b"") for number in range(2, 5)]
    assert given == [1, 1, 0]
    for number in [2, 3, 99]:
        writers.done(number)
    assert writers.submit(5, "write", b"") == 1
