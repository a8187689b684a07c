"""The command `deeprnn` as a module: `python -m deeprnn train smoke`."""

import sys

from deeprnn.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
