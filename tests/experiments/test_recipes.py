import itertools
from dataclasses import replace

import pytest

from deeprnn.config import ModelConfig
from deeprnn.experiments.depth import DEPTHS
from deeprnn.experiments.gather import expected_minutes
from deeprnn.experiments.questions import all_recipes
from deeprnn.experiments.recipes import SYMBOLS, num_params, stack_of_size
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN

RECIPES = all_recipes()


def of(experiment):
    return [recipe for recipe in RECIPES.values() if recipe.experiment == experiment]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"embedding_size": 8},
        {"embedding_size": 12, "residual": True},
        {"embedding_size": 12, "residual": True, "pre_norm": False},
        {"embedding_size": 12, "pre_norm": True},
        {"embedding_size": 12, "tied": True},
    ],
    ids=str,
)
def test_weights_are_counted_as_the_model_has_them(cell, more):
    config = ModelConfig(cell=cell, hidden_size=12, num_layers=3, **more)
    assert num_params(config, 30) == CharRNN(config, 30).num_params


@pytest.mark.parametrize("wiring", ["shared", "shared-updated"])
def test_a_shared_stack_counts_its_one_layer(wiring):
    config = ModelConfig(cell="rnn", hidden_size=12, num_layers=2, embedding_size=12, wiring=wiring)
    assert num_params(config, 30) == CharRNN(config, 30).num_params


@pytest.mark.parametrize(("cell", "residual"), list(itertools.product(CELLS, (False, True))))
def test_equal_parameters_are_equal_within_8_percent_and_never_more(cell, residual):
    counts = [num_params(stack_of_size(cell, n, 500_000, residual=residual), SYMBOLS["full"]) for n in DEPTHS]
    assert max(counts) <= 500_000
    assert min(counts) > 0.92 * 500_000


def test_a_name_is_its_recipes_own():
    assert all(recipe.name == name for name, recipe in RECIPES.items())
    assert not [name for name in RECIPES if "-seed" in name]
    assert all(recipe.experiment for recipe in RECIPES.values())


def test_depth_runs_differ_in_their_stack_alone():
    assert len({recipe.train for recipe in (*of("depth"), *of("width"))}) == 1


def test_data_runs_share_the_model_and_the_held_out_text():
    runs = of("data")
    assert len({recipe.model for recipe in runs}) == 1
    assert len({(r.train.text, r.train.train_fraction, r.train.val_fraction) for r in runs}) == 1


def test_an_ablation_changes_one_thing():
    base = RECIPES["ablation-none"]
    for recipe in of("ablation"):
        if recipe is not base:
            ours, theirs = ({**r.model.to_dict(), **r.train.to_dict()} for r in (base, recipe))
            assert len([key for key in ours if ours[key] != theirs[key]]) == 1, recipe.name


def test_what_is_fine_tuned_is_compared_with_as_much_reading_of_all_its_books():
    tuned, all_books = (RECIPES[f"wells-lstm-2-{name}"] for name in ("finetuned", "smaller"))
    assert tuned.model == all_books.model
    assert num_params(tuned.model, SYMBOLS["full"]) <= 2_500_000
    assert replace(tuned.train, epochs=4, alone_epochs=0) == all_books.train
    assert expected_minutes(tuned) == pytest.approx(expected_minutes(all_books), rel=0.02)


def test_the_models_for_goals_keep_within_their_bounds():
    for recipe in of("book"):
        assert recipe.train.more_texts == ()
        assert num_params(recipe.model, SYMBOLS["full"]) <= 2_500_000
    assert num_params(RECIPES["wells-lstm-2"].model, SYMBOLS["full"]) <= 5_000_000
    assert RECIPES["few-lstm-2"].train.max_train_chars == 10_000
