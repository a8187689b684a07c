"""The best models: the lowest held-out perplexities on one book, on more books, on Shakespeare."""

from collections.abc import Iterator
from dataclasses import replace

from deeprnn.config import Recipe
from deeprnn.experiments.question import Comparison, Goal, Question, Reached, of_recipe
from deeprnn.experiments.recipes import WELLS, modern_training, stack
from deeprnn.store.results import Results

MORE_BOOKS, SHAKESPEARE = "wells-lstm-2", "shakespeare-lstm-2"


def recipes() -> Iterator[Recipe]:
    """Yield models of *The Time Machine* alone, of more books, and of Shakespeare."""
    yield from one_book()
    yield from more_books()
    yield from shakespeare()


def one_book() -> Iterator[Recipe]:
    """Yield models of *The Time Machine* alone, of at most 2.5 million weights, from strong regularisation to weak."""
    train = modern_training(
        "time_machine",
        50,
        batch_size=16,
        weight_drop=0.5,
        weight_decay=0.05,
        reset_rate=0.02,
        ema_decay=0.998,
        learning_rate=2e-3,
        keep="best",
        eval_every=2,
        eval_lanes=16,
    )
    lighter = replace(train, epochs=40, weight_drop=0.2, reset_rate=0.0, learning_rate=3e-3)
    halved = replace(lighter, weight_drop=0.4)
    fresh = {"locked_dropout": False}  # a new dropout mask at every step
    plain = stack("lstm", 2, 384, residual=False, dropout=0.5, **fresh)
    tries = {
        "lstm-2": (stack("lstm", 2, 384, dropout=0.5, head_dropout=0.5), train),
        "gru-2-plain": (stack("gru", 2, 448, residual=False, dropout=0.5, **fresh), lighter),
        "gru-3": (stack("gru", 3, 364, dropout=0.5, head_dropout=0.3, pre_norm=False, **fresh), lighter),
        "lstm-2-plain": (plain, halved),
        "lstm-2-longer": (plain, replace(halved, epochs=80)),
        "lstm-2-windows": (plain, replace(halved, batch_size=8, window=256)),
        "lstm-2-averaged": (plain, replace(halved, ema_decay=0.9995)),
        "lstm-1-plain": (stack("lstm", 1, 540, residual=False, dropout=0.5, **fresh), halved),
        "gru-2-light": (stack("gru", 2, 384, dropout=0.1, pre_norm=False), replace(halved, epochs=20)),
        "gru-1-plain": (stack("gru", 1, 600, residual=False, dropout=0.5, **fresh), replace(halved, epochs=30)),
    }
    for name, (model, training) in tries.items():
        yield Recipe(name=f"book-{name}", experiment="book", model=model, train=training)


def more_books() -> Iterator[Recipe]:
    """Yield models with the same held-out text, but trained on seven more books by Wells.

    First the best one; then one of at most 2.5 million weights that reads the one book alone at last, and the same that
    goes on with all eight books for about as many steps.
    """
    train = modern_training(
        "time_machine", 10, more_texts=WELLS, weight_drop=0.2, ema_decay=0.999, keep="best", eval_every=1, eval_lanes=8
    )
    model = stack("lstm", 2, 512, residual=False, dropout=0.25, locked_dropout=False)
    yield Recipe(name=MORE_BOOKS, experiment="wells", model=model, train=train)
    smaller = replace(model, hidden_size=384, embedding_size=384)
    for name, epochs, alone in (("finetuned", 20, 17), ("smaller", 4, 0)):
        training = replace(train, epochs=epochs, alone_epochs=alone)
        yield Recipe(name=f"{MORE_BOOKS}-{name}", experiment="wells", model=smaller, train=training)


def shakespeare() -> Iterator[Recipe]:
    """Yield models of tiny_shakespeare with nanoGPT's split, which has no test part: its last tenth is validation.

    First a residual stack, then a plain one, in which dropout acts on every path. The second was chosen by that tenth.
    """
    train = modern_training(
        "tiny_shakespeare",
        32,
        val_fraction=0.1,
        window=160,
        weight_drop=0.25,
        weight_decay=0.05,
        reset_rate=0.02,
        ema_decay=0.999,
        eval_every=4,
        eval_lanes=32,
    )
    residual = stack("gru", 3, 384, dropout=0.35)
    plain = stack("lstm", 2, 512, residual=False, dropout=0.4, locked_dropout=False)
    longer = replace(train, epochs=24, window=192, weight_drop=0.3)
    for name, model, training in (("shakespeare-gru-3", residual, train), (SHAKESPEARE, plain, longer)):
        yield Recipe(name=name, experiment="shakespeare", model=model, train=training, sample_prompt="ROMEO:\n")


def best_of_one_book(results: Results) -> Reached:
    """Return the figure of the recipe of `one_book` with the lowest validation perplexity."""
    tried = {run.recipe: results.where(recipe=run.recipe) for run in results.where(experiment="book").finished}
    recipe = min(tried, key=lambda recipe: tried[recipe].figure("val").mean)
    return Reached(figure=tried[recipe].figure(), recipes=recipe)


QUESTION = Question(
    key="best",
    recipes=recipes,
    comparisons=(Comparison(key="best", prompt="The Time Traveller", groups={"recipe": (MORE_BOOKS, SHAKESPEARE)}),),
    goals=(
        Goal(what="*The Time Machine* alone, test", limit=3.95, reached=best_of_one_book),
        Goal(what="the same test text, more books", limit=3.40, reached=of_recipe(MORE_BOOKS)),
        Goal(what="tiny_shakespeare, nats, state carried", limit=1.40, reached=of_recipe(SHAKESPEARE, "val", "nats")),
        Goal(
            what="tiny_shakespeare, nats, cold windows of 256",
            limit=1.42,
            reached=of_recipe(SHAKESPEARE, "cold_256", "nats"),
        ),
    ),
)
