"""`python -m wrasse` is the command `wrasse`."""

import sys

from wrasse._program import main

if __name__ == "__main__":
    sys.exit(main())
