from datamate.core.base_op import OPERATORS

OPERATORS.register_module(module_name='SeenBefore', module_path="ops.user.seen_before.process")
