"""Modules that are installed when they are first used."""


class LazyLoader:
    @classmethod
    def _install_package(cls, package_spec, pip_args=None):
        raise AssertionError(f"{package_spec} would be installed")
