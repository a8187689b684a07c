"""What perplexity 1.0 means, and how low it can be on held-out text."""

from collections.abc import Iterator

from deeprnn.config import Recipe
from deeprnn.experiments.charts import Chart, Values, Word, curves, titled
from deeprnn.experiments.question import Answer, Comparison, Figures, Goal, Question, ends, of_recipe, seeds
from deeprnn.experiments.recipes import modern_training, stack
from deeprnn.store.results import Results

NOTE = ("note-rnn-2", "note-gru-2", "note-lstm-2")
FEW = "few-lstm-2"


def recipes() -> Iterator[Recipe]:
    """Yield a model of the note's 10,000 characters with strong regularisation, which prevents rote learning."""
    train = modern_training(
        "time_machine",
        60,
        form="d2l",
        max_train_chars=10_000,
        train_fraction=0.8,
        val_fraction=0.1,
        window=32,
        weight_drop=0.5,
        weight_decay=0.1,
        reset_rate=0.02,
        ema_decay=0.98,
        keep="best",
        eval_every=2,
        eval_lanes=32,
    )
    model = stack("lstm", 2, 256, dropout=0.5, head_dropout=0.5)
    yield Recipe(name=FEW, experiment="few", model=model, train=train)


def answer(results: Results) -> Figures:
    """Return the final and the best perplexities of the note's two-layer models, and the regularised one's."""
    models = [results.where(recipe=recipe).finished for recipe in NOTE]
    first = models[0][0]
    best = [run.best_val.epoch for runs in models for run in runs if run.best_val]
    text = results.texts[first.text_key]
    book = text.heldout_chars / (1 - first.train_config.train_fraction)
    return {
        "share": 100 * text.train_chars / book,
        "order": text.ngram_order,
        "ngram": text.ngram_ppl,
        **ends("train", [runs.figure("train").mean for runs in models]),
        **ends("new", [runs.figure().mean for runs in models]),
        **ends("best", [runs.lowest().mean for runs in models]),
        "early": min(best),
        "late": max(best),
        "epochs": first.train_config.epochs,
        "note_seeds": min(len(runs) for runs in models),
        **seeds(len(runs) for runs in models),
        "symbols": text.symbols,
        "few": results.where(recipe=FEW).figure(),
    }


def charts(results: Results) -> list[list[Chart]]:
    """Return the learning curves of the note's three models and of the regularised one."""
    claimed = titled("rote.figure", lambda: _turning(results), Word(key="charts.title.curves"))
    return [[curves(results, (*NOTE, FEW), claimed, log_x=True)]]


def _turning(results: Results) -> Values:
    """Return what the note's models come to on both texts, and when they were best on held-out text, of seed 0."""
    runs = [results.where(recipe=recipe).finished[0] for recipe in NOTE]
    epochs = [run.best_val.epoch for run in runs if run.best_val]
    return {
        "train": max(run.final["train"].ppl for run in runs),
        "early": min(epochs),
        "late": max(epochs),
        "new": min(run.heldout.ppl for run in runs),
    }


QUESTION = Question(
    key="rote",
    recipes=recipes,
    comparisons=(
        Comparison(key="rote", highlight="copied", groups={"recipe": (*NOTE, "note-lstm-10")}),
        Comparison(key="general", highlight="copied", groups={"recipe": ("note-lstm-2", FEW)}),
    ),
    answers=(Answer(key="rote", figures=answer),),
    charts=charts,
    example=FEW,
    comparison="rote",
    commands=(
        "python train.py note-rnn-2 note-gru-2 note-lstm-2 --seeds 0 1 2",
        "python train.py few-lstm-2 --seeds 0 1 2",
    ),
    goals=(Goal(what="10,000 characters of *The Time Machine* (d2l), held-out", limit=8.0, reached=of_recipe(FEW)),),
)
