"""The question of why ten plain layers do not learn: what differs between runs, and what the shipped results say."""

import pytest

from deeprnn.experiments import questions, ten
from deeprnn.experiments.markdown import written
from deeprnn.store.results import Results
from tests.conftest import SHIPPED

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
    failed = [FOUND[part].mean for part in ("plain", "layer_norm", "longer", "slower")]
    assert min(failed) > 0.95 * FOUND["unigram"]
    assert max(FOUND["residual_mean"], FOUND["both"].mean) < 6


def test_the_table_has_a_row_for_each_change():
    rows = written(ten.table(SHIPPED_RESULTS)).splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(ten.RECIPES.values())
