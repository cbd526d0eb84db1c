from datamate.core.base_op import Filter


class SaysYesOrNo(Filter):
    def execute(self, sample):
        return "yes" in sample[self.text_key]
