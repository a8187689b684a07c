"""The Score view's choices, without a browser."""

from deeprnn.ui import score
from deeprnn.ui.widgets import readers
from deeprnn.vocab import UNKNOWN_ID


def test_an_example_brings_models_that_know_its_characters(registry):
    text = score.EXAMPLES["example_chinese"]
    names = readers(registry, text, score.FIRST, score.FIRST)
    assert names == ["journey-gru-2"]
    assert registry.infos[names[0]].vocab.encode(text).count(UNKNOWN_ID) < len(text) / 2
    english = score.EXAMPLES["example_new"]
    assert readers(registry, english, names, score.FIRST) == list(score.FIRST)
    assert readers(registry, english, ["note-rnn-2"], score.FIRST) == ["note-rnn-2"]
