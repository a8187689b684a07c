"""Train the named recipes: `python train.py smoke`, `python train.py 'note-*'`."""

import sys

from deeprnn.commands.train import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
