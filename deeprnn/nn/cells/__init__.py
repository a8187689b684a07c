"""The recurrent cells, one file each, and the registry of their names."""

from deeprnn.nn.cells.base import Cell
from deeprnn.nn.cells.gru import GRUCell
from deeprnn.nn.cells.lstm import LSTMCell
from deeprnn.nn.cells.min_gru import MinGRUCell
from deeprnn.nn.cells.min_lstm import MinLSTMCell
from deeprnn.nn.cells.rnn import RNNCell

CELLS: dict[str, type[Cell]] = {
    "rnn": RNNCell,
    "gru": GRUCell,
    "lstm": LSTMCell,
    "mingru": MinGRUCell,
    "minlstm": MinLSTMCell,
}

__all__ = ["CELLS", "Cell", "GRUCell", "LSTMCell", "MinGRUCell", "MinLSTMCell", "RNNCell"]
