# -*- coding: utf-8 -*-

from datamate.core.base_op import OPERATORS

OPERATORS.register_module(module_name='MaskDigits',
                          module_path="ops.user.mask_digits.process")
