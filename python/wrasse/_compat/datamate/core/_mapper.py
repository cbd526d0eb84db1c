"""`Mapper` and `Filter`: the calls by which the engine runs them."""

from __future__ import annotations

from typing import Any

from wrasse._compat.datamate.core._op import SUCCESS_STATUS, BaseOp, Sample
from wrasse._compat.datamate.core.constant import Fields
from wrasse.compat.settings import current


class Mapper(BaseOp):
    """Changes samples; `execute` returns the sample."""

    def __call__(self, sample: Sample, **kwargs: Any) -> Sample:
        """Runs the operator; a failure is written into the sample, which is returned."""
        if sample.get(Fields.result) is False:
            return sample
        self.fill_sample_params(sample, **kwargs)
        try:
            result = self._run(sample)
            if not isinstance(result, dict) and not current().strict:
                raise TypeError(
                    f"`execute` returned {type(result).__name__}; it returns the sample"
                )
        except Exception as error:
            self._fail(sample, error)
            return sample
        done: Sample = result
        done["execute_status"] = SUCCESS_STATUS
        if self.is_last_op:
            if self._is_empty(done):
                self._tell_empty(done)
            else:
                self._finish(done)
        return done


class Filter(BaseOp):
    """Keeps samples or drops them.

    `execute` returns the sample, without text and data if it is to be dropped; or
    true to keep it and false to drop it.
    """

    def __call__(self, sample: Sample, **kwargs: Any) -> bool | Sample:
        """Whether the sample is kept. One that failed before is returned, which is true."""
        if sample.get(Fields.result) is False:
            return sample
        self.fill_sample_params(sample, **kwargs)
        strict = current().strict
        try:
            result = self._run(sample)
            if not strict:
                self._decide(sample, result)
        except Exception as error:
            self._fail(sample, error, is_told=not strict)
            return False
        # What goes on is the sample; with `strict`, whatever else `execute` returned is not.
        decided = result if strict else sample
        decided["execute_status"] = SUCCESS_STATUS
        if self._is_empty(decided):
            self._tell_empty(decided)
            return False
        if self.is_last_op:
            self._finish(decided)
            return decided.get(Fields.result) is not False
        return True

    def _decide(self, sample: Sample, result: Any) -> None:
        """Brings what `execute` returned into the sample."""
        if isinstance(result, dict):
            if result is not sample:
                sample.clear()
                sample.update(result)
        elif type(result).__name__ in ("bool", "bool_"):
            if not result:
                sample[self.text_key], sample[self.data_key] = "", b""
        else:
            raise TypeError(
                f"`execute` returned {type(result).__name__}; "
                "it returns the sample, or true or false"
            )
