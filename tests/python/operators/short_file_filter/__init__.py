# -*- coding: utf-8 -*-

import sys
from pathlib import Path

from core.base_op import OPERATORS

sys.path.append(str(Path(__file__).resolve().parent.parent.parent))

OPERATORS.register_module(module_name='ShortFileFilter',
                          module_path="ops.filter.short_file_filter.process")
