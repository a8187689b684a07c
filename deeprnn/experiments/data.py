"""More data: how much more text improves the same model on the same held-out text."""

from collections.abc import Iterator

from deeprnn.config import Recipe
from deeprnn.experiments.authors import FIVE
from deeprnn.experiments.charts import (
    SPARE_COLOURS,
    Cell,
    Chart,
    Column,
    Lines,
    Point,
    Series,
    Table,
    Values,
    Word,
    titled,
)
from deeprnn.experiments.question import Answer, Comparison, Figures, OverviewTable, Question
from deeprnn.experiments.recipes import WELLS, modern_training, stack
from deeprnn.store.estimates import estimate
from deeprnn.store.results import Baselines, Results, Runs

# By recipe: the limit of training characters, the further texts, and the number of characters in all.
SIZES: dict[str, tuple[int | None, tuple[str, ...], int]] = {
    "data-10k": (10_000, (), 10_000),
    "data-50k": (50_000, (), 50_000),
    "data-book": (None, (), 161_081),
    "data-wells-3": (None, WELLS[:2], 711_000),
    "data-wells-8": (None, WELLS, 2_582_000),
    "data-authors": (None, (*WELLS, *FIVE[1:]), 5_484_000),
}
LINES = {"heldout": 0, "end": 1, "train": 2, "ngram": 0}  # the dash of each line


def recipes() -> Iterator[Recipe]:
    """Yield the same model with more and more training text; the test text is always the end of *The Time Machine*.

    Each run reads about 5.2 million characters in all, so small texts more often, and keeps its best weights.
    """
    model = stack("gru", 2, 256, dropout=0.2)
    for name, (limit, more, chars) in SIZES.items():
        window = 64 if chars == 10_000 else 128
        train = modern_training(
            "time_machine",
            max(1, round(5_200_000 / chars)),
            more_texts=more,
            max_train_chars=limit,
            window=window,
            eval_every=max(1, round(160_000 / chars)),
            keep="best",
        )
        yield Recipe(name=name, experiment="data", model=model, train=train)


def finished(results: Results) -> dict[str, tuple[Runs, Baselines]]:
    """Return the finished runs and the baselines of each recipe, from the smallest text to the largest."""
    found = {name: results.where(recipe=name).finished for name in SIZES}
    return {name: (runs, results.texts[runs[0].text_key]) for name, runs in found.items() if runs}


def answer(results: Results) -> Figures:
    """Return the final perplexities of the smallest text, and each text's test perplexity with that of its n-gram."""
    found = finished(results)
    few, text = found["data-10k"]
    read = [int(found[name][0][0].curve.chars[-1]) for name in SIZES]
    ppls = [runs.figure() for runs, _ in found.values()]
    return {
        "first": ppls[0],
        "least": min(ppls, key=lambda ppl: ppl.mean),
        "end_train": few.estimate(lambda run: run.curve.train_ppl[-1]),
        "best_val": few.figure("val"),
        "end_val": few.estimate(lambda run: run.curve.val_ppl[-1]),
        "order": text.ngram_order,
        "each": [{"chars": of.train_chars, "ppl": runs.figure(), "ngram": of.ngram_ppl} for runs, of in found.values()],
        "read_low": min(read),
        "read_high": max(read),
    }


def chart(results: Results) -> Lines:
    """Return a chart of perplexity by characters of text: training, test, the end of training, and a 6-gram's."""
    parts: dict[str, list[Point]] = {part: [] for part in LINES}
    rows: list[list[Cell]] = []
    for runs, text in finished(results).values():
        values = {
            "heldout": runs.figure(),
            "end": runs.estimate(lambda run: run.curve.val_ppl[-1]),
            "train": runs.figure("train"),
            "ngram": estimate([text.ngram_ppl]),
        }
        for part, value in values.items():
            parts[part].append(Point(xs=(text.train_chars,), value=value))
        rows.append([runs[0], text.train_chars, *values.values()])
    series = [
        Series(
            name=Word(key=f"data.line.{part}"),
            short=Word(key=f"data.short.{part}"),
            colour=SPARE_COLOURS[0] if part == "ngram" else "gru",
            mark=int(part == "ngram"),
            dash=LINES[part],
            points=points,
            dots=True,
        )
        for part, points in parts.items()
    ]
    columns = [Column(name=Word(key="charts.head.run")), Column(name=Word(key="charts.axis.text"), format=",")]
    columns += [Column(name=Word(key=f"data.line.{part}")) for part in parts]
    return Lines(
        name=Word(key="data.chart"),
        title=titled("data.figure.claim", lambda: _enough(results), Word(key="data.figure.plain")),
        axes=[Word(key="charts.axis.text")],
        series=series,
        log_x=True,
        table=Table(columns=columns, rows=rows),
    )


def _enough(results: Results) -> Values:
    """Return the number of training characters, to two digits, with which the network is best."""
    ppls = {text.train_chars: runs.figure().mean for runs, text in finished(results).values()}
    return {"chars": float(f"{min(ppls, key=ppls.__getitem__):.1e}")}


def charts(results: Results) -> list[list[Chart]]:
    """Return the chart of perplexity by characters of text."""
    return [[chart(results)]]


def table(results: Results) -> Table:
    """Return the table of the same model by training text, with the best weights and with the last ones."""
    head = ["characters of text", "read in all", "train", "test", "validation at the end", "at its best"]
    formats = [",", ",", "", "", ".2f", ".2f"]
    columns = [Column(name=one, format=format) for one, format in zip(head, formats, strict=True)]
    rows: list[list[Cell]] = []
    for name, (runs, text) in finished(results).items():
        run, train, test = runs[0], runs.figure("train"), runs.figure()
        ends = run.curve.val_ppl[-1], run.final["val"].ppl
        rows.append([f"`{name}`", text.train_chars, run.curve.chars[-1], train, test, *ends, text.ngram_ppl])
    return Table(
        columns=[Column(name="recipe"), *columns, Column(name="6-gram, test", format=".2f")],
        rows=rows,
    )


QUESTION = Question(
    key="data",
    recipes=recipes,
    comparisons=(
        Comparison(
            key="data",
            prompt="The Time Traveller",
            highlight="copied",
            groups={"recipe": ("data-10k", "data-book", "data-wells-8", "wells-lstm-2")},
        ),
    ),
    answers=(Answer(key="data", figures=answer),),
    charts=charts,
    example="data-10k",
    comparison="data",
    commands=("python train.py 'data-*' --seeds 0 1 2",),
    tables=(
        OverviewTable(
            heading="More data",
            about="One model and training, held out the same tail of *The Time Machine*; train and test figures are "
            "those of the weights\nthat were best on the validation part.",
            table=table,
        ),
    ),
)
