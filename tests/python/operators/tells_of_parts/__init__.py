# -*- coding: utf-8 -*-

from datamate.core.base_op import OPERATORS

OPERATORS.register_module(module_name='TellsOfParts',
                          module_path="ops.user.tells_of_parts.process")
