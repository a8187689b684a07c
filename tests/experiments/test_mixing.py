"""The question of mixing: what the runs differ in, and that its words follow the figures, whatever they are."""

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deeprnn.experiments import mixing
from deeprnn.experiments.format import claim, sentence
from deeprnn.experiments.markdown import written
from deeprnn.experiments.mixing import KINDS, LEFT, SHARES, TEXTS, WHOLE, added, instead
from deeprnn.page.shared.figures import drawn
from deeprnn.store.results import Results
from deeprnn.text.batches import num_windows
from deeprnn.text.splits import prepare
from tests.conftest import MADE_TEXT, made_by, of_seed

RECIPES = {recipe.name: recipe for recipe in mixing.recipes()}
MIXTURES = {one.name: one for one in mixing.mixtures()}
DATA = os.environ.get("DEEPRNN_DATA")  # read before any test replaces it
FAR = {kind: 2.0 + number for number, kind in enumerate(TEXTS)}  # the nats of their n-grams, in the order of distance


def results(ppl, *, seeds=1, names=tuple(RECIPES)):
    """Made-up runs: the perplexity of a mixture."""
    runs, texts = {}, {}
    for name in names:
        one, recipe = MIXTURES[name], RECIPES[name]
        for seed in range(seeds):
            value = ppl(one) * (1 + 0.001 * seed)
            run = made_by(recipe, value, test=value, text_key=name)
            figures = run.final | {"cold_256": run.final["test"]}
            run = of_seed(run, seed, final=figures)
            runs[run.name] = run
        mixed_in = FAR.get(one.kind, 1.5) if one.kind else None
        texts[name] = replace(MADE_TEXT, ngram_nats=1.0, mixed_in_nats=mixed_in)
    return Results(runs=runs, texts=texts)


def said(found, answer, lang="en"):
    figures = mixing.QUESTION.answered(found)[answer]
    return [write(f"mixing.answer.{answer}", figures, lang) for write in (claim, sentence)]


def test_there_is_a_recipe_for_each_mixture_and_those_that_the_answers_need_most_come_first():
    assert list(MIXTURES) == list(RECIPES)
    assert len(MIXTURES) == 37
    assert list(MIXTURES)[:2] == ["mixing-own-100", "mixing-own-25"]
    answered = [mixing.QUESTION.answered(results(lambda _: 4.0, names=list(RECIPES)[:n])).keys() for n in (5, 6, 13)]
    assert answered == [set(), {"mixing"}, {"mixing", "domains"}]


def test_noise_is_never_compared_with_another_clean_part_than_its_own():
    found = results(lambda _: 4.0, names=("mixing-own-25", "mixing-shuffled-10", "mixing-novel-75"))
    changes = {row[0].strip("`"): row[-1] for row in mixing.table(found).rows}
    assert changes["mixing-shuffled-10"] is None
    assert changes["mixing-novel-75"].mean == 0


def test_all_runs_make_as_many_steps_of_the_same_model():
    assert len({recipe.model for recipe in RECIPES.values()}) == 1
    steps = {
        name: recipe.train.epochs * num_windows(one.clean + one.mixed, recipe.train.batch_size, recipe.train.window)
        for (name, recipe), one in zip(RECIPES.items(), MIXTURES.values(), strict=True)
    }
    assert {name for name, count in steps.items() if count != 1_080} == {f"mixing-few-{kind}-10" for kind in KINDS}
    assert set(steps.values()) == {1_080, 1_089}


def test_runs_differ_in_their_text_and_in_how_often_they_read_it_alone():
    ours = {"max_train_chars", "max_more_chars", "more_texts", "noise", "noisy_chars", "epochs", "eval_every"}
    base = RECIPES[WHOLE.name].train.to_dict()
    for name, recipe in RECIPES.items():
        config = recipe.train.to_dict()
        changed = {key for key in config if config[key] != base[key]}
        assert changed <= ours | ({"min_count"} if name == "mixing-chinese-75" else set())


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_share_is_of_all_characters_or_beside_the_same_clean_ones(kind, share):
    one, other = instead(kind, share), added(kind, share)
    assert (one.clean + one.mixed, other.clean) == (WHOLE.clean, LEFT.clean)
    assert one.share == other.share == share
    assert other.mixed / (other.clean + other.mixed) == pytest.approx(share / 100, abs=1e-5)
    assert one.clean_alone in MIXTURES.values(), "what is left if it is left out"
    assert (one == other) == (share == SHARES[-1])


@pytest.mark.skipif(
    not (DATA and (Path(DATA) / "pride_and_prejudice.txt").is_file()), reason="DEEPRNN_DATA names no folder of texts"
)
@pytest.mark.parametrize("name", ["mixing-own-100", "mixing-shuffled-75", "mixing-few-mistyped-5-25", *TEXTS])
def test_a_run_reads_exactly_the_characters_that_its_mixture_says_and_is_tested_on_the_same_text(name, monkeypatch):
    monkeypatch.setenv("DEEPRNN_DATA", DATA)
    name = f"mixing-{name}-75" if name in TEXTS else name
    one, data = MIXTURES[name], prepare(RECIPES[name].train, torch.device("cpu"))
    assert [source.ranges["train"][1] - source.ranges["train"][0] for source in data.sources] == [
        *[one.clean, one.mixed][: 1 + bool(one.kind)]
    ]
    assert len(data.parts["train"]) == one.clean + one.mixed
    assert data.sources[0].ranges["test"] == (650_578, 684_819)
    unknown = int((data.parts["test"] == 0).sum())
    if one.kind == "chinese":
        assert (len(data.vocab), unknown) == (2_630, 17)
    else:
        assert unknown <= 10


def test_noise_that_is_worse_than_nothing_is_better_left_out():
    found = results(lambda one: 4.0 if one == WHOLE else 4.4 if not one.kind else 4.84, seeds=3)
    told, whole = said(found, "mixing")
    assert told.startswith("Noise is better left out: where three quarters of the training text have mistyped")
    assert "10 to 10% above" in told
    assert "with the words in random order, 4.845 ± 0.012 (+10.0 ± 0.0%); " in whole
    assert (
        "compared with their clean part alone; of the 28 with several seeds 28 raise it and 0 lower it, as far as the"
        in whole
    )
    assert "one seed" not in told
    assert "clean, 4.004 ± 0.010 (-9.1 ± 0.0%)." in whole
    assert whole.endswith(" Every figure has at least 3 seeds.")


def test_noise_that_helps_is_told_as_such():
    found = results(lambda one: 4.0 if one.kind else 5.0, seeds=3)
    told, whole = said(found, "mixing")
    assert told.startswith("Even noise is better than nothing")
    assert "20 to 20% below" in told
    assert "0 raise it and 28 lower it" in whole
    assert "噪声也比没有文本好" in said(found, "mixing", "zh")[0]


def test_of_one_seed_nothing_is_called_better_or_worse_and_the_claim_says_so():
    told, whole = said(results(lambda one: 4.0 if one.kind else 5.0), "mixing")
    assert told.startswith("These seeds do not tell whether noise costs anything or helps")
    assert told.endswith("the clean quarter alone (one seed each).")
    assert "of single seeds, so that a difference of one or two percent says nothing" in whole


def test_the_claim_on_noise_leaves_other_text_out_and_a_tenth_is_told_beside_little_and_much_clean_text():
    found = results(lambda one: 4.4 if one.kind == "reference" else 4.0 + (one.share == 10) * one.clean / 1e6)
    told, whole = said(found, "mixing")
    assert "by +0 to +0%" in told
    assert "by +10.0% to +10.5% compared with leaving it out where 418,500 clean characters are with it" in whole
    assert "and by +2.9% to +10.0% where 116,250 are" in whole


def test_noise_of_which_one_kind_helps_or_of_which_seeds_do_not_agree_is_not_better_left_out_for_certain():
    told, _ = said(results(lambda one: 5.0 - (one.kind == "shuffled") + (one.kind == "reference")), "mixing")
    assert told.startswith("These seeds do not tell whether noise costs anything or helps")
    assert "-20 to +0%" in told, "the reference is no noise"
    of_one = mixing.gap(results(lambda one: 4.0 + bool(one.kind)), instead("shuffled", 75), LEFT)
    several = [replace(of_one, mean=mean, half_width=half) for mean, half in ((3.0, 3.5), (3.0, 2.0), (-3.0, 2.0))]
    assert [mixing.sign(change) for change in (of_one, *several)] == [0, 0, 1, -1]


def test_that_noise_depends_on_its_kind_is_said_only_if_seeds_tell_that_one_helps_and_another_costs():
    cost = {"mistyped-20": 0.5, "shuffled": -0.5}
    told, _ = said(results(lambda one: 5.0 + cost.get(one.kind, 0.0), seeds=3), "mixing")
    assert told.startswith("What noise costs depends on its kind")
    assert "by -10 to +10% compared with the clean quarter alone." in told
    for half, beginning in (
        ({"shuffled": 0.0}, "Seeds tell that some kinds of noise cost"),
        (cost | {"mistyped-20": 0.0}, "Seeds tell that some kinds of noise help"),
    ):
        told, _ = said(results(lambda one, half=half: 5.0 + (cost | half).get(one.kind, 0.0), seeds=3), "mixing")
        assert told.startswith(beginning)


def test_mixtures_of_one_seed_are_not_counted_among_those_that_seeds_tell():
    found = results(lambda one: 4.0 if not one.kind else 4.5, seeds=3)
    single = {name: run for name, run in found.runs.items() if run.recipe != "mixing-shuffled-10" or run.seed == 0}
    _, whole = said(replace(found, runs=single), "mixing")
    assert "; of the 27 with several seeds 27 raise it and 0 lower it" in whole


@pytest.mark.parametrize(
    ("order", "beginning", "pairs"),
    [
        (
            [1, 2, 3, 4],
            "Of the other English texts that were tried, the more distant one costs more in every pair, though seeds",
            "In 6 of the 6 pairs",
        ),
        ([1, 2, 4, 3], "Of the other English texts that were tried, mostly the more distant", "In 5 of the 6 pairs"),
        ([4, 3, 2, 1], "How distant another English text is does not decide what it costs", "In 0 of the 6 pairs"),
    ],
)
def test_whether_distance_costs_is_counted_over_all_pairs_of_english_texts(order, beginning, pairs):
    cost = dict(zip(TEXTS, [*order, 0.5], strict=True))
    told, whole = said(results(lambda one: 4.0 + cost.get(one.kind, 0)), "domains")
    assert told.startswith(beginning)
    assert pairs in whole
    assert "; in 0 of them seeds tell the two apart. With the Chinese" in whole
    near, far = 25 * cost["novel"], 25 * cost["reference"]
    assert f"changes perplexity by {near:+.1f}% and the most distant by {far:+.1f}%" in told
    assert f"Darwin's Origin of Species at {math.exp(FAR['science']):.1f}, {4 + cost['science']:.3f}" in whole
    assert "more of the same book (its first three quarters at 2.7), 4.000" in whole
    assert "4.500 (+12.5%)." in whole, "the Chinese text"


def test_of_several_seeds_it_is_said_how_many_pairs_of_texts_they_tell_apart():
    cost = dict(zip(TEXTS, (1, 2, 3, 4, 0.5), strict=True))
    told, whole = said(results(lambda one: 4.0 + cost.get(one.kind, 0), seeds=3), "domains")
    assert told.startswith("Of the other English texts that were tried, the more distant one always costs more: ")
    assert "In 6 of the 6 pairs that these 4 other English texts make the nearer one costs less; in 6 of them" in whole


def test_runs_that_were_gathered_before_distance_was_measured_have_none_and_take_nothing_away():
    found = results(lambda _: 4.0)
    older = replace(found, texts={key: replace(text, mixed_in_nats=None) for key, text in found.texts.items()})
    assert mixing.QUESTION.answered(older).keys() == {"mixing"}
    assert len(mixing.by_distance(older).series) == 1, "the own text"
    assert len(mixing.table(older).rows) == 37


def test_the_charts_draw_each_kind_from_clean_text_on_beside_what_leaving_out_gives():
    charts = [drawn(chart, "en") for chart in (*mixing.charts(results(lambda one: 5 - one.clean / 1e6))[0],)]
    for chart, last in zip(charts, ("nothing: it is left out", "clean text"), strict=True):
        assert [one["name"] for one in chart["series"]][-1] == last
        assert len(chart["series"]) == 5
        assert all([point[0] for point in one["points"]] == [0, *SHARES] for one in chart["series"][:4])
        assert len(chart["table"]["rows"]) == 4 * 4 + len(chart["series"][-1]["points"])
    assert [point[0] for point in charts[0]["series"][-1]["points"]] == [0, *SHARES]
    assert [point[0] for point in charts[1]["series"][-1]["points"]] == [0, 50, 75]
    assert charts[0]["title"].endswith("changes perplexity on clean text by +8 to +8%")
    assert charts[1]["title"].endswith("changes perplexity on clean text by +0 to +0%")


def test_with_few_runs_the_charts_draw_those():
    few = results(lambda _: 4.0, names=("mixing-own-100", "mixing-own-25", "mixing-shuffled-75"))
    first, second = (drawn(chart, "en") for chart in mixing.charts(few)[0])
    assert [(one["name"], [p[0] for p in one["points"]]) for one in first["series"]] == [
        ("words in random order", [0, 75]),
        ("nothing: it is left out", [0, 75]),
    ]
    assert [[p[0] for p in one["points"]] for one in second["series"]] == [[0, 75], [0, 75]]
    only = results(lambda _: 4.0, names=("mixing-shuffled-75",))
    assert [chart.series for charts in mixing.charts(only) for chart in charts] == [[], [], []]


def test_the_table_tells_what_is_clean_what_is_mixed_in_and_how_far_it_is_from_leaving_it_out():
    lines = written(mixing.table(results(lambda one: 5.0 if one.kind else 4.0))).splitlines()
    assert len(lines) == 2 + 37
    (shuffled,) = (line for line in lines if "`mixing-shuffled-75`" in line)
    assert shuffled == "| `mixing-shuffled-75` | 116,250 | 348,750 | 4.5 | 5.000 | 5.000 | 5.000 | +25.0 |"
    (own,) = (line for line in lines if "`mixing-own-100`" in line)
    assert own == "| `mixing-own-100` | 465,000 | 0 | – | 4.000 | 4.000 | 4.000 | – |"
    assert mixing.table(Results()) is None
