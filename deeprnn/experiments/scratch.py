"""Two layers from scratch: what a two-layer RNN needs that one layer does not, and what the classic mistake costs."""

from collections.abc import Iterator

from deeprnn.config import ModelConfig, Recipe
from deeprnn.experiments.charts import Lines, curves
from deeprnn.experiments.question import Answer, Comparison, Figures, Question
from deeprnn.experiments.recipes import note_training
from deeprnn.store.results import Results

RIGHT, WRONG, KINDER = "note-rnn-2", "note-rnn-2-shared", "note-rnn-2-shared-updated"


def recipes() -> Iterator[Recipe]:
    """Two tanh layers, d2l's from-scratch initialisation, learning rate 1; then with the note's mistake, twice.

    The note's wrong version: one set of weights, one state, the state returned as it came. The kinder one: that state
    is updated by the upper layer.
    """
    train = note_training(500, 1.0, "normal", "scratch")
    right = ModelConfig(cell="rnn", hidden_size=256, num_layers=2)
    wrong = ModelConfig(cell="rnn", hidden_size=256, num_layers=2, embedding_size=256, wiring="shared")
    kinder = ModelConfig(cell="rnn", hidden_size=256, num_layers=2, embedding_size=256, wiring="shared-updated")
    for name, model in ((RIGHT, right), (WRONG, wrong), (KINDER, kinder)):
        yield Recipe(name=name, experiment="note", model=model, train=train)


def answer(results: Results) -> Figures:
    """What both reach in training and on held-out text."""
    right, wrong = (results.where(recipe=recipe) for recipe in (RIGHT, WRONG))
    return {
        "right": right.figure("train"),
        "wrong": wrong.figure("train"),
        "right_new": right.figure(),
        "wrong_new": wrong.figure(),
    }


def chart(results: Results) -> Lines:
    """How all three learned."""
    return curves(results, (RIGHT, WRONG, KINDER))


QUESTION = Question(
    key="scratch",
    recipes=recipes,
    comparisons=(Comparison(key="mistake", groups={"recipe": (RIGHT, WRONG)}),),
    answers=(Answer(key="scratch", figures=answer),),
    charts=lambda results: [[chart(results)]],
    example=RIGHT,
    comparison="mistake",
    commands=("python train.py 'note-rnn-2*'",),
)
