from datamate.core.base_op import OPERATORS

OPERATORS.register_module(module_name='ParagraphSlicer', module_path="ops.user.paragraph_slicer.process")
