"""What is said of the depths: of gains only what seeds tell, in words that fit how many were tested."""

import pytest

from deeprnn.experiments import depth
from deeprnn.experiments.format import claim, sentence
from deeprnn.store.results import Results
from tests.conftest import made_by, of_seed

SURE, UNSURE = (4.5, 4.51, 4.52), (4.5, 5.2, 4.6)  # of four layers by seed, where two layers come to 5.0, 5.01, 5.02
HOW_MANY = ("untold", "none", "some", "tested_alone", "all")
WORDS = "depth.answer.ladder"


def ladders(slow, fast):
    """Made-up runs of the GRU's residual stacks, of four layers better by these figures at each learning rate."""
    runs = {}
    for recipe in depth.recipes():
        if recipe.model.cell == "gru" and recipe.model.residual and recipe.experiment in ("depth", "rate", "width"):
            better = fast if recipe.experiment == "rate" else slow
            ppls = better if recipe.model.num_layers == 4 else [5.0 + seed / 100 for seed in range(len(better))]
            for seed, ppl in enumerate(ppls):
                run = of_seed(made_by(recipe, ppl), seed)
                runs[run.name] = run
    return Results(runs=runs)


@pytest.mark.parametrize(
    ("slow", "fast", "expected", "tested", "apart"),
    [
        (SURE[:1], SURE[:1], "untold", 0, 0),
        (UNSURE, UNSURE, "none", 2, 0),
        (UNSURE, SURE, "some", 2, 1),
        (SURE[:1], SURE, "tested_alone", 1, 1),
        (SURE, SURE, "all", 2, 2),
    ],
)
def test_how_many_gains_of_deeper_stacks_seeds_tell_is_said_in_one_way(slow, fast, expected, tested, apart):
    found = depth.answer_ladder(ladders(slow, fast))
    assert [place for place in HOW_MANY if found[place]] == [expected]
    assert (found["gains"], found["tested"], found["apart"]) == (2, tested, apart)
    for lang in ("en", "zh"):
        assert "{" not in claim(WORDS, found, lang) + sentence(WORDS, found, lang)
