"""More data: how much more text buys, for the same model and the same held-out text."""

from collections.abc import Iterator

from deeprnn.config import Recipe
from deeprnn.experiments.authors import FIVE
from deeprnn.experiments.charts import Cell, Chart, Column, Lines, Point, Series, Table, Word
from deeprnn.experiments.question import Answer, Comparison, Figures, OverviewTable, Question
from deeprnn.experiments.recipes import WELLS, modern_training, stack
from deeprnn.store.estimates import estimate
from deeprnn.store.results import Baselines, Results, Runs

# By name: the characters that are read of the book, the further texts, and how many characters there are in all.
SIZES: dict[str, tuple[int | None, tuple[str, ...], int]] = {
    "data-10k": (10_000, (), 10_000),
    "data-50k": (50_000, (), 50_000),
    "data-book": (None, (), 161_081),
    "data-wells-3": (None, WELLS[:2], 711_000),
    "data-wells-8": (None, WELLS, 2_582_000),
    "data-authors": (None, (*WELLS, *FIVE[1:]), 5_484_000),
}
COLOURS = {"train": "gru", "heldout": "lstm", "end": "mingru", "ngram": "base"}  # those of cells, for other lines


def recipes() -> Iterator[Recipe]:
    """One model, more and more text before it; the test is always the tail of *The Time Machine*.

    Each reads about 5.2 million characters, however often each of them, and keeps the best weights on the way.
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
    """The recipes that were run, from little text to much, each with what is counted of its text."""
    found = {name: results.where(recipe=name).finished for name in SIZES}
    return {name: (runs, results.texts[runs[0].text_key]) for name, runs in found.items() if runs}


def answer(results: Results) -> Figures:
    """What the fewest characters come to, and the best of each amount of text beside its n-gram."""
    found = finished(results)
    few, text = found["data-10k"]
    read = [int(found[name][0][0].curve.chars[-1]) for name in SIZES]
    return {
        "end_train": few.estimate(lambda run: run.curve.train_ppl[-1]),
        "end_new": few.estimate(lambda run: run.curve.val_ppl[-1]),
        "order": text.ngram_order,
        "each": [{"chars": of.train_chars, "ppl": runs.figure(), "ngram": of.ngram_ppl} for runs, of in found.values()],
        "read_low": min(read),
        "read_high": max(read),
    }


def chart(results: Results) -> Lines:
    """Perplexity against characters of text: in training, on the test text, and a 6-gram's there."""
    parts: dict[str, list[Point]] = {part: [] for part in COLOURS}
    rows: list[list[Cell]] = []
    for name, (runs, text) in finished(results).items():
        values = {
            "train": runs.figure("train"),
            "heldout": runs.figure(),
            "end": runs.estimate(lambda run: run.curve.val_ppl[-1]),
            "ngram": estimate([text.ngram_ppl]),
        }
        for part, value in values.items():
            parts[part].append(Point(xs=(text.train_chars,), value=value))
        rows.append([name, text.train_chars, *values.values()])
    series = [
        Series(name=Word(key=f"data.line.{part}"), cell=COLOURS[part], dash=dash, points=points, dots=True)
        for dash, (part, points) in enumerate(parts.items())
    ]
    columns = [Column(name=Word(key="charts.head.run")), Column(name=Word(key="charts.axis.text"), format=",")]
    columns += [Column(name=Word(key=f"data.line.{part}")) for part in parts]
    return Lines(
        name=Word(key="data.chart"),
        axes=[Word(key="charts.axis.text")],
        series=series,
        log_x=True,
        table=Table(columns=columns, rows=rows),
    )


def charts(results: Results) -> list[list[Chart]]:
    """Perplexity against characters of text."""
    return [[chart(results)]]


def table(results: Results) -> Table:
    """The same model after more and more text; the best weights on the way, and those at the end."""
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
