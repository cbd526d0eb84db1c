from concurrent.futures import ThreadPoolExecutor

from datamate.core.base_op import LLM


class SummaryByModel(LLM):
    def build_llm_prompt(self, line):
        return f"sum up {line}"

    def execute(self, sample):
        lines = sample[self.text_key].splitlines()
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(self.llm, map(self.build_llm_prompt, lines)))
        self.save_sample([{"line": line, "answer": one} for line, one in zip(lines, answers)], sample)
        sample[self.text_key] = "Success"
        return sample
