"""What the page offers to compare: the models exist, the sentences speak of them."""

import re

import pytest

from deeprnn.experiments import questions
from deeprnn.experiments.format import figure
from deeprnn.page.compare.cards import reading
from deeprnn.page.shared.questions import comparisons, verdict, words_of
from deeprnn.page.shared.widgets import alphabets_note
from deeprnn.page.words import WORDS
from deeprnn.store.registry import Registry


def test_every_question_can_be_answered_by_the_shipped_models(registry):
    assert set(comparisons(registry)) == {one.key for one in questions.comparisons()}


def test_every_group_has_its_sentence_in_both_languages_with_the_figures_of_its_models(registry):
    for comparison in comparisons(registry).values():
        for budget, names in comparison.groups.items():
            texts = [verdict(registry, comparison, budget, lang) for lang in ("en", "zh")]
            assert texts[0] != texts[1]
            figures = [set(re.findall(r"\d+\.\d+", text)) - {"1.0"} for text in texts]
            assert figures[0] == figures[1], comparison.key
            assert len(figures[0]) >= min(len(names), 2)


def test_questions_whose_models_are_not_there_are_left_out(save_tiny, tmp_path):
    save_tiny(tmp_path / "tiny")
    assert comparisons(Registry(tmp_path)) == {}


def test_cells_are_compared_as_far_as_their_models_are_there(save_tiny, tmp_path):
    for cell in ("rnn", "gru"):
        save_tiny(tmp_path / f"width-{cell}-2-residual")
    assert comparisons(Registry(tmp_path))["cells"].groups == {
        "width": ("width-rnn-2-residual", "width-gru-2-residual")
    }


@pytest.mark.parametrize("comparison", questions.comparisons(), ids=lambda comparison: comparison.key)
def test_a_question_has_words_for_all_that_it_holds_equal(comparison):
    assert f"{words_of(comparison.key)}.asked" in WORDS
    for budget in comparison.groups:
        assert f"equal.{budget}" in WORDS
        assert f"{words_of(comparison.key)}.{budget}" in WORDS
    assert all(len(names) <= 6 for names in comparison.groups.values())


def test_the_verdict_on_authors_tells_both_authors_and_the_mean_over_all(registry):
    comparison = comparisons(registry)["authors"]
    said = verdict(registry, comparison, comparison.budget, "en")
    five = registry.infos["author-five"].metrics.elsewhere
    for text in ("time_machine", "pride_and_prejudice"):
        assert f"{five[text].ppl:.3f}" in said
    assert figure(questions.answers(registry.results)["authors"]["shared_mean"], ".1f") in said


def test_models_of_one_heldout_text_are_ranked_and_those_of_two_are_not(registry):
    def note(*names):
        return alphabets_note(registry, [registry.infos[name] for name in names], "en")

    assert "not to be ranked" not in note("data-10k", "data-book", "data-wells-8", "wells-lstm-2")
    assert "not to be ranked" in note("wells-lstm-2", "shakespeare-lstm-2")
    assert "not to be ranked" in note("note-lstm-2", "data-10k")
    assert note("note-lstm-2", "note-gru-2") == ""


def test_a_model_is_said_to_read_new_text_about_as_well_only_within_15_percent(registry):
    said = {name: reading(info) for name, info in registry.infos.items()}
    assert said["data-wells-8"] == "general"
    assert said["time-lstm-2-residual"] == "less", "3.2 for 4.5"
    assert said["data-book"] in ("overfit", "less")
    for name, info in registry.infos.items():
        if said[name] == "general":
            assert info.heldout_ppl <= 1.15 * info.train_ppl
