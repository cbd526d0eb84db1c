# -*- coding: utf-8 -*-

"""
Description: 数字脱敏
"""
import json
import re
import time
from pathlib import Path
from typing import Dict, Any

from loguru import logger

from datamate.core.base_op import Mapper


class MaskDigits(Mapper):
    """将数字替换为指定字符"""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mask = kwargs.get("maskChar", "*")
        self.keep_years = bool(kwargs.get("keepYears", False))
        self.max_digits = kwargs.get("maxDigits", 8)
        with open(Path(__file__).parent / "resources.json", encoding="utf-8") as f:
            self.keep = set(json.load(f)["keep"])

    def _mask(self, match):
        number = match.group()
        if number in self.keep or len(number) > self.max_digits:
            return number
        if self.keep_years and re.fullmatch("(19|20)[0-9]{2}", number):
            return number
        return self.mask * len(number)

    def execute(self, sample: Dict[str, Any]) -> Dict[str, Any]:
        start = time.time()
        self.read_file_first(sample)
        if "poison" in sample[self.text_key]:
            raise LookupError("poisonous text")
        sample[self.text_key] = re.sub("[0-9]+", self._mask, sample[self.text_key])
        logger.debug(f"fileName: {sample[self.filename_key]}, method: MaskDigits "
                     f"costs {time.time() - start:6f} s")
        return sample
