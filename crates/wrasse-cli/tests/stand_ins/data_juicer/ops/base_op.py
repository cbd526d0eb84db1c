"""The base classes of operators: single operators have `_single` methods, batched `_batched`."""

from __future__ import annotations

from data_juicer.utils.constant import Fields


class Registry:
    def __init__(self):
        self.modules = {}

    def register_module(self, name):
        def register(cls):
            self.modules[name] = cls
            return cls

        return register


OPERATORS = Registry()
NON_STATS_FILTERS = Registry()
TAGGING_OPS = Registry()


class OP:
    _batched_op = False
    _BASE_PARAMS = {"text_key": (str, "text"), "batch_size": (int, 1000)}  # noqa: RUF012

    def __init__(self, *args, **kwargs):
        self.text_key = kwargs.get("text_key", "text")

    def is_batched_op(self):
        return self._batched_op


class Mapper(OP):
    pass


class Filter(OP):
    def compute_stats_batched(self, samples):
        rows = len(samples[Fields.stats])
        for i in range(rows):
            one = {name: column[i] for name, column in samples.items()}
            samples[Fields.stats][i] = self.compute_stats_single(one)[Fields.stats]
        return samples

    def process_batched(self, samples):
        return map(lambda stats: self.process_single({Fields.stats: stats}), samples[Fields.stats])


class Deduplicator(OP):
    pass
