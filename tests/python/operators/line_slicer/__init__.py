from datamate.core.base_op import OPERATORS
from .process import LineSlicer

OPERATORS.register_module(module_name='LineSlicer', module_cls=LineSlicer)
