"""`python -m wrasse.worker`: see the package."""

from __future__ import annotations

import sys


def main(args: list[str]) -> int:
    """Runs the part that the first argument names; without one the worker."""
    match args:
        case []:
            from wrasse.worker.serve import serve

            return serve()
        case ["describe"]:
            from wrasse.worker.describe import describe

            return describe()
    print(f"unknown arguments: {args}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
