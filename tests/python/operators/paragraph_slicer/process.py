# -*- coding: utf-8 -*-
import copy

from datamate.common.utils.text_splitter import TextSplitter
from datamate.core.base_op import Slicer


class ParagraphSlicer(Slicer):
    """每个片段保存为一个文件"""

    def __init__(self, *args, **kwargs):
        super(ParagraphSlicer, self).__init__(*args, **kwargs)
        self.splitter = TextSplitter(-1, kwargs.get("chunkSize", 20), 0)

    def execute(self, sample):
        chunks = self.splitter.split_text(sample[self.text_key])
        for number, chunk in enumerate(chunks, 1):
            patch = copy.deepcopy(sample)
            patch[self.text_key] = chunk
            self.save_patch_sample(patch, number, save_format="text")
        sample[self.text_key] = "Success"
        sample["fileNum"] = len(chunks)
        return [sample]
