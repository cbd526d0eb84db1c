from datamate.core.base_op import Mapper


class Doubles(Mapper):
    def execute(self, sample):
        sample[self.text_key] *= 2
        return sample


class Halves(Mapper):
    def execute(self, sample):
        text = sample[self.text_key]
        sample[self.text_key] = text[:len(text) // 2]
