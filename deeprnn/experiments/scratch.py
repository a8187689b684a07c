"""Two layers from scratch: what a second layer needs, and how much worse the classic mistake is."""

from collections.abc import Iterator

from deeprnn.config import ModelConfig, Recipe, Storage
from deeprnn.experiments.charts import Lines, Values, Word, curves, titled
from deeprnn.experiments.question import Answer, Comparison, Figures, Question
from deeprnn.experiments.recipes import note_training
from deeprnn.store.results import Results

RIGHT, WRONG, KINDER = "note-rnn-2", "note-rnn-2-shared", "note-rnn-2-shared-updated"


def recipes() -> Iterator[Recipe]:
    """Yield two tanh layers with d2l's from-scratch initialisation and learning rate 1, then two wrong versions.

    WRONG, the note's mistake: both layers share one set of weights and one state, which is returned unchanged. KINDER:
    the same, but the upper layer updates the state.
    """
    train = note_training(500, 1.0, "normal", "scratch")
    right = ModelConfig(cell="rnn", hidden_size=256, num_layers=2)
    wrong = ModelConfig(cell="rnn", hidden_size=256, num_layers=2, embedding_size=256, wiring="shared")
    kinder = ModelConfig(cell="rnn", hidden_size=256, num_layers=2, embedding_size=256, wiring="shared-updated")
    for name, model in ((RIGHT, right), (WRONG, wrong), (KINDER, kinder)):
        storage: Storage = "int8" if name == WRONG else "float16"  # as in `note_stack`
        yield Recipe(name=name, experiment="note", model=model, train=train, storage=storage)


def answer(results: Results) -> Figures:
    """Return the training and held-out perplexities of the right version and of the wrong ones."""
    right, wrong, kinder = (results.where(recipe=recipe) for recipe in (RIGHT, WRONG, KINDER))
    return {
        "right": right.figure("train"),
        "wrong": wrong.figure("train"),
        "kinder": kinder.figure("train"),
        "right_new": right.figure(),
        "right_best": right.lowest(),
        "wrong_new": wrong.figure(),
    }


def chart(results: Results) -> Lines:
    """Return the learning curves of all three."""
    claimed = titled("scratch.figure", lambda: _trained(results), Word(key="charts.title.curves"))
    return curves(results, (RIGHT, WRONG, KINDER), claimed)


def _trained(results: Results) -> Values:
    return {name: results.where(recipe=of).figure("train").mean for name, of in (("wrong", WRONG), ("kinder", KINDER))}


def weights(results: Results) -> Figures:
    """Return how many weights the right version and the note's wrong one have."""
    runs = {name: results.where(recipe=of)[0] for name, of in (("right", RIGHT), ("wrong", WRONG))}
    return {f"{name}_params": run.num_params for name, run in runs.items()}


QUESTION = Question(
    key="scratch",
    recipes=recipes,
    comparisons=(Comparison(key="mistake", groups={"recipe": (RIGHT, WRONG)}),),
    answers=(Answer(key="scratch", figures=answer),),
    charts=lambda results: [[chart(results)]],
    example=RIGHT,
    facts=weights,
    comparison="mistake",
    commands=("python train.py 'note-rnn-2*'",),
)
