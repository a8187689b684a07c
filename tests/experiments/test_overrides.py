"""Settings in place of a recipe's own."""

import pytest
import torch

from deeprnn.experiments.overrides import Overrides, arguments, named, overridden, settings_of
from deeprnn.experiments.questions import all_recipes
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN

RECIPES = all_recipes()


def changed(name, **settings):
    return overridden(RECIPES[name], Overrides(**settings))


def test_settings_replace_those_of_a_recipe_name_the_run_and_take_it_out_of_its_experiment():
    recipe, before = changed("depth-gru-2-residual", lr=0.005, batch=8), RECIPES["depth-gru-2-residual"]
    assert recipe.name == "depth-gru-2-residual-lr0.005-batch8"
    assert (recipe.train.learning_rate, recipe.train.batch_size) == (0.005, 8)
    assert (before.experiment, recipe.experiment) == ("depth", "")
    assert recipe.model == before.model


def test_settings_that_a_recipe_has_already_change_nothing():
    for recipe in RECIPES.values():
        assert overridden(recipe, Overrides()) is recipe
        assert overridden(recipe, settings_of(recipe)) is recipe


def test_the_name_says_all_settings_in_one_order_and_the_same_ones_as_the_command_line():
    settings = {
        "cell": "lstm",
        "layers": 3,
        "hidden": 64,
        "residual": False,
        "epochs": 7,
        "lr": 1e-05,
        "batch": 4,
        "window": 50,
        "max_chars": 9_000,
        "prompt": "It was a dark night",
    }
    name = changed("smoke", **dict(reversed(settings.items()))).name
    assert name == "smoke-lstm-layers3-hidden64-as-plain-epochs7-lr1e-05-batch4-window50-chars9000-prompt-4171d276"
    assert " ".join(arguments(settings)) == (
        "--cell lstm --layers 3 --hidden 64 --plain --epochs 7 --lr 1e-05 --batch 4 --window 50 --max-chars 9000 "
        "--prompt It was a dark night"
    )


@pytest.mark.parametrize("residual", [False, True])
def test_no_recipe_with_another_wiring_has_the_name_of_another_recipe(residual):
    stacks = [name for name, recipe in RECIPES.items() if recipe.model.wiring == "stack"]
    made = {changed(name, residual=residual).name for name in stacks if RECIPES[name].model.residual != residual}
    assert len(made) > 50
    assert not made & RECIPES.keys()


@pytest.mark.parametrize("pair", [(0.1, 0.10000000000000002), (3e-3, 3.0001e-3), (2.0, 2.5)])
def test_two_rates_never_share_a_name(pair):
    first, second = (named({"lr": rate}) for rate in pair)
    assert first != second
    assert float(first.removeprefix("lr")) == pair[0]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("residual", [False, True])
def test_each_recipe_of_a_stack_becomes_one_of_any_cell_and_form_that_can_be_trained(residual, cell):
    """The note's has one-hot vectors, others drop hidden weights: what would not fit follows."""
    for before in (recipe for recipe in RECIPES.values() if recipe.model.wiring == "stack"):
        recipe = overridden(before, Overrides(cell=cell, hidden=24, layers=2, residual=residual))
        with torch.device("meta"):
            model = CharRNN(recipe.model, 28)
        assert len(model.layers()) == 2
        assert (recipe.model.cell, recipe.model.residual) == (cell, residual)
        assert recipe.model.embedding_size == (24 if residual or before.model.embedding_size else 0)
        assert recipe.train.weight_drop == (before.train.weight_drop if CELLS[cell].has_hidden_weights else 0)


@pytest.mark.parametrize("name", ["mixing-reference-75", "mixing-mistyped-5-75"])
def test_a_mixture_has_no_other_number_of_characters_than_its_name_says(name):
    with pytest.raises(ValueError, match=rf"{name} reads so many characters of each kind; leave out --max-chars"):
        changed(name, max_chars=50_000)


def test_what_does_not_fit_a_recipe_is_refused_with_the_remedy():
    name = next(name for name, recipe in RECIPES.items() if recipe.model.wiring != "stack")
    with pytest.raises(
        ValueError, match=rf"{name} with --residual: a shared wiring has .*; leave out what does not fit"
    ):
        changed(name, residual=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layers": 0}, "--layers must be at least 1, not 0"),
        ({"max_chars": 1}, "--max-chars must be at least 2, not 1"),
        ({"lr": 0.0}, "--lr must be positive, not 0.0"),
        ({"lr": float("nan")}, "--lr must be positive, not nan"),
        ({"prompt": ""}, "--prompt must be a text of 1 to 2,000 characters, not of 0"),
    ],
)
def test_a_setting_outside_its_range_is_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        Overrides(**settings)
