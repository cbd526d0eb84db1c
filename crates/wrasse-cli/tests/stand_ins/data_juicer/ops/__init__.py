"""Operators, registered when this is imported."""

from __future__ import annotations

from data_juicer.utils.constant import Fields

from .base_op import OPERATORS, Deduplicator, Filter, Mapper

# Spaces of Unicode, of which each becomes a plain one.
_SPACES = "\u00a0\u2002\u2003\u2009\u200b\u3000"


@OPERATORS.register_module("whitespace_normalization_mapper")
class WhitespaceNormalizationMapper(Mapper):
    _batched_op = True

    def process_batched(self, samples):
        for i, text in enumerate(samples[self.text_key]):
            plain = "".join(" " if c in _SPACES else c for c in text.strip())
            samples[self.text_key][i] = plain
        return samples


@OPERATORS.register_module("text_chunk_mapper")
class TextChunkMapper(Mapper):
    _batched_op = True

    def __init__(self, max_len=None, split_pattern="\n\n", *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.max_len = max_len

    def process_batched(self, samples):
        made = {name: [] for name in samples}
        for i, text in enumerate(samples[self.text_key]):
            for at in range(0, len(text), self.max_len):
                for name, column in samples.items():
                    made[name].append(column[i])
                made[self.text_key][-1] = text[at : at + self.max_len]
        return made


@OPERATORS.register_module("python_lambda_mapper")
class PythonLambdaMapper(Mapper):
    def __init__(self, lambda_str="", *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.function = eval(lambda_str)

    def process_single(self, sample):
        return self.function(sample)


@OPERATORS.register_module("text_length_filter")
class TextLengthFilter(Filter):
    _batched_op = True

    def __init__(self, min_len=10, max_len=1 << 60, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.min_len, self.max_len = min_len, max_len

    def compute_stats_batched(self, samples):
        for i, stats in enumerate(samples[Fields.stats]):
            stats["text_len"] = len(samples[self.text_key][i])
        return samples

    def process_batched(self, samples):
        lengths = (stats["text_len"] for stats in samples[Fields.stats])
        return (self.min_len <= one <= self.max_len for one in lengths)


@OPERATORS.register_module("specified_numeric_field_filter")
class SpecifiedNumericFieldFilter(Filter):
    def __init__(self, field_key="", min_value=0, max_value=1 << 60, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.field_key = field_key
        self.min_value, self.max_value = min_value, max_value

    def compute_stats_single(self, sample):
        sample[Fields.stats][self.field_key] = sample[self.field_key]
        return sample

    def process_single(self, sample):
        return self.min_value <= sample[Fields.stats][self.field_key] <= self.max_value


@OPERATORS.register_module("document_deduplicator")
class DocumentDeduplicator(Deduplicator):
    pass
