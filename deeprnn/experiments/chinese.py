"""Chinese: the same kind of network on *Journey to the West* (西游记)."""

from collections.abc import Iterator

from deeprnn.config import Recipe
from deeprnn.experiments.question import Comparison, Question
from deeprnn.experiments.recipes import modern_training, stack

NAME, WIDE = "journey-gru-2", "journey-lstm-2-wide"
PROMPT = "却说孙行者"


def recipes() -> Iterator[Recipe]:
    """Yield models of 西游记; characters that occur once or twice are read as the unknown symbol.

    The second one is wider, reads out with the embedding's matrix, and is stored as int8.
    """
    train = modern_training("journey_to_the_west", 12, min_count=3, weight_drop=0.3, ema_decay=0.998, keep="best")
    model = stack("gru", 2, 384, dropout=0.4, head_dropout=0.4)
    yield Recipe(name=NAME, experiment="journey", model=model, train=train, sample_prompt=PROMPT)
    wide = stack("lstm", 2, 512, tied=True, dropout=0.4, head_dropout=0.4)
    yield Recipe(name=WIDE, experiment="journey", model=wide, train=train, sample_prompt=PROMPT)


QUESTION = Question(
    key="chinese",
    recipes=recipes,
    comparisons=(Comparison(key="chinese", prompt=PROMPT, highlight="copied", groups={"recipe": (NAME,)}),),
)
