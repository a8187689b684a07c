"""More data: how much more text improves the same model on the same held-out text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from deeprnn.config import Recipe
from deeprnn.experiments import note
from deeprnn.experiments.authors import FIVE
from deeprnn.experiments.charts import (
    SPARE_COLOURS,
    Cell,
    Chart,
    Column,
    Label,
    Lines,
    Point,
    Series,
    Table,
    Values,
    Word,
    titled,
)
from deeprnn.experiments.gaps import heldout, percent_above, sign, tested
from deeprnn.experiments.question import Answer, Comparison, Figures, OverviewTable, Question, clause, one_seed, seeds
from deeprnn.experiments.recipes import WELLS, modern_training, note_stack, stack
from deeprnn.store.estimates import Estimate, estimate
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
# The note's own LSTM on more text, by recipe: the limit of training characters, the epochs that are about as many steps
# as its 500 of 10,000 characters (44 and 137 steps an epoch instead of 8), and how often held-out text is measured.
MORE_OF_NOTE: dict[str, tuple[int | None, int, int]] = {
    "note-lstm-2-50k": (50_000, 91, 2),
    "note-lstm-2-book": (None, 29, 1),
}
OF_WELLS, LARGER = "data-wells-8", "wells-lstm-2"  # a small and a larger network of the same eight books
OF_NOTE = (note_stack("lstm", 2).name, *MORE_OF_NOTE)
LINES = {"heldout": 0, "end": 1, "train": 2, "ngram": 0}  # the dash of each line


def recipes() -> Iterator[Recipe]:
    """Yield the same model with more and more training text; the test text is always the end of *The Time Machine*.

    Each run reads about 5.2 million characters in all, so small texts more often, and keeps its best weights. Then
    yield the note's own LSTM with more of the book.
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
    yield from of_note()


def of_note() -> Iterator[Recipe]:
    """Yield the note's own two-layer LSTM with more of the book, in as many steps as the note's."""
    base = note_stack("lstm", 2)
    for name, (limit, epochs, every) in MORE_OF_NOTE.items():
        train = replace(base.train, max_train_chars=limit, epochs=epochs, eval_every=every)
        yield replace(base, name=name, experiment="note-data", train=train)


def finished(results: Results) -> dict[str, tuple[Runs, Baselines]]:
    """Return the finished runs and the baselines of each recipe, from the smallest text to the largest."""
    return _finished(results, tuple(SIZES))


def finished_of_note(results: Results) -> dict[str, tuple[Runs, Baselines]]:
    """Return the same of the note's own recipe.

    Raises:
        LookupError: there are fewer than two sizes.
    """
    found = _finished(results, OF_NOTE)
    if len(found) < 2:
        raise LookupError(f"fewer than two sizes in the note's recipe: {sorted(found)}.")
    return found


def _finished(results: Results, recipes: Sequence[str]) -> dict[str, tuple[Runs, Baselines]]:
    found = {name: results.where(recipe=name).finished for name in recipes}
    return {name: (runs, results.texts[runs[0].text_key]) for name, runs in found.items() if runs}


def answer(results: Results) -> Figures:
    """Return the final perplexities of the smallest text, and each text's test perplexity with that of its n-gram."""
    found = finished(results)
    few, text = found["data-10k"]
    read = [int(found[name][0][0].curve.chars[-1]) for name in SIZES]
    kept = [_read_by_kept(runs) for runs, _ in found.values()]
    ppls = [runs.figure() for runs, _ in found.values()]
    least, last = _lowest(found.values()), [*found.values()][-1][0]
    is_last, is_apart = least is last, sign(percent_above([(heldout(last), heldout(least))])) > 0
    beaten = sum(_is_below(runs.figure(), of.ngram_ppl) for runs, of in found.values())
    eight, all_authors = (runs[0].train_config.epochs for runs, _ in list(found.values())[-2:])
    return {
        "first": ppls[0],
        "least": least.figure(),
        "level": clause(not is_last and not is_apart),
        "rises": clause(not is_last and is_apart),
        "falls": clause(is_last),
        "few_readings": eight,
        "one_reading": all_authors,
        "end_train": few.estimate(lambda run: run.curve.train_ppl[-1]),
        "best_val": few.figure("val"),
        "end_val": few.estimate(lambda run: run.curve.val_ppl[-1]),
        "seeds": min(runs.figure().num_seeds for runs, _ in list(found.values())[-2:]),
        "order": text.ngram_order,
        "sizes": len(found),
        "lower": sum(of.ngram_ppl < runs.figure().mean for runs, of in found.values()),
        "never_below": clause(not beaten),
        "below": clause(beaten > 0, beaten=beaten),
        "each": [{"chars": of.train_chars, "ppl": runs.figure(), "ngram": of.ngram_ppl} for runs, of in found.values()],
        "read_low": min(read),
        "read_high": max(read),
        "kept_few": kept[0],
        "kept_most": kept[-1],
        **seeds(ppl.num_seeds for ppl in ppls),
    }


def _lowest(found: Iterable[tuple[Runs, Baselines]]) -> Runs:
    """Return the runs of the text with which the network is best."""
    return min((runs for runs, _ in found), key=lambda runs: runs.figure().mean)


def _is_below(ppl: Estimate, other: float) -> bool:
    """Return whether the interval of a perplexity is below a figure that has no seeds."""
    return ppl.half_width is not None and ppl.mean + ppl.half_width < other


def _read_by_kept(runs: Runs) -> int:
    """Return how many characters the weights that were kept had read, of the first seed."""
    run = runs[0]
    best = run.best_val.epoch if run.best_val else run.curve.epoch[-1]
    return int(run.curve.chars[list(run.curve.epoch).index(best)])


def answer_note(results: Results) -> Figures:
    """Return what the note's own recipe comes to by characters of text, and its n-gram.

    Raises:
        LookupError: there are fewer than two sizes.
    """
    found = list(finished_of_note(results).values())
    read = [int(runs[0].curve.chars[-1]) for runs, _ in found]
    each = [{"chars": text.train_chars, "ngram": text.ngram_ppl, **note.entry(runs)} for runs, text in found]
    return {
        "each": each,
        "first": note.figures(found[0][0])["lowest"].mean,
        "last": note.figures(found[-1][0])["lowest"].mean,
        "order": found[-1][1].ngram_order,
        "ngram": found[-1][1].ngram_ppl,
        "read_low": min(read),
        "read_high": max(read),
        **seeds(len(runs) for runs, _ in found),
    }


def answer_larger(results: Results) -> Figures:
    """Return what a larger network that reads the same eight books more often comes to, the small one, and a 6-gram.

    Raises:
        LookupError, ValueError: runs are missing, or came to something else than the answer says.
    """
    large, small = (results.where(recipe=recipe).finished for recipe in (LARGER, OF_WELLS))
    text = results.texts[large[0].text_key]
    most = min(small.figure().mean, text.ngram_ppl)
    if large.figure().mean >= most or large[0].train_config.epochs <= small[0].train_config.epochs:
        raise LookupError("the larger network is not below the others, or does not read more.")
    return {
        "large": large.figure(),
        "large_train": large.figure("train"),
        "small": small.figure(),
        "units": large[0].model_config.hidden_size,
        "times": large[0].num_params / small[0].num_params,
        "epochs": large[0].train_config.epochs,
        "few_epochs": small[0].train_config.epochs,
        "ngram": text.ngram_ppl,
        "order": text.ngram_order,
        **one_seed(len(large)),
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
    series = [_line(part, points) for part, points in parts.items()]
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


def _line(part: str, points: Sequence[Point]) -> Series:
    return Series(
        name=Word(key=f"data.line.{part}"),
        short=Word(key=f"data.short.{part}"),
        colour=SPARE_COLOURS[0] if part == "ngram" else "gru",
        mark=int(part == "ngram"),
        dash=LINES[part],
        points=points,
        dots=True,
    )


def _enough(results: Results) -> Values:
    """Return the characters of training text, to two digits, with which the network is lowest, and what seeds tell."""
    found = list(finished(results).values())
    least = _lowest(found)
    (chars,) = (text.train_chars for runs, text in found if runs is least)
    larger = [percent_above([(heldout(runs), heldout(least))]) for runs, text in found if text.train_chars > chars]
    several = tested(larger)
    counts = {"tested": len(several), "level": sum(sign(gap) <= 0 for gap in several)}
    told: Label = Word(key="data.figure.told", values=counts) if several else ""
    return {"chars": float(f"{chars:.1e}"), "told": told}


def charts(results: Results) -> list[list[Chart]]:
    """Return the charts of perplexity by characters of text: of the one model, and of the note's own recipe."""
    return [[chart(results), *_charts_of_note(results)]]


def _charts_of_note(results: Results) -> list[Chart]:
    """Return the chart of the note's own recipe by characters of text; none if there are fewer than two sizes."""
    try:
        found = finished_of_note(results).values()
    except LookupError:
        return []
    lowest = [note.figures(runs)["lowest"].mean for runs, _ in found]
    title = Word(key="data.figure.note", values={"first": lowest[0], "last": lowest[-1]})
    ngrams = [Point(xs=(text.train_chars,), value=estimate([text.ngram_ppl])) for _, text in found]
    by_chars = {text.train_chars: runs for runs, text in found}
    name, axis = Word(key="data.chart_note"), Word(key="charts.axis.text")
    counted = replace(
        _line("ngram", ngrams), name=Word(key="data.short.ngram")
    )  # of the last tenth, not of a test part
    return [note.chart(name, title, axis, by_chars, [counted], log_x=True)]


def table(results: Results) -> Table:
    """Return the table of the same model by training text, with the best weights and with the last ones."""
    head = ["characters of text", "read in all", "by the kept weights"]
    head += ["train", "test", "validation at the end", "at its best"]
    formats = [",", ",", ",", "", "", ".2f", ".2f"]
    columns = [Column(name=one, format=format) for one, format in zip(head, formats, strict=True)]
    rows: list[list[Cell]] = []
    for name, (runs, text) in finished(results).items():
        last, best = runs.estimate(lambda run: run.curve.val_ppl[-1]), runs.figure("val")
        readings = runs.figure("train"), runs.figure(), last, best
        read = runs[0].curve.chars[-1], _read_by_kept(runs)
        rows.append([f"`{name}`", text.train_chars, *read, *readings, text.ngram_ppl])
    return Table(
        columns=[Column(name="recipe"), *columns, Column(name="6-gram, test", format=".2f")],
        rows=rows,
    )


def table_of_note(results: Results) -> Table | None:
    """Return the table of the note's own recipe by training text; None if there are fewer than two sizes."""
    try:
        found = finished_of_note(results).values()
    except LookupError:
        return None
    plain = note.table(runs for runs, _ in found)
    more = [[text.train_chars, text.ngram_ppl] for _, text in found]
    return Table(
        columns=[*plain.columns, Column(name="characters of text", format=","), Column(name="6-gram", format=".2f")],
        rows=[[*row, *cells] for row, cells in zip(plain.rows, more, strict=True)],
    )


QUESTION = Question(
    key="data",
    recipes=recipes,
    comparisons=(
        Comparison(
            key="data",
            prompt="The Time Traveller",
            highlight="copied",
            groups={"recipe": ("data-10k", "data-book", OF_WELLS, LARGER)},
        ),
    ),
    answers=(
        Answer(key="data", figures=answer),
        Answer(key="larger", figures=answer_larger, optional=True),
        Answer(key="note_data", figures=answer_note, optional=True),
    ),
    charts=charts,
    example="data-10k",
    comparison="data",
    commands=("python train.py 'data-*' --seeds 0 1 2", "python train.py note-lstm-2 note-lstm-2-50k note-lstm-2-book"),
    tables=(
        OverviewTable(
            heading="More data",
            about="One model and training, held out the same tail of *The Time Machine*; train and test figures are "
            "those of the weights\nthat were best on the validation part.",
            table=table,
        ),
        OverviewTable(
            heading="More data, in the note's own recipe",
            about="The note's two-layer LSTM and training, in about as many steps; held-out is the last tenth of the "
            "book, at which the\nlowest was looked for.",
            table=table_of_note,
        ),
    ),
)
