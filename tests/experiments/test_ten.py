"""The question of why ten plain layers do not learn: what differs between runs, and what the shipped results say."""

from dataclasses import replace

import pytest

from deeprnn.experiments import depth, questions, ten
from deeprnn.experiments.format import claim, sentence
from deeprnn.experiments.markdown import written
from deeprnn.experiments.recipes import note_stack
from deeprnn.page.shared.figures import drawn
from deeprnn.store.results import Curve, Outcome, Results
from tests.conftest import MADE_TEXT, SHIPPED, made_by, of_seed

RECIPES = {recipe.name: recipe for recipe in ten.recipes()}
SHIPPED_RESULTS = Results.read(SHIPPED)
FOUND = questions.answers(SHIPPED_RESULTS)["ten"]


def differing(one, other):
    ours, theirs = ({**recipe.model.to_dict(), **recipe.train.to_dict()} for recipe in (one, other))
    return {key for key in ours if ours[key] != theirs[key]}


@pytest.mark.parametrize(
    ("part", "base", "keys"),
    [
        ("residual", ten.PLAIN, {"residual"}),
        ("residual", ten.BOTH, {"pre_norm"}),
        ("layer-norm", ten.PLAIN, {"pre_norm"}),
        ("layer-norm", ten.BOTH, {"residual"}),
        ("longer", ten.PLAIN, {"epochs"}),
        ("slower", ten.PLAIN, {"learning_rate"}),
        ("faster", ten.PLAIN, {"learning_rate"}),
        ("no-dropout", ten.PLAIN, {"dropout"}),
        ("uniform", ten.BOTH, {"init"}),
        ("no-warm-up", ten.BOTH, {"warmup_fraction"}),
        ("sgd", ten.BOTH, {"optimizer", "learning_rate", "weight_decay"}),  # the last two belong to the first
    ],
)
def test_each_run_differs_from_its_base_in_one_thing(part, base, keys):
    assert differing(RECIPES[f"ten-{part}"], base) == keys


def test_each_run_of_the_note_differs_from_ten_layers_with_an_embedding_in_one_thing():
    base = RECIPES["d2l-lstm-10-embedding"]
    found = {name.removeprefix(base.name): differing(one, base) for name, one in RECIPES.items() if base.name in name}
    assert found == {
        "": set(),
        "-residual": {"residual"},
        "-layer-norm": {"pre_norm"},
        "-orthogonal": {"init"},
        "-adamw": {"optimizer", "learning_rate"},
        "-warm-up": {"warmup_fraction"},
    }
    assert differing(RECIPES["d2l-lstm-10-longer"], base) == {"embedding_size", "epochs"}


def test_only_residual_connections_make_ten_plain_layers_learn_as_the_claim_says():
    failed = [FOUND[part].mean for part in ("plain", "layer_norm", "no_dropout", "longer", "slower", "faster")]
    assert min(failed) > 0.95 * FOUND["unigram"]
    assert (FOUND["tried"], FOUND["only"], FOUND["among"]) == (6, [{}], [])
    assert max(FOUND["residual_mean"], FOUND["both"].mean) < 6


def test_the_table_has_a_row_for_each_change():
    rows = written(ten.table(SHIPPED_RESULTS)).splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(ten.RECIPES.values())


def made(part, train=17.4, lowest=17.2, status="never learned", seed=0):
    """A made-up run of the note's own ten layers with one change."""
    recipe = RECIPES.get(ten.OF_NOTE[part], depth.ten_plain())
    run = made_by(replace(recipe, name=ten.OF_NOTE[part]), 17.2, train=train)
    best = replace(run.best_val, ppl=lowest)
    return of_seed(run, seed, best_val=best, outcome=Outcome(status=status))


def of_note(*runs):
    return Results(runs={run.name: run for run in runs}, texts={"t": MADE_TEXT})


def said_of_note(results, lang="en"):
    figures = ten.answer_note(results)
    return claim("ten.answer.note_ten", figures, lang), sentence("ten.answer.note_ten", figures, lang)


def test_nothing_is_said_of_the_notes_own_ten_layers_before_a_change_was_run():
    for results in (Results(), of_note(made("plain"))):
        with pytest.raises(LookupError):
            ten.answer_note(results)
        assert ten.charts_of_note(results) == []
        assert ten.table_of_note(results) is None


def test_of_the_notes_own_ten_layers_what_was_run_is_said_and_nothing_else():
    told, whole = said_of_note(of_note(made("plain"), made("longer", train=17.3)))
    assert told.startswith("Of 1 changes to the note's own ten layers, ")
    assert told.endswith(
        ", 0 brought the lowest held-out perplexity clearly below that of letter frequencies (one seed each)."
    )
    assert "All 500 epochs of the note: 17.300 / 17.2 / 17.20 (seeds: 1)." in whole
    assert "Embedding" not in whole


def test_the_claim_on_the_notes_ten_layers_follows_what_learned():
    learned = {"train": 1.1, "lowest": 8.7, "status": "learned"}
    alone, _ = said_of_note(of_note(made("plain"), made("adamw"), made("residual", **learned)))
    assert alone.startswith("Of 2 changes to the note's own ten layers, ")
    assert ", 1 brought the lowest held-out perplexity clearly below that of letter frequencies: " in alone
    assert alone.endswith("recite their text in the end, at 1.1 in training (one seed each).")
    among, _ = said_of_note(of_note(made("plain"), made("adamw", **learned), made("residual", **learned)))
    assert ", 2 brought the lowest held-out perplexity clearly below" in among
    assert among.endswith(", residual connections among them, with 1.1 in training (one seed each).")
    without, _ = said_of_note(of_note(made("plain"), made("adamw", **learned), made("residual")))
    assert without.endswith("; residual connections did not, with 17.4 in training (one seed each).")


def test_a_change_made_them_learn_only_if_every_seed_did():
    learned = made("residual", train=1.1, status="learned")
    results = of_note(made("plain"), learned, made("residual", seed=1))
    told, whole = said_of_note(results)
    assert ", 0 brought the lowest held-out perplexity clearly below" in told
    assert "(seeds: 2)" in whole


def test_the_note_ten_layers_are_drawn_with_what_was_run():
    (chart,) = ten.charts_of_note(of_note(made("plain"), made("residual", train=1.1, lowest=8.7, status="learned")))
    shown = drawn(chart, "en")
    assert [row["name"] for row in shown["rows"]] == ["fewer epochs", "+ residual"]
    assert (shown["rows"][1]["train"], shown["rows"][1]["value"]) == (1.1, 8.7)
    assert shown["labels"]["value"] == "held-out, lowest"
    assert shown["title"].startswith(
        "Of 1 changes to the note's own ten layers, 1 brought the lowest held-out perplexity clearly below"
    )


def test_it_is_said_that_longer_training_might_have_helped_where_a_change_was_still_learning():
    falling = made("orthogonal", train=16.2)
    falling = replace(falling, curve=Curve(epoch=(90, 100), train_ppl=(17.0, 16.2), val_ppl=(18.0, 18.4)))
    late = made_by(note_stack("lstm", 4), 14.5, train=14.5)
    frequencies = MADE_TEXT.unigram_ppl
    curve = Curve(epoch=(100, 470), train_ppl=(17.4, 14.5), val_ppl=(frequencies, frequencies / 2))
    late = replace(late, curve=curve)
    assert said_of_note(of_note(made("plain"), falling, late))[1].endswith("was still falling.")
    level = replace(falling, curve=replace(falling.curve, train_ppl=(16.2, 16.2)))
    for results in (of_note(made("plain"), level, late), of_note(made("plain"), falling)):
        assert "still falling" not in said_of_note(results)[1]
