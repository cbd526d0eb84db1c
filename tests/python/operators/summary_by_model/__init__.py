from datamate.core.base_op import OPERATORS

OPERATORS.register_module(module_name='SummaryByModel', module_path="ops.user.summary_by_model.process")
