"""Where checkpoints are, unless a user says otherwise.

Knows: names of folders. Does not know: what is in them.
"""

from pathlib import Path

CHECKPOINTS = Path("checkpoints")  # the shipped ones, below the folder in which the project is used
RUNS = Path("runs")  # those that training saves
IN_CLONE = Path(__file__).resolve().parents[2] / CHECKPOINTS  # the shipped ones where the package is used in a clone
