"""The question of poems: what is counted for a figure, and what the shipped results say."""

from dataclasses import replace

import pytest

from deeprnn.experiments import poems, questions
from deeprnn.experiments.markdown import written
from deeprnn.measure.verse import Count
from deeprnn.store.results import Results
from tests.conftest import SHIPPED

SHIPPED_RESULTS = Results.read(SHIPPED)
FOUND = questions.answers(SHIPPED_RESULTS)["poems"]
SHAPED = [one["shaped"].mean for one in FOUND["shaped"]]  # by depth


def test_of_one_seed_the_interval_is_that_of_the_poems_and_of_several_that_of_the_seeds():
    one = poems.keeping([Count(kept=500, of=1_000)])
    assert (one.mean, one.num_seeds) == (50, 1)
    assert one.half_width == pytest.approx(3.1, abs=0.05)
    two = poems.keeping([Count(kept=500, of=1_000), Count(kept=520, of=1_000)])
    assert (two.mean, two.num_seeds) == (51, 2)
    assert two.half_width == pytest.approx(12.7, abs=0.05)


def test_of_nothing_there_is_no_share():
    assert poems.keeping([]) is None
    assert poems.keeping([Count(kept=0, of=0)]) is None


def test_there_is_no_order_of_depth_as_the_claim_says():
    assert [one["layers"] for one in FOUND["layers"]] == [1, 2, 4, 10]
    assert sorted(SHAPED) not in (SHAPED, SHAPED[::-1])
    wide = max(one["shaped"].half_width for one in FOUND["shaped"])
    assert wide > max(SHAPED) - min(SHAPED)


@pytest.mark.parametrize("layers", ["two", "four"])
def test_plain_layers_predict_worse_and_keep_the_lines_better_as_the_sentence_says(layers):
    assert FOUND[f"{layers}_plain"].mean > 1.3 * max(one["ppl"].mean for one in FOUND["ppl"])
    assert FOUND[f"shaped_{layers}_plain"].mean > max(SHAPED)


def test_seeds_of_one_depth_differ_as_much_as_the_claim_says():
    apart = max(SHAPED) - min(SHAPED)
    assert bool(FOUND["farther"]) == (FOUND["spread"] > apart)
    assert bool(FOUND["nearly"]) == (FOUND["spread"] <= apart)
    assert FOUND["spread"] > 0.8 * apart, "else neither is right"


def test_grus_are_told_beside_lstms_of_the_same_depth_plain_ones_too():
    found = questions.answers(SHIPPED_RESULTS)["cells"]
    assert [one["layers"] for one in found["layers"]] == [1, 2, 4, 10]
    assert [one["lstm"] for one in found["beside"]] == [one["ppl"] for one in FOUND["ppl"]]
    gru = [one["gru"].mean for one in found["beside"]]
    assert found["gru_few"] == gru[1]
    plain = {one["layers"]: one for one in found["plain"]}
    assert plain[2]["lstm"] == FOUND["two_plain"]
    assert bool(found["below"]) == all(one["ppl"].mean < one["lstm"].mean for one in plain.values())


def test_without_all_depths_nothing_is_told_of_grus():
    runs = {name: run for name, run in SHIPPED_RESULTS.runs.items() if run.recipe != "poems-gru-4-residual"}
    with pytest.raises(LookupError, match="not all depths were run"):
        poems.answer_cells(replace(SHIPPED_RESULTS, runs=runs))


def test_no_depth_has_learned_to_rhyme_as_the_claim_says():
    assert FOUND["couplets_rhymed_real"].mean > 90
    assert max(one["couplets_rhymed"].mean for one in FOUND["couplets_rhymed"]) < 10
    assert FOUND["couplets_rhymed_best"].mean < 10


def test_the_best_model_has_the_lines_right_more_often_than_any_depth_as_the_claim_says():
    assert FOUND["shaped_best"].mean > max(SHAPED)
    assert FOUND["best"].mean < min(one["ppl"].mean for one in FOUND["ppl"])


def test_ten_plain_layers_have_learned_no_more_than_how_often_characters_occur():
    assert FOUND["plain"].mean > 0.97 * FOUND["unigram"]


def test_the_table_has_models_counting_and_real_poems_with_intervals():
    rows = [line for line in written(poems.table(SHIPPED_RESULTS)).splitlines()[2:] if " ± " in line]
    names = [row.split("|")[1].strip() for row in rows]
    assert {"2 x LSTM, residual", "10 x LSTM, residual"} <= set(names[:-3])
    assert names[-3:] == ["3-gram", "5-gram", "real poems"]


def test_a_chart_of_shares_begins_at_nothing_and_has_the_real_poems_as_a_line():
    (charts,) = poems.charts(SHIPPED_RESULTS)
    for chart, rule in zip(charts, poems.RULES, strict=False):
        assert not chart.log_y
        assert [name.key for name, _ in chart.rules] == ["poems.real"]
        assert chart.title.key == f"poems.figure.{rule}"
    assert charts[-1].log_y
