"""What is said of the note's own recipe by depth and by text: only what was run, in words that fit the figures."""

import math
from dataclasses import replace

import pytest

from deeprnn.experiments import data, depth, note
from deeprnn.experiments.format import claim, sentence
from deeprnn.experiments.markdown import written
from deeprnn.experiments.questions import all_recipes
from deeprnn.page.shared.figures import drawn
from deeprnn.store.results import Curve, Outcome, Results
from deeprnn.text.batches import num_windows
from tests.conftest import MADE_TEXT, made_by, of_seed

RECIPES = all_recipes()
LADDER = ("note-lstm-1", "note-lstm-2", "note-lstm-4", "d2l-lstm-10-longer")
LONGEST = 153_522  # characters of the training part of the whole book
UNIGRAM = math.exp(MADE_TEXT.unigram_nats)


def made(recipe, train=1.03, end=130.0, lowest=9.4, seed=0, began=40):
    """A made-up run of one of the note's recipes; it never learned if its training perplexity says so."""
    run = made_by(RECIPES[recipe], end, train=train, text_key=f"of {RECIPES[recipe].train.max_train_chars}")
    outcome = Outcome(status="learned" if train < 16 else "never learned")
    ppls = (UNIGRAM, lowest if train < 16 else UNIGRAM)
    curve = Curve(epoch=(began - 10, began), chars=(1, 2), seconds=(1, 2), train_ppl=ppls, val_ppl=ppls)
    return of_seed(run, seed, outcome=outcome, best_val=replace(run.best_val, ppl=lowest), curve=curve)


def results_of(*runs):
    sizes = {10_000: 10_000, 50_000: 50_000, None: LONGEST}
    texts = {f"of {limit}": replace(MADE_TEXT, train_chars=chars) for limit, chars in sizes.items()}
    return Results(runs={run.name: run for run in runs}, texts=texts)


def said(module, key, results):
    words, figures = f"{module.QUESTION.key}.answer.{key}", module.answer_note(results)
    return claim(words, figures, "en"), sentence(words, figures, "en")


def test_the_ladder_of_the_notes_recipe_differs_in_depth_alone():
    first = RECIPES["note-lstm-1"]
    for layers, name in zip(depth.OF_NOTE, LADDER, strict=True):
        recipe = RECIPES[name]
        assert (recipe.experiment, recipe.train) == ("note", first.train)
        assert recipe.model == replace(first.model, num_layers=layers)
    assert first.train.epochs == 500


def test_a_seed_that_diverged_is_one_that_did_not_learn():
    diverged = replace(made("note-lstm-1", seed=1), final={}, outcome=Outcome(status="diverged", reason="x"))
    runs = results_of(made("note-lstm-1"), diverged, made("note-lstm-2"))
    found = depth.of_note(runs)
    assert [note.learned(found[layers]) for layers in (1, 2)] == [False, True]
    waits = [{"layers": layers, "epoch": 40, "learned": 1, "seeds": of} for layers, of in ((1, 2), (2, 1))]
    assert depth.answer_note(runs)["waits"] == waits
    reading = found[1].reading("train")
    assert (reading.estimate.num_seeds, reading.failure) == (1, "diverged")


def test_one_depth_in_the_notes_recipe_is_no_ladder():
    results = results_of(made("note-lstm-2"), made("note-lstm-10", train=17.4))
    with pytest.raises(LookupError, match="fewer than two depths"):
        depth.answer_note(results)
    assert len(depth.charts(results)[1]) == 1
    assert depth.table_of_note(results) is None


def test_the_ladder_tells_what_learned_and_that_the_shipped_ten_layers_had_fewer_epochs():
    ten = made("d2l-lstm-10-longer", train=17.3, end=17.1, lowest=17.1)
    one, two = made("note-lstm-1", began=10), made("note-lstm-2", train=1.1)
    results = results_of(one, two, ten, made("note-lstm-10", train=17.4))
    told, whole = said(depth, "note_layers", results)
    assert "the deepest plain LSTM of those tried that began to learn, of 2 layers, needed 40 of the 500 epochs" in told
    assert (
        ": 1: after 10 epochs (1 of 1 seeds), 2: after 40 epochs (1 of 1 seeds); never with these: 10 (looks" in whole
    )
    assert "10: 17.300 / 17.1 / 17.10 (seeds: 1)" in whole
    assert "The ten layers that are shipped had 100 epochs instead: 17.400" in whole
    assert "Ten layers had only" not in whole
    without = results_of(*(run for run in results.runs.values() if run is not ten))
    assert "Ten layers had only 100 of these epochs: 17.400" in said(depth, "note_layers", without)[1]


def test_a_depth_is_told_by_its_seeds_that_learned_and_by_how_many_did():
    early, late = made("note-lstm-2", began=30), made("note-lstm-2", began=60, seed=1)
    told, _ = said(depth, "note_layers", results_of(made("note-lstm-1", began=10), early, late))
    assert "of 2 layers, needed 30 to 60 of the 500 epochs" in told
    stuck = made("note-lstm-2", train=17.4, seed=1)
    told, whole = said(depth, "note_layers", results_of(made("note-lstm-1", began=10), early, stuck))
    assert "of 2 layers, needed 30 of the 500 epochs until it knew more than letter frequencies, as far as its" in told
    assert ": 1: after 10 epochs (1 of 1 seeds), 2: after 30 epochs (1 of 2 seeds) (looks" in whole


def test_nothing_is_answered_where_no_depth_learned():
    with pytest.raises(LookupError, match="no depth learned"):
        depth.answer_note(results_of(*(made(name, train=17.4) for name in LADDER)))


def test_a_depth_with_several_seeds_has_its_interval_and_its_place_on_the_axis():
    results = results_of(made("note-lstm-1"), made("note-lstm-4", lowest=9.0), made("note-lstm-4", lowest=10.0, seed=1))
    lowest, _, train = drawn(depth.charts(results)[1][1], "en")["series"]
    assert [point[0] for point in lowest["points"]] == [1, 4]
    assert lowest["points"][0][1:] == [9.4, None]
    assert lowest["points"][1][1] == 9.5
    assert lowest["points"][1][2] > 1
    assert train["name"] == "training text"
    rows = written(depth.table_of_note(results)).splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == ["note-lstm-1", "note-lstm-4"]


def test_more_text_in_the_notes_recipe_is_read_in_as_many_steps():
    steps = []
    for name in data.OF_NOTE:
        train = RECIPES[name].train
        assert replace(train, max_train_chars=10_000, epochs=500, eval_every=10) == RECIPES["note-lstm-2"].train
        limit = train.max_train_chars or LONGEST
        steps.append(train.epochs * num_windows(limit, train.batch_size, train.window, train.window))
    assert [RECIPES[name].train.max_train_chars for name in data.OF_NOTE] == [10_000, 50_000, None]
    assert steps[0] == 4_000
    assert all(abs(one / 4_000 - 1) < 0.01 for one in steps), steps


def test_of_more_text_in_the_notes_recipe_what_was_run_is_said_beside_counting():
    with pytest.raises(LookupError, match="fewer than two sizes"):
        data.answer_note(results_of(made("note-lstm-2")))
    assert len(data.charts(results_of(made("note-lstm-2")))[0]) == 1
    results = results_of(made("note-lstm-2"), made("note-lstm-2-book", train=3.0, end=4.4, lowest=4.3))
    told, whole = said(data, "note_data", results)
    assert "takes the lowest held-out perplexity from 9.4 to 4.3; a 6-gram of the same text" in told
    assert "153,522: 3.000 / 4.4 / 4.30 (7.39; epochs: 29; seeds: 1)" in whole
    _, chart = data.charts(results)[0]
    lines = {one["name"]: [point[:2] for point in one["points"]] for one in drawn(chart, "en")["series"]}
    assert lines["held-out, lowest"] == [[10_000, 9.4], [LONGEST, 4.3]]
    assert [x for x, _ in lines["6-gram"]] == [10_000, LONGEST]
    assert "| `note-lstm-2-book` | 29 | 3.000 | 4.400 | 4.300 | 153,522 | 7.39 |" in written(
        data.table_of_note(results)
    )
