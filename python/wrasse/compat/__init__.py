"""DataMate's modules, for operators that were written for it.

`install()` makes `import datamate`, `core.*` and `ops.*` work in this process:
all of them are names for modules of this package, so a class is the same object
under each of its names. What differs from the original, and how to have the
original's way, says `wrasse.compat.settings`.
"""

from wrasse.compat.hook import install, is_installed, root_module, set_up, uninstall
from wrasse.compat.settings import Settings, current

__all__ = ["Settings", "current", "install", "is_installed", "root_module", "set_up", "uninstall"]
