"""`BaseOp`: what all operators have, and the parts of a call that they share."""

from __future__ import annotations

import logging
import mimetypes
import os
from collections.abc import Collection
from typing import Any

from wrasse._compat.datamate.core import _reading
from wrasse._compat.datamate.core._failure import error_code, get_exception_info
from wrasse._compat.datamate.core.constant import Fields
from wrasse._compat.datamate.sql_manager.persistence_atction import TaskInfoPersistence
from wrasse.compat.settings import current

_log = logging.getLogger(__name__)

FAILED_STATUS = "FAILED"
SUCCESS_STATUS = "COMPLETED"

Sample = dict[str, Any]

# What slicers and language models leave as text when they wrote their files themselves.
_SAVED_MARKS = ("Success", "Sucess")


class BaseOp:
    """The base of all operators.

    Keyword arguments are the operator's settings, and `op_name`, `is_first_op`,
    `is_last_op` (both false), `accelerator` (`cpu`), and the names of fields, such as
    `text_key` (`text`) and `fileName_key` (`fileName`). Others are passed over.
    """

    use_model = False
    custom_ops = False

    # Of the call that is under way.
    _was_read = False
    _n_saved = 0
    _saved_bytes = 0
    # Of the last call that failed, for those who want the traceback.
    _last_error: BaseException | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.accelerator = kwargs.get("accelerator", "cpu")
        self.is_last_op = kwargs.get("is_last_op", False)
        self.is_first_op = kwargs.get("is_first_op", False)
        self._name = kwargs.get("op_name")
        self.infer_model: Any = None
        self.text_key: str = kwargs.get("text_key", "text")
        self.data_key: str = kwargs.get("data_key", "data")
        self.image_key: str = kwargs.get("image_key", "image")
        self.video_key: str = kwargs.get("video_key", "video")
        self.audio_key: str = kwargs.get("audio_key", "audio")
        self.filename_key: str = kwargs.get("fileName_key", "fileName")
        self.filetype_key: str = kwargs.get("fileType_key", "fileType")
        self.fileid_key: str = kwargs.get("fileId_key", "fileId")
        self.filepath_key: str = kwargs.get("filePath_key", "filePath")
        self.filesize_key: str = kwargs.get("fileSize_key", "fileSize")
        self.export_path_key: str = kwargs.get("export_path_key", "export_path")
        self.ext_params_key: str = kwargs.get("ext_params_key", "ext_params")
        self.target_type_key: str = kwargs.get("target_type_key", "target_type")

    @property
    def name(self) -> str:
        """The operator's name; `UnknownOp` if it was given none."""
        return self._name or "UnknownOp"

    def execute(self, sample: Sample) -> Any:
        """The work; each operator has its own."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `execute`")

    @staticmethod
    def is_npu_available() -> bool:
        """Whether there is an NPU, by the package `torch_npu`."""
        try:
            import torch_npu
        except ImportError:
            return False
        return bool(torch_npu.npu.is_available())

    def use_npu(self) -> bool:
        """Whether the operator shall use an NPU, and can."""
        return self.accelerator == "npu" and self.is_npu_available()

    @staticmethod
    def update_kwargs(
        sample: Sample, not_update_keys: Collection[str] = ("text", "data", "meta")
    ) -> Sample:
        """The fields of a sample without those of its content."""
        return {name: value for name, value in sample.items() if name not in not_update_keys}

    def get_model(self, *args: Any, **kwargs: Any) -> Any:
        """The model, made by `init_model` at the first call; `None` without `use_model`."""
        if self.infer_model is None and self.use_model:
            self.infer_model = self.init_model(*args, **kwargs)
        return self.infer_model

    def init_model(self, *args: Any, **kwargs: Any) -> Any:
        """Makes the model; each operator has its own."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `init_model`")

    def fill_sample_params(self, sample: Sample, **kwargs: Any) -> None:
        """Gives the sample text and data, and more fields if it has no content yet."""
        sample[self.text_key] = sample.get(self.text_key) or ""
        sample[self.data_key] = sample.get(self.data_key) or b""
        if self._is_empty(sample):
            sample.update(kwargs)

    def create_failure_sample(self, sample: Sample, op_name: str, excp: BaseException) -> None:
        """Marks the sample as failed: `execute_result`, and `failed_reason` with the cause."""
        sample[Fields.result] = False
        sample["failed_reason"] = {
            "op_name": op_name,
            "error_code": error_code(excp),
            "reason": get_exception_info(excp),
        }

    def read_file(self, sample: Sample) -> Sample:
        """Reads the file of the sample into its text or data.

        A file of an unknown type raises `UnsupportedType`; with `strict` it is left alone.
        """
        self._was_read = True
        file_type = sample[self.filetype_key]
        file_type = file_type if current().strict else _reading.plain_type(file_type)
        read = _reading.reader(file_type)
        if read is None:
            if not current().strict:
                raise _reading.UnsupportedType(f"files of type `{file_type}` cannot be read")
            return sample
        text, data = read(sample[self.filepath_key], file_type)
        sample[self.text_key], sample[self.data_key] = text, data
        return sample

    def read_file_first(self, sample: Sample) -> None:
        """Reads the file if this is the first operator."""
        if self.is_first_op:
            self.read_file(sample)

    def convert_to_dj(self, sample: Sample) -> Sample:
        """The sample as Data-Juicer has it: text is read, media are lists of paths."""
        path = sample[self.filepath_key]
        kind = (mimetypes.guess_type(path)[0] or "").partition("/")[0]
        if kind in ("image", "audio", "video"):
            sample[f"{kind}s"] = [path]
        else:
            self.read_file(sample)
        return sample

    @staticmethod
    def save_file_and_db(sample: Sample) -> Sample:
        """Exports the file of the sample and tells of it."""
        # Here, since that module needs this one.
        from wrasse._compat.datamate.core._exporter import FileExporter

        if FileExporter().execute(sample):
            TaskInfoPersistence().persistence_task_info(sample)
        return sample

    def _is_empty(self, sample: Sample) -> bool:
        return not sample.get(self.text_key) and not sample.get(self.data_key)

    def _run(self, sample: Sample) -> Any:
        """`execute`; once more if this first operator has not read its file and made nothing."""
        self._was_read, self._n_saved, self._saved_bytes = False, 0, 0
        was_empty = self._is_empty(sample)
        result = self.execute(sample)
        if was_empty and self.is_first_op and not self._was_read and not current().strict:
            file_type = _reading.plain_type(str(sample.get(self.filetype_key) or ""))
            is_readable = _reading.reader(file_type) is not None
            if is_readable and not self._has_output(sample, result):
                self.read_file(sample)
                result = self.execute(sample)
        return result

    def _has_output(self, sample: Sample, result: Any) -> bool:
        return not self._is_empty(result if isinstance(result, dict) else sample)

    def _fail(self, sample: Sample, error: BaseException, *, is_told: bool = True) -> None:
        """Marks the sample, and tells of it."""
        self.create_failure_sample(sample, self.name, error)
        self._last_error = error
        sample["execute_status"] = FAILED_STATUS
        if is_told:
            _log.error("`%s` failed: %s", self.name, get_exception_info(error))
            self._tell_empty(sample)

    def _tell_empty(self, sample: Sample) -> None:
        """Tells of a file that comes to nothing."""
        sample[self.filesize_key] = "0"
        sample[self.filetype_key] = ""
        if current().tells_ends:
            TaskInfoPersistence().update_task_result(sample)

    def _finish(self, sample: Sample) -> None:
        """What the last operator does with a sample that has content."""
        if current().strict:
            self.save_file_and_db(sample)
            return
        try:
            if self._n_saved and sample[self.text_key] in _SAVED_MARKS:
                # The files are written; the mark is not to become another.
                sample[self.filesize_key] = str(self._saved_bytes)
                TaskInfoPersistence().update_task_result(sample)
            else:
                self.save_file_and_db(sample)
        except Exception as error:
            self._fail(sample, error)

    def _export_folder(self, sample: Sample) -> str:
        """The folder that files of the sample go to, which is made; raises `ValueError` if none."""
        if not sample.get(self.export_path_key):
            # Else it would be the folder that the process happens to run in.
            raise ValueError(f"the sample has no `{self.export_path_key}` to write files to")
        folder: str = os.path.abspath(sample[self.export_path_key])
        os.makedirs(folder, exist_ok=True)
        return folder

    def _note_saved(self, sample: Sample, path: str) -> None:
        """Notes a file that the operator wrote itself, and makes it one of the group's."""
        os.chmod(path, 0o640)
        try:
            os.chmod(os.path.dirname(path), 0o770)
        except OSError as error:
            _log.warning("the folder of `%s` keeps its permissions: %s", path, error)
        size = os.path.getsize(path)
        self._n_saved += 1
        self._saved_bytes += size
        record = {"path": path, "size": size, "fileId": str(sample.get(self.fileid_key))}
        current().emit("slice", record)
