"""`LazyLoader`: a module that is imported when it is first used.

The original installs what is missing while it runs. Here a missing package is an
error that says what to install: workers share an environment, and an operator
must not change it under the others.
"""

from __future__ import annotations

import importlib.metadata
import sys
from types import ModuleType
from typing import Any

from wrasse.errors import WrasseError
from wrasse.lazy import need


class LazyLoader(ModuleType):
    """Stands for a module until its first attribute is asked for.

    `package_name`: of the package; `module_name`: what is imported, if that is
    called otherwise. `exact_version`: another version is an error. `whl_path` and
    `force_reinstall` are taken and do nothing. In the caller's module, the name of
    the module leads here.
    """

    def __init__(
        self,
        package_name: str,
        module_name: str | None = None,
        whl_path: str | None = None,
        exact_version: str | None = None,
        force_reinstall: bool = False,
    ) -> None:
        self._module_name = module_name or package_name
        super().__init__(self._module_name)
        self._package_name = package_name
        self.whl_path = whl_path
        self.exact_version = exact_version
        self.force_reinstall = force_reinstall
        self._cached_module: ModuleType | None = None
        self._parent_globals = sys._getframe(1).f_globals
        self._parent_globals[self._module_name] = self

    def __getattr__(self, name: str) -> Any:
        # Python itself asks for such names, of any module.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._load_module(), name)

    def __dir__(self) -> list[str]:
        return dir(self._load_module())

    def _load_module(self) -> ModuleType:
        if self._cached_module is None:
            module: ModuleType = need(self._module_name, f"the module `{self._module_name}`")
            self._check_version()
            self._cached_module = module
            self._parent_globals[self._module_name] = module
        return self._cached_module

    def _check_version(self) -> None:
        if self.exact_version is None:
            return
        found = importlib.metadata.version(self._package_name.partition(".")[0])
        if found != self.exact_version:
            raise WrasseError(
                f"`{self._package_name}` {self.exact_version} is needed, {found} is installed: "
                f"`pip install {self._package_name}=={self.exact_version}`"
            )
