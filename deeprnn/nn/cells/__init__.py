"""The recurrent cells, one file each, and the registry that names them."""

from deeprnn.cells.base import Cell
from deeprnn.cells.gru import GRUCell
from deeprnn.cells.lstm import LSTMCell
from deeprnn.cells.min_gru import MinGRUCell
from deeprnn.cells.rnn import RNNCell

CELLS: dict[str, type[Cell]] = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell, "mingru": MinGRUCell}

__all__ = ["CELLS", "Cell", "GRUCell", "LSTMCell", "MinGRUCell", "RNNCell"]
