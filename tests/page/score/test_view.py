"""The Score view's choices, without a browser."""

from deeprnn.page.score import view as score
from deeprnn.page.shared.widgets import readers
from deeprnn.text.vocab import UNKNOWN_ID


def test_an_example_brings_models_that_know_its_characters(registry):
    text = score.EXAMPLES["chinese"]
    names = readers(registry, text, score.FIRST, score.FIRST)
    assert names == ["journey-gru-2"]
    assert registry.infos[names[0]].vocab.encode(text).count(UNKNOWN_ID) < len(text) / 2
    english = score.EXAMPLES["new"]
    assert readers(registry, english, names, score.FIRST) == list(score.FIRST)
    assert readers(registry, english, ["note-rnn-2"], score.FIRST) == ["note-rnn-2"]


def test_the_running_plot_counts_characters_as_the_table_does(visit):
    """Guessing costs the same everywhere, so that its line is level, also behind a dash that is read as two."""
    one = visit("?view=score&models=note-rnn-2&text=one%E2%80%94two%E2%80%94three%E2%80%94four%E2%80%94five%20six")
    line = one.page.locator(".running .curve.base").last
    line.wait_for(state="attached")  # a level line has no height
    heights = {point.split(",")[1] for point in line.get_attribute("points").split()}
    assert len(heights) == 1
