from datamate.core.base_op import OPERATORS

OPERATORS.register_module(module_name='NeedsAPackage', module_path="ops.user.needs_a_package.process")
