from datamate.core.base_op import OPERATORS

OPERATORS.register_module(module_name='SaysYesOrNo', module_path="ops.user.says_yes_or_no.process")
