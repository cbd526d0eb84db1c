"""Small functions that operators import from here."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from wrasse._compat.datamate.common.utils.bytes_transform import bytes_to_numpy, numpy_to_bytes
from wrasse.lazy import need

__all__ = [
    "bytes_to_numpy",
    "check_valid_path",
    "decrypt",
    "get_now_time",
    "get_realpath_with_prefix_check",
    "is_k8s",
    "numpy_to_bytes",
]


def check_valid_path(file_path: str | os.PathLike[str]) -> bool:
    """Whether there is a file or folder at a path."""
    return os.path.exists(os.path.abspath(file_path))


def get_realpath_with_prefix_check(path: str, prefix: str) -> str:
    """The path without links; raises `ValueError` if it does not lie in the folder `prefix`.

    The original compares characters, so that `/data-other` lies in `/data`.
    """
    real = os.path.realpath(path)
    if Path(real).is_relative_to(os.path.realpath(prefix)):
        return real
    raise ValueError(f"the path `{real}` does not lie in `{prefix}`")


def get_now_time(timezone: str, time_format: str, file_name: str, method: str) -> str:
    """The time in a time zone (`Asia/Shanghai`), in a format of `strftime`.

    `file_name` and `method` are for the log of the original. Raises
    `zoneinfo.ZoneInfoNotFoundError` for an unknown zone.
    """
    return datetime.now(ZoneInfo(timezone)).strftime(time_format)


def decrypt(enc_pass: str) -> str:
    """A password in the clear, by Huawei's package `kmc`."""
    kmc = need("kmc.kmc", "an encrypted password")
    # Its interface: the text goes in through the environment.
    os.environ["KMC_DATA_USER"] = "modelenginepublic"
    os.environ["KMC_PYTHON_ENCRYPT_DATA"] = enc_pass
    try:
        return str(kmc.API().decrypt(0))
    finally:
        os.environ["KMC_PYTHON_ENCRYPT_DATA"] = ""


def is_k8s() -> bool:
    """Whether this process runs in Kubernetes."""
    return "KUBERNETES_SERVICE_HOST" in os.environ
