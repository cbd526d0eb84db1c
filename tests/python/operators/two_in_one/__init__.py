from datamate.core.base_op import OPERATORS

OPERATORS.register_module(module_name='Doubles', module_path="ops.user.two_in_one.process")
OPERATORS.register_module(module_name='Halves', module_path="ops.user.two_in_one.process")
