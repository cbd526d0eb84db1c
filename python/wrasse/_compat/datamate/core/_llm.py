"""`LLM`: a mapper that asks a language model."""

from __future__ import annotations

import json
import os
from typing import Any

from wrasse._compat.datamate.common.utils.llm_request import LlmReq
from wrasse._compat.datamate.core._mapper import Mapper
from wrasse._compat.datamate.core._op import Sample


class LLM(Mapper):
    """A mapper with a model: `self.llm(prompt)` gives its answer.

    Settings: `LLMUrl`, `LLMHeaders`, `LLMBody`, `accessType`, `isHttps`,
    `isCertificate`, `certificatePath`; see `LlmReq`. Also `LLMTimeout` in seconds
    (300) and `LLMAttempts` (4).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.llm = self.get_llm(*args, **kwargs)
        self.prompt_template: Any = None
        self.target_file_type: str | None = None

    @staticmethod
    def get_llm(*args: Any, **kwargs: Any) -> LlmReq:
        """The client for the settings."""
        return LlmReq(
            url=kwargs.get("LLMUrl", ""),
            header=kwargs.get("LLMHeaders", {"Content-type": "application/json"}),
            body=kwargs.get("LLMBody", {}),
            access_type=kwargs.get("accessType", False),
            is_https=kwargs.get("isHttps", False),
            is_certificate=kwargs.get("isCertificate", False),
            certificate_path=kwargs.get("certificatePath"),
            timeout_s=float(kwargs.get("LLMTimeout", 300.0)),
            attempts=int(kwargs.get("LLMAttempts", 4)),
        )

    def build_llm_prompt(self, *args: Any, **kwargs: Any) -> Any:
        """The prompt; each operator has its own."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `build_llm_prompt`")

    def save_sample(self, object_list: list[Any], sample: Sample) -> None:
        """Writes objects to `<fileId>.jsonl` in the export folder, one a line."""
        path = self.get_save_path(sample, self.target_file_type or "jsonl")
        self.save_json_file(object_list, path)
        if object_list:
            self._note_saved(sample, path)

    def get_save_path(self, sample: Sample, target_type: str) -> str:
        """Where `save_sample` writes to; makes the folder."""
        folder = self._export_folder(sample)
        return os.path.join(folder, f"{sample[self.fileid_key]}.{target_type}")

    @staticmethod
    def save_json_file(object_list: list[Any], save_path: str) -> None:
        """Writes objects as lines of JSON; nothing if there are none."""
        if not object_list:
            return
        with open(save_path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in object_list)
