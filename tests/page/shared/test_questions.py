"""What the page offers to compare: the models exist, the sentences speak of them."""

import itertools
import re
from dataclasses import replace

import pytest

from deeprnn.experiments import questions
from deeprnn.experiments.format import figure, rounded
from deeprnn.nn.cells import CELLS
from deeprnn.page.compare.cards import reading
from deeprnn.page.shared.questions import comparisons, verdict, words_of
from deeprnn.page.shared.widgets import alphabets_note
from deeprnn.page.words import WORDS
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED, of_seed


def test_every_question_can_be_answered_by_the_shipped_models(registry):
    assert set(comparisons(registry)) == {one.key for one in questions.comparisons()}


GROUPS = [(one.key, budget) for one in questions.comparisons() for budget in one.groups]


@pytest.fixture
def said(registry):
    """What a comparison's verdict says, and the figures of its models, which the cards show."""

    def of(key, budget):
        comparison = comparisons(registry)[key]
        infos = [registry.infos[name] for name in comparison.groups[budget]]
        return [verdict(registry, comparison, budget, lang) for lang in ("en", "zh")], infos

    return of


@pytest.mark.parametrize(("key", "budget"), GROUPS)
def test_a_verdict_is_a_sentence_of_at_most_three_rounded_figures_and_then_the_rest(said, key, budget):
    """A figure is a number in digits; an n-gram's order and the length that names a text are none."""
    texts, infos = said(key, budget)
    named = re.compile(r"6-gram|6 元语法|10,000 char")
    taken = [sorted(re.findall(r"\d[\d,.]*\d|\d", named.sub("", one["takeaway"]))) for one in texts]
    assert taken[0] == taken[1]
    assert 1 <= len(taken[0]) <= 3
    assert all(len(number.replace(",", "")) <= 4 for number in taken[0]), "rounded"
    assert all(re.fullmatch(r"[^.。]*([.。](?!\s|$)[^.。]*)*[.。]", one["takeaway"]) for one in texts), "one sentence"
    assert texts[0]["rest"] != texts[1]["rest"]
    rest = [sorted(set(re.findall(r"\d+\.\d+", one["rest"]))) for one in texts]
    assert rest[0] == rest[1]
    assert len(rest[0]) >= min(len(infos), 2)


def compares(key, budget="recipe"):
    return pytest.mark.parametrize(("key", "budget"), [(key, budget)])


@compares("rote")
def test_two_layers_recite_and_are_worse_than_guessing_by_at_least_what_is_said(said, key, budget):
    texts, (*two, ten) = said(key, budget)
    assert all(info.train_ppl < 1.05 < len(info.vocab) < info.heldout_ppl for info in two)
    assert all(rounded(min(info.heldout_ppl for info in two)) in one["takeaway"] for one in texts)
    assert ten.train_ppl == pytest.approx(ten.unigram_ppl, rel=0.01)


def ngram(registry, name):
    return registry.results.texts[registry.results.runs[name].text_key].ngram_ppl


@pytest.mark.parametrize("name", ["few-lstm-2", "data-10k", "data-wells-8"])
def test_counting_is_better_where_the_takeaway_says_so(registry, name):
    assert ngram(registry, name) < registry.infos[name].heldout_ppl


@pytest.mark.parametrize("name", ["wells-lstm-2", "journey-gru-2"])
def test_counting_is_worse_where_the_takeaway_says_so(registry, name):
    assert ngram(registry, name) > registry.infos[name].heldout_ppl


@compares("depth")
def test_two_layers_recite_ten_plain_ones_learn_letter_frequencies_and_ten_residual_ones_recite(said, key, budget):
    _, (two, plain, residual) = said(key, budget)
    assert plain.train_ppl == pytest.approx(plain.unigram_ppl, rel=0.01)
    for one in (two, residual):
        assert one.train_ppl < 1.05 < len(one.vocab) < one.heldout_ppl


@compares("ten", "parameters")
def test_residual_connections_gain_ten_tanh_layers_about_as_much_as_ten_lstm_layers(said, key, budget):
    _, (lstm, better_lstm, rnn, better_rnn) = said(key, budget)
    gained = [plain.heldout_ppl / better.heldout_ppl for plain, better in ((lstm, better_lstm), (rnn, better_rnn))]
    assert gained[0] > 4
    assert gained[1] == pytest.approx(gained[0], rel=0.1)


@compares("ladder", "parameters")
def test_of_the_ladder_two_are_best_one_and_four_are_close_and_ten_are_last(said, key, budget):
    one, two, four, ten = (info.heldout_ppl for info in said(key, budget)[1])
    assert two < min(one, four) <= max(one, four) < 1.02 * two
    assert ten == max(one, two, four, ten) < 1.1 * two


@pytest.mark.parametrize("budget", ["parameters", "width", "time"])
def test_the_cells_that_are_best_and_worst_are_named(said, budget):
    texts, infos = said("cells", budget)
    ends = [pick(infos, key=lambda info: info.heldout_ppl) for pick in (min, max)]
    for info, one in itertools.product(ends, texts):
        assert re.search(rf"{CELLS[info.config.cell].label}.*?{rounded(info.heldout_ppl)}", one["takeaway"])


def test_the_best_cell_is_the_one_whose_mean_over_seeds_is_lowest_not_the_one_of_the_shown_seed():
    registry = Registry(SHIPPED)
    comparison = comparisons(registry)["cells"]
    shown = [registry.infos[name] for name in comparison.groups["parameters"]]
    best, second = sorted(shown, key=lambda info: info.heldout_ppl)[:2]
    run = registry.results.runs[best.name]
    final = {part: replace(of, ppl=9.0) for part, of in run.final.items()}
    worse = [of_seed(run, seed, final=final) for seed in (1, 2)]
    runs = registry.results.runs | {one.name: one for one in worse}
    registry.results = replace(registry.results, runs=runs)
    takeaway = verdict(registry, comparison, "parameters", "en")["takeaway"]
    first, last = (CELLS[info.config.cell].label for info in (second, best))
    assert re.match(rf"At equal parameters the {first} .* the {last} (is )?worst", takeaway)


@compares("authors")
def test_merging_costs_wells_nothing_and_austen_something(said, key, budget):
    _, (wells, austen, five) = said(key, budget)
    assert rounded(five.metrics.elsewhere["time_machine"].ppl) == rounded(wells.heldout_ppl)
    assert five.metrics.elsewhere["pride_and_prejudice"].ppl > 1.1 * austen.heldout_ppl


@compares("mistake")
def test_one_set_of_weights_for_two_layers_ends_at_letter_frequencies(said, key, budget):
    _, (right, wrong) = said(key, budget)
    assert right.train_ppl < 1.05
    assert wrong.train_ppl == pytest.approx(wrong.unigram_ppl, rel=0.01)


def test_the_two_best_were_trained_longest_of_all(registry, said):
    _, best = said("best", "recipe")
    seconds = {info.name: info.metrics.train_seconds for info in registry.infos.values()}
    assert {*sorted(seconds, key=seconds.__getitem__)[-2:]} == {info.name for info in best}


def test_the_figures_of_several_seeds_have_their_interval_in_the_rest(registry, said):
    (english, chinese), _ = said("rote", "recipe")
    interval = figure(registry.results.where(recipe="note-rnn-2").figure())
    assert "±" in interval
    assert interval in english["rest"]
    assert interval in chinese["rest"]


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
        assert f"{words_of(comparison.key)}.{budget}.takeaway" in WORDS
    assert all(len(names) <= 6 for names in comparison.groups.values())


def test_the_verdict_on_authors_tells_both_authors_and_the_mean_over_all(registry):
    comparison = comparisons(registry)["authors"]
    said = verdict(registry, comparison, comparison.budget, "en")["rest"]
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
