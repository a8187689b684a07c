"""Deep recurrent character language models: list them, load them, generate and score text with them."""

from deeprnn.lm.evaluation import Score
from deeprnn.lm.language_model import LanguageModel
from deeprnn.lm.poem import write_poem
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry, list_checkpoints, load
from deeprnn.text.poem_form import PoemForm

__version__ = "0.1.0"
__all__ = ["CheckpointInfo", "LanguageModel", "PoemForm", "Registry", "Score", "list_checkpoints", "load", "write_poem"]
