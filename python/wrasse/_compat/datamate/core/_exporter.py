"""`FileExporter`: writes the file that came of a sample."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

from wrasse._compat.datamate.core import _reading
from wrasse._compat.datamate.core._op import BaseOp, Sample
from wrasse._compat.datamate.core.constant import Fields
from wrasse.compat.settings import current

_TEXTS = (
    "txt",
    "html",
    "md",
    "markdown",
    "xlsx",
    "xls",
    "csv",
    "pptx",
    "ppt",
    "xml",
    "json",
    "doc",
    "docx",
    "pdf",
)
_IMAGES = ("jpg", "jpeg", "png", "bmp")
_MEDICAL = ("svs", "tif", "tiff")


class FileExporter(BaseOp):
    """Writes files into the folder `export_path` of their samples.

    | type | content | written as |
    |---|---|---|
    | text (`text_support_ext`) | text | `txt` |
    | images (`data_support_ext`) | data, or else text | the same type |
    | both, with `target_type` | data, or else text | that type |
    | medical images (`medical_support_ext`) | data | `png` |

    A name that is taken gets `_1`, `_2`, and so on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_ops = True
        self.text_support_ext = kwargs.get("text_support_ext", _TEXTS)
        self.data_support_ext = kwargs.get("data_support_ext", _IMAGES)
        self.medical_support_ext = kwargs.get("medical_support_ext", _MEDICAL)

    def execute(self, sample: Sample) -> bool:
        """Writes the file; the sample then is about the file written, and has no content.

        False if there is nothing to write. A type that none of the lists has raises
        `UnsupportedType`; with `strict` it gives true, and nothing is written.
        """
        file_type = sample[self.filetype_key]
        if not current().strict:
            file_type = _reading.plain_type(str(file_type))
        target = self._content(sample, file_type)
        if target is None:
            return True
        if self._is_empty(sample):
            sample[self.filesize_key] = "0"
            return False
        path = self.save_file(sample, self.get_save_path(sample, target))
        sample[self.text_key], sample[self.data_key] = "", b""
        sample[Fields.result] = True
        sample[self.filetype_key] = path.rpartition(".")[2]
        sample[self.filename_key] = os.path.basename(path)
        sample[self.filepath_key] = path
        sample[self.filesize_key] = str(os.path.getsize(path))
        return True

    def get_save_path(self, sample: Sample, target_type: str) -> str:
        """Where the file shall lie if the name is free; makes the folder."""
        folder = self._export_folder(sample)
        stem = os.path.splitext(os.path.basename(sample[self.filename_key]))[0]
        return os.path.join(folder, f"{stem}.{target_type}")

    def save_file(self, sample: Sample, save_path: str) -> str:
        """Writes text, or else data, to a path that was free; returns it."""
        content = sample[self.text_key].encode() if sample[self.text_key] else sample[self.data_key]
        wanted = Path(save_path).resolve()
        for number in itertools.count():
            name = f"{wanted.stem}_{number}{wanted.suffix}" if number else wanted.name
            path = wanted.with_name(name)
            try:
                # Fails if the file exists, even if another worker is making it right now.
                with open(path, "xb") as file:
                    file.write(content)
            except FileExistsError:
                continue
            path.parent.chmod(0o770)
            path.chmod(0o640)
            return str(path)
        raise AssertionError("numbers do not end")

    def _content(self, sample: Sample, file_type: str) -> str | None:
        """Leaves what is to be written in the sample; gives the type to write it as."""
        wanted = sample.get(self.target_type_key)
        is_text = file_type in self.text_support_ext
        is_text = is_text or (file_type == "jsonl" and not current().strict)
        if is_text and not wanted:
            sample[self.text_key], sample[self.data_key] = str(sample[self.text_key]), b""
            return "txt"
        if is_text or file_type in self.data_support_ext:
            if sample[self.data_key]:
                self._only_data(sample)
            else:
                sample[self.text_key] = str(sample[self.text_key])
            return wanted or file_type
        if file_type in self.medical_support_ext:
            self._only_data(sample)
            return "png"
        if current().strict:
            return None
        raise _reading.UnsupportedType(f"files of type `{file_type}` cannot be exported")

    def _only_data(self, sample: Sample) -> None:
        sample[self.text_key], sample[self.data_key] = "", bytes(sample[self.data_key])
