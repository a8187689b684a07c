"""Train recipes by name, or on a text of your own: `python train.py smoke`, `python train.py my-book --data F`."""

import sys

from deeprnn.commands.train import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
