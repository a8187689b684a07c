"""Chinese: two networks on *Journey to the West* (西游记)."""

from collections.abc import Iterator

from deeprnn.config import Recipe
from deeprnn.experiments.charts import curves
from deeprnn.experiments.gaps import heldout, told_apart
from deeprnn.experiments.question import Answer, Comparison, Figures, Question, clause, seeds
from deeprnn.experiments.recipes import modern_training, stack
from deeprnn.store.results import Results

NAME, WIDE = "journey-gru-2", "journey-lstm-2-wide"
PROMPT = "却说孙行者"
BYTES = 3  # of a Chinese character in UTF-8


def recipes() -> Iterator[Recipe]:
    """Yield models of 西游记; characters that occur once or twice are read as the unknown symbol.

    The second one is wider, and reads out with the embedding's matrix.
    """
    train = modern_training("journey_to_the_west", 12, min_count=3, weight_drop=0.3, ema_decay=0.998, keep="best")
    model = stack("gru", 2, 384, dropout=0.4, head_dropout=0.4)
    yield Recipe(name=NAME, experiment="journey", model=model, train=train, sample_prompt=PROMPT)
    wide = stack("lstm", 2, 512, tied=True, dropout=0.4, head_dropout=0.4)
    yield Recipe(name=WIDE, experiment="journey", model=wide, train=train, sample_prompt=PROMPT)


def answer(results: Results) -> Figures:
    """Return the perplexities of both networks and of an n-gram, and the bits of a character and of a byte.

    Raises:
        LookupError, ValueError: a run or its text is missing.
    """
    narrow, wide = (results.where(recipe=recipe) for recipe in (NAME, WIDE))
    text = results.texts[narrow[0].text_key]
    bits = narrow.figure("heldout", "bpc").mean
    return {
        "narrow": narrow.figure(),
        "wide": wide.figure(),
        "narrow_train": narrow.figure("train"),
        "wide_train": wide.figure("train"),
        "level": clause(not told_apart(heldout(narrow), heldout(wide))),
        **seeds(runs.figure().num_seeds for runs in (narrow, wide)),
        "symbols": text.symbols,
        "order": text.ngram_order,
        "ngram": text.ngram_ppl,
        "wide_units": wide[0].model_config.hidden_size,
        "bits": bits,
        "byte": bits / BYTES,
    }


QUESTION = Question(
    key="chinese",
    recipes=recipes,
    comparisons=(Comparison(key="chinese", prompt=PROMPT, highlight="copied", groups={"recipe": (NAME,)}),),
    answers=(Answer(key="chinese", figures=answer),),
    charts=lambda results: [[curves(results, (NAME, WIDE))]],
    example=NAME,
    comparison="chinese",
    commands=("python train.py 'journey-*'",),
)
