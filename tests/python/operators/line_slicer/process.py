from datamate.core.base_op import Slicer


class LineSlicer(Slicer):
    def execute(self, sample):
        return [{"text": line, "line": number}
                for number, line in enumerate(sample[self.text_key].splitlines(), 1)]
