"""Why ten plain layers do not learn: one change at a time, to ten that do not learn and to ten that do."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deeprnn.config import Recipe
from deeprnn.experiments import depth, note
from deeprnn.experiments.charts import Cell, Chart, Column, Dot, Dots, Table, Values, Word, titled
from deeprnn.experiments.question import Answer, Comparison, Figures, OverviewTable, Question, clause, seeds
from deeprnn.experiments.recipes import note_stack
from deeprnn.experiments.words import WORDS
from deeprnn.store.results import Results, Runs

CELL = "lstm"
PLAIN = depth.at_equal_parameters(CELL, depth.DEEPEST, residual=False)
BOTH = depth.at_equal_parameters(CELL, depth.DEEPEST, residual=True)  # residual connections and LayerNorm
ALONE: dict[str, dict[str, Any]] = {
    "residual": {"residual": True, "pre_norm": False},
    "layer-norm": {"pre_norm": True},
}
WITHOUT: dict[str, dict[str, Any]] = {"no-dropout": {"dropout": 0.0}}
TO_PLAIN: dict[str, dict[str, Any]] = {
    "longer": {"epochs": 4 * PLAIN.train.epochs},
    "slower": {"learning_rate": PLAIN.train.learning_rate / 4},
    "faster": {"learning_rate": PLAIN.train.learning_rate * 2.5},
}
TO_BOTH: dict[str, dict[str, Any]] = {
    "uniform": {"init": "uniform"},
    "no-warm-up": {"warmup_fraction": 0.0},
    "sgd": {"optimizer": "sgd", "learning_rate": 2.0, "weight_decay": 0.0},
}
RECIPES = {  # by what is changed, in the order of the table; "plain" and "both" are those that are changed
    "plain": PLAIN.name,
    **{part: f"ten-{part}" for part in (*ALONE, *WITHOUT, *TO_PLAIN)},
    "both": BOTH.name,
    **{part: f"ten-{part}" for part in TO_BOTH},
}

TO_NOTE = ("longer", "embedding", "residual", "layer-norm", "orthogonal", "adamw", "warm-up")
OF_NOTE = {  # the note's own ten layers, by what is changed; in "all" it is several things at once
    "plain": depth.ten_plain().name,
    "longer": "d2l-lstm-10-longer",
    "embedding": "d2l-lstm-10-embedding",
    **{part: f"d2l-lstm-10-embedding-{part}" for part in TO_NOTE[2:]},
    "all": depth.ten_residual().name,
}
TIMED = ("plain", "longer", "all")  # the sentence says their epochs


def recipes() -> Iterator[Recipe]:
    """Yield ten LSTM layers on *The Time Machine* with each change, then the note's ten layers with each."""
    for part, change in (ALONE | WITHOUT).items():
        yield _recipe(part, replace(PLAIN, model=replace(PLAIN.model, **change)))
    for base, changes in ((PLAIN, TO_PLAIN), (BOTH, TO_BOTH)):
        for part, change in changes.items():
            yield _recipe(part, replace(base, train=replace(base.train, **change)))
    yield from of_note()


def of_note() -> Iterator[Recipe]:
    """Yield the note's ten layers: all of its epochs; with an embedding as wide as they are; and one change to that."""
    plain = depth.ten_plain()
    yield replace(plain, name=OF_NOTE["longer"], train=note_stack(CELL, depth.DEEPEST).train)
    model = replace(plain.model, embedding_size=plain.model.hidden_size)
    base = replace(plain, name=OF_NOTE["embedding"], experiment="d2l", model=model)
    yield base
    for part, change in ALONE.items():
        yield replace(base, name=OF_NOTE[part], model=replace(base.model, **change))
    trains: dict[str, dict[str, Any]] = {
        "orthogonal": {"init": "orthogonal"},
        "adamw": {"optimizer": "adamw", "learning_rate": 1e-3},
        "warm-up": {"warmup_fraction": 0.1},
    }
    for part, change in trains.items():
        yield replace(base, name=OF_NOTE[part], train=replace(base.train, **change))


def _recipe(part: str, recipe: Recipe) -> Recipe:
    return replace(recipe, name=f"ten-{part}", experiment="ten")


def runs_of(results: Results) -> dict[str, Runs]:
    """Return the runs of each change, in the order of `RECIPES`, without those that were not run."""
    found = {part: results.where(recipe=name) for part, name in RECIPES.items()}
    return {part: runs for part, runs in found.items() if runs.finished}


def answer(results: Results) -> Figures:
    """Return the held-out perplexity of each run, by what was changed, and which changes made ten plain layers learn.

    Raises:
        LookupError: a change was not run.
    """
    runs = runs_of(results)
    ppl = {part.replace("-", "_"): runs[part].figure() for part in RECIPES}
    tried = (*ALONE, *WITHOUT, *TO_PLAIN)
    learned = [part for part in tried if note.learned(runs[part])]
    return {
        **ppl,
        "tried": len(tried),
        "only": clause(learned == ["residual"]),
        "among": clause(len(learned) > 1, others=len(learned) - 1),
        "plain_mean": ppl["plain"].mean,
        "residual_mean": ppl["residual"].mean,
        "times": TO_PLAIN["longer"]["epochs"] / PLAIN.train.epochs,
        "rate": PLAIN.train.learning_rate,
        "slow": TO_PLAIN["slower"]["learning_rate"],
        "quick": TO_PLAIN["faster"]["learning_rate"],
        "fast": TO_BOTH["sgd"]["learning_rate"],
        "unigram": results.texts[runs["plain"][0].text_key].unigram_ppl,
        **seeds(len(one) for one in runs.values()),
    }


def runs_of_note(results: Results) -> dict[str, Runs]:
    """Return the runs of the note's own ten layers by what is changed, in the order of `OF_NOTE`, if one finished.

    Raises:
        LookupError: there is no run with a single change, or none without one.
    """
    found = {part: results.where(recipe=name) for part, name in OF_NOTE.items()}
    runs = {part: one for part, one in found.items() if one.finished}
    if "plain" not in runs or not runs.keys() & {*TO_NOTE}:
        raise LookupError("no single change to the note's ten layers was run.")
    return runs


def answer_note(results: Results) -> Figures:
    """Return what the note's own ten layers come to with each single change, and how many of these make them learn.

    Raises:
        LookupError: there is no run with a single change, or none without one.
    """
    runs = runs_of_note(results)
    tried, learned = _tried(runs)
    every = {part: note.entry(one) if part in TIMED else note.figures(one) for part, one in runs.items()}
    residual = {"train": every["residual"]["train"]} if "residual" in tried else {}
    return {
        **{part.replace("-", "_"): [every[part]] if part in every else [] for part in OF_NOTE},
        "unigram": results.texts[runs["plain"][0].text_key].unigram_ppl,
        "tried": len(tried),
        "learned": len(learned),
        "only": clause(learned == ["residual"], **residual),
        "among": clause("residual" in learned and len(learned) > 1, **residual),
        "without": clause("residual" in tried and "residual" not in learned, **residual),
        "begun": clause(_is_cut_short(results, runs), epochs=runs["plain"][0].train_config.epochs),
        **seeds(len(runs[part]) for part in ("plain", *tried)),
    }


def _is_cut_short(results: Results, runs: Mapping[str, Runs]) -> bool:
    """Return whether a start still gained 1% in training as it ended, sooner than four layers of the note begin.

    It is the mean gain of the seeds from their last measurement but one to the last.
    """
    if "orthogonal" not in runs:
        return False
    four = results.where(recipe=note_stack(CELL, 4).name)
    begins = min(note.began(results, four), default=0) if four.finished else 0
    last = statistics.fmean(run.curve.train_ppl[-1] / run.curve.train_ppl[-2] for run in runs["orthogonal"])
    return last < 0.99 and begins > runs["plain"][0].train_config.epochs


def _tried(runs: Mapping[str, Runs]) -> tuple[list[str], list[str]]:
    """Return which single changes to the note's ten layers were run, and which of them made every seed learn."""
    tried = [part for part in TO_NOTE if part in runs]
    return tried, [part for part in tried if note.learned(runs[part])]


def charts_of_note(results: Results) -> list[Chart]:
    """Return the chart of the note's own ten layers with each change; none without a single change."""
    try:
        runs = runs_of_note(results)
    except LookupError:
        return []
    tried, learned = _tried(runs)
    named = {part: Word(key=f"ten.of_note.{part}") for part in runs}
    each = {part: note.figures(one) for part, one in runs.items()}
    return [
        Dots(
            name=Word(key="ten.chart.note"),
            title=Word(key="ten.figure.note", values={"tried": len(tried), "learned": len(learned)}),
            rows=[
                Dot(name=named[part], cell=CELL, heldout=of["lowest"], train=of["train"]) for part, of in each.items()
            ],
            heldout=Word(key="charts.note.lowest"),
            table=note.page_table((named[part], one) for part, one in runs.items()),
        )
    ]


def table_of_note(results: Results) -> Table | None:
    """Return the table of the note's own ten layers by what was changed; None without a single change."""
    try:
        return note.table(runs_of_note(results).values())
    except LookupError:
        return None


def chart(results: Results, parts: Sequence[str], name: str, claimed: Word) -> Dots:
    """Return a chart of the runs of some changes; name: what the reader chooses it by."""
    runs = {part: found for part, found in runs_of(results).items() if part in parts}
    dots = [
        Dot(name=Word(key=f"ten.change.{part}"), cell=CELL, heldout=of.figure(), train=of.figure("train"))
        for part, of in runs.items()
    ]
    rows: list[list[Cell]] = [[dot.name, dot.train, dot.heldout, dot.heldout.num_seeds] for dot in dots]
    columns = [Column(name=Word(key=f"charts.head.{key}")) for key in ("run", "train", "heldout", "seeds")]
    return Dots(name=Word(key=f"ten.chart.{name}"), title=claimed, rows=dots, table=Table(columns=columns, rows=rows))


def charts(results: Results) -> list[list[Chart]]:
    """Return what one change does to ten plain layers, to ten that learn, and to the note's own ten."""
    plain = Word(key="ten.figure.changes")
    to_plain = titled("ten.figure.to_plain", lambda: _alone(results), plain)
    return [
        [
            chart(results, ("plain", *ALONE, *WITHOUT, *TO_PLAIN, "both"), "to_plain", to_plain),
            chart(results, ("both", *ALONE, *TO_BOTH), "to_both", plain),
            *charts_of_note(results),
        ]
    ]


def _alone(results: Results) -> Values:
    runs = runs_of(results)
    return {part.replace("-", "_"): runs[part].figure().mean for part in ("plain", *ALONE)}


def table(results: Results) -> Table | None:
    """Return the perplexities of ten layers by what was changed; None without runs."""
    rows: list[list[Cell]] = [
        [WORDS[f"ten.change.{part}"]["en"], f"`{RECIPES[part]}`", runs.reading("train"), runs.reading()]
        for part, runs in runs_of(results).items()
    ]
    head = ("ten LSTM layers", "recipe", "train ppl", "test ppl")
    return Table(columns=[Column(name=one) for one in head], rows=rows) if rows else None


QUESTION = Question(
    key="ten",
    recipes=recipes,
    comparisons=(
        Comparison(
            key="two_by_two",
            prompt="The Time Traveller",
            groups={"parameters": (PLAIN.name, RECIPES["layer-norm"], RECIPES["residual"], BOTH.name)},
        ),
    ),
    answers=(Answer(key="ten", figures=answer), Answer(key="note_ten", figures=answer_note, optional=True)),
    charts=charts,
    example=BOTH.name,
    comparison="two_by_two",
    commands=("python train.py 'ten-*' 'depth-lstm-10-*' --seeds 0 1 2", "python train.py 'd2l-lstm-10-*'"),
    tables=(
        OverviewTable(
            heading="Ten layers, one change at a time",
            about="Half a million weights, ten epochs of *The Time Machine*. First ten plain layers, and what one "
            "change makes of them, then ten with residual connections and LayerNorm, and the same.",
            table=table,
        ),
        OverviewTable(
            heading="The note's own ten layers, one change at a time",
            about="As the note has them, but for the epochs; from `d2l-lstm-10-embedding` on with an embedding as wide "
            "as the layers, which\nresidual connections need. `note-lstm-10-residual` has several changes at once.",
            table=table_of_note,
        ),
    ),
)
