"""`Slicer`: makes several of one, as files or as samples."""

from __future__ import annotations

import os
from typing import Any

from wrasse._compat.datamate.core._op import SUCCESS_STATUS, BaseOp, Sample
from wrasse._compat.datamate.core.constant import Fields
from wrasse.compat.settings import current

_TYPES = {"text": "txt", "image": "png"}


class Slicer(BaseOp):
    """Makes several of one.

    Either `execute` writes files with `save_patch_sample` and returns a list of the
    sample alone, or it returns a list of new samples. If the sample has no folder to
    write to, what would be files are new samples too.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.target_file_type: str | None = None
        # What would have been files, of the call that is under way.
        self._patches: list[Sample] = []

    def __call__(self, sample: Sample, **kwargs: Any) -> list[Sample] | Sample:
        """Runs the operator; returns a list of the sample, or of the new ones."""
        if sample.get(Fields.result) is False:
            return sample if current().strict else [sample]
        self.fill_sample_params(sample, **kwargs)
        try:
            self._patches = []
            pieces = list(self._run(sample))
            pieces, self._patches = self._patches or pieces, []
            if not all(isinstance(piece, dict) for piece in pieces):
                raise TypeError("`execute` returned a list of something else; it returns samples")
        except Exception as error:
            self.load_sample_to_sample(sample, [])
            self._fail(sample, error)
            return [sample]
        if self._are_samples(sample, pieces):
            return self._give(sample, pieces)
        self.load_sample_to_sample(sample, pieces)
        sample["execute_status"] = SUCCESS_STATUS
        if self.is_last_op:
            self._finish(sample)
        return [sample]

    @staticmethod
    def load_sample_to_sample(sample: Sample, sample_list: list[Sample]) -> None:
        """Brings fields into the sample, the last ones win; `fileNum` is 1 if there is none."""
        for one in sample_list:
            sample.update(one)
        sample["fileNum"] = sample.get("fileNum") or 1

    def save_patch_sample(
        self, sample: Sample, patch_no: int | str, save_format: str = "text"
    ) -> None:
        """Writes text or data of a sample to `<fileId>_<patch_no>.<type>` in the export folder.

        `save_format`: `text` makes a `txt`, `image` a `png`, unless the operator has a
        `target_file_type`. Raises `RuntimeError` for others. Without an export folder, the
        sample becomes one of those that the call returns.
        """
        if save_format not in _TYPES:
            raise RuntimeError(f"`save_format` is `text` or `image`, not `{save_format}`")
        if not sample.get(self.export_path_key) and not current().strict:
            self._patches.append(dict(sample))
            return
        target_type = self.target_file_type or _TYPES[save_format]
        self.save_file(sample, self.get_save_path(sample, patch_no, target_type))

    def get_save_path(self, sample: Sample, patch_no: int | str, target_type: str) -> str:
        """Where `save_patch_sample` writes to; makes the folder."""
        folder = self._export_folder(sample)
        return os.path.join(folder, f"{sample[self.fileid_key]}_{patch_no}.{target_type}")

    def save_file(self, sample: Sample, save_path: str) -> None:
        """Writes text, or else data."""
        text = sample.get(self.text_key)
        with open(save_path, "wb") as file:
            file.write(text.encode() if text else sample.get(self.data_key) or b"")
        self._note_saved(sample, save_path)

    def _has_output(self, sample: Sample, result: Any) -> bool:
        is_itself = isinstance(result, list) and all(one is sample for one in result)
        return self._n_saved > 0 or bool(self._patches) or not is_itself

    def _are_samples(self, sample: Sample, pieces: list[Sample]) -> bool:
        """Whether these are new samples, and not what is to be noted of one that made files."""
        is_itself = len(pieces) == 1 and pieces[0] is sample
        return not current().strict and self._n_saved == 0 and not is_itself

    def _give(self, sample: Sample, pieces: list[Sample]) -> list[Sample]:
        """Samples as the engine wants them: each with the fields of the one it is of."""
        given = []
        # The sample's own text and data are not those of a piece that has none.
        base = {**sample, self.text_key: "", self.data_key: b""}
        for piece in pieces:
            whole = {**base, **piece}
            whole["execute_status"] = SUCCESS_STATUS
            whole["fileNum"] = len(pieces)
            if self.is_last_op and not self._is_empty(whole):
                self._finish(whole)
            given.append(whole)
        return given
