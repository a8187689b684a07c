"""GRU instead of LSTM: how perplexity and speed change. The answer depends on what is held equal."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from deeprnn.config import Recipe
from deeprnn.experiments import depth
from deeprnn.experiments.charts import Cell, Chart, Column, Dot, Dots, Table, Values, Word, curves, titled
from deeprnn.experiments.gaps import told_apart
from deeprnn.experiments.question import Answer, Comparison, Figures, Question, clause, ends
from deeprnn.experiments.recipes import note_stack
from deeprnn.nn.cells import CELLS
from deeprnn.store.results import Results, RunRecord

BY_HEART = 1.1  # below this training perplexity, a text counts as learned by heart
LAYERS = 2
EPOCHS = {"rnn": 14, "gru": 9, "lstm": 24, "mingru": 21, "minlstm": 21}  # epochs in about 100 seconds
_COLUMNS = (
    *(("model", ""), ("parameters", ","), ("train", ""), ("heldout", ""), ("seeds", ""), ("epochs", "")),
    *(("seconds", ".0f"), ("speed", ",")),
)


def recipes() -> Iterator[Recipe]:
    """Yield the note's LSTM and a GRU instead of it, then two residual layers of each cell at equal training time.

    Equal time means the number of epochs in about 100 seconds, measured with the runs at equal parameters on one core
    of an AVX-512 machine; each run records its own seconds.
    """
    yield note_stack("lstm", LAYERS)
    yield note_stack("gru", LAYERS)
    for cell, epochs in EPOCHS.items():
        recipe = depth.at_equal_parameters(cell, LAYERS, residual=True)
        name = depth.name("time", cell, LAYERS, residual=True)
        yield replace(recipe, name=name, experiment="time", train=replace(recipe.train, epochs=epochs))


def answer(results: Results) -> Figures:
    """Return the figures of GRU and LSTM in the note's setting, and on the whole book at equal epochs and time."""
    gru, lstm = (results.where(recipe=f"note-{cell}-2").finished[0] for cell in ("gru", "lstm"))
    return {
        **_of_note("gru", gru),
        **_of_note("lstm", lstm),
        "note_saved": 100 * (1 - gru.num_params / lstm.num_params),
        **_of_book(results, "gru"),
        **_of_book(results, "lstm"),
        **_rates(results),
        **_at_higher_rate(results),
        **_cut_off(results),
    }


def _of_book(results: Results, cell: str) -> Figures:
    timed = depth.stacks(results, "time", cell, LAYERS, residual=True)
    return {
        cell: depth.stacks(results, "depth", cell, LAYERS, residual=True).figure(),
        f"{cell}_plain": depth.stacks(results, "depth", cell, LAYERS, residual=False).figure(),
        f"{cell}_faster": depth.stacks(results, "rate", cell, LAYERS, residual=True).figure(),
        f"{cell}_timed": timed.figure(),
        f"{cell}_seconds": timed.estimate(lambda run: run.train_seconds).mean,
    }


def _at_higher_rate(results: Results) -> Figures:
    """Return whether seeds tell GRU and LSTM apart at the higher rate, how many there are, and the GRU's seconds."""
    gru, lstm = (depth.stacks(results, "rate", cell, LAYERS, residual=True) for cell in ("gru", "lstm"))
    are_apart = told_apart(gru.figure(), lstm.figure())
    leads = gru.figure().mean < lstm.figure().mean
    return {
        "faster_seeds": min(len(gru.finished), len(lstm.finished)),
        "faster_seconds": gru.estimate(lambda run: run.train_seconds).mean,
        "too": clause(are_apart and leads),
        "behind": clause(are_apart and not leads),
        "level": clause(not are_apart),
    }


def _rates(results: Results) -> Figures:
    """Return the learning rate of the runs at equal parameters, and the higher one."""
    runs = {
        name: results.where(experiment=kind, cell="gru")[0] for name, kind in (("rate", "depth"), ("faster", "rate"))
    }
    return {name: run.train_config.learning_rate for name, run in runs.items()}


def _cut_off(results: Results) -> Figures:
    """Return in how many seeds the LSTM is ahead of the GRU on the validation part when the GRU's time is over."""
    gru, lstm = (depth.stacks(results, "time", cell, LAYERS, residual=True).finished for cell in ("gru", "lstm"))
    pairs = [(one, other) for one in gru for other in lstm if one.seed == other.seed]
    return {"pairs": len(pairs), "ahead": sum(_lowest_until(b, a.train_seconds) < a.final["val"].ppl for a, b in pairs)}


def _lowest_until(run: RunRecord, seconds: float) -> float:
    """Return the lowest perplexity of a run's curve in its first `seconds`."""
    curve = zip(run.curve.seconds, run.curve.val_ppl, strict=True)
    return min((ppl for at, ppl in curve if at <= seconds), default=math.inf)


def _of_note(cell: str, run: RunRecord) -> Figures:
    return {
        f"note_{cell}_epoch": _epoch_by_heart(run),
        f"note_{cell}_train": run.final["train"].ppl,
        f"note_{cell}_best": run.best_val.ppl if run.best_val else None,
        f"note_{cell}_new": run.heldout.ppl,
        f"note_{cell}_speed": run.chars_per_second,
    }


def _epoch_by_heart(run: RunRecord) -> float | None:
    """Return the epoch after which a run knew its training text by heart, or None."""
    learned = zip(run.curve.epoch, run.curve.train_ppl, strict=True)
    return next((epoch for epoch, ppl in learned if ppl < BY_HEART), None)


def chart(results: Results, experiment: str, what: str) -> Dots:
    """Return a chart of two layers of each cell, plain and residual; what: what is equal, see `depth.equal`."""
    dots, rows = [], []
    for cell, residual in itertools.product(CELLS, depth.WIRINGS):
        runs = depth.stacks(results, experiment, cell, LAYERS, residual=residual)
        if runs.finished:
            dot = Dot(name=depth.title(cell, residual), cell=cell, heldout=runs.figure(), train=runs.figure("train"))
            run, seconds = runs.finished[0], runs.estimate(lambda run: run.train_seconds).mean
            speed = round(runs.estimate(lambda run: run.chars_per_second).mean)
            row: list[Cell] = [dot.name, run.num_params, dot.train, dot.heldout, dot.heldout.num_seeds]
            dots.append(dot)
            rows.append([*row, run.curve.epoch[-1], seconds, speed])
    columns = [Column(name=Word(key=f"charts.head.{key}"), format=format) for key, format in _COLUMNS]
    return Dots(name=depth.equal(what), title=_claimed(what, dots), rows=dots, table=Table(columns=columns, rows=rows))


def _claimed(what: str, dots: Sequence[Dot]) -> Word:
    """Return the title that names the row with the lowest figure, and how many others seeds tell apart from it."""
    if len(dots) < 2:
        return Word(key="gru.figure.cells")
    best, *others = sorted(dots, key=lambda dot: dot.heldout.mean)
    apart = sum(told_apart(best.heldout, other.heldout) for other in others)
    values: Values = {"best": best.name, "ppl": best.heldout.mean, "apart": apart, "others": len(others)}
    return Word(key=f"gru.figure.{what}", values=values)


def charts(results: Results) -> list[list[Chart]]:
    """Return the cells at each equal budget, and the learning curves of the note's GRU and LSTM."""
    equal = {"depth": "parameters", "width": "width", "time": "time"}
    claimed = titled("gru.figure.curves", lambda: _by_heart(results), Word(key="charts.title.curves"))
    return [
        [chart(results, experiment, what) for experiment, what in equal.items()],
        [curves(results, ("note-gru-2", "note-lstm-2"), claimed)],
    ]


def _by_heart(results: Results) -> Values:
    """Return the epochs after which the note's models know their text by heart."""
    runs = {cell: results.where(recipe=f"note-{cell}-2").finished[0] for cell in ("gru", "lstm")}
    epochs = {cell: _epoch_by_heart(run) for cell, run in runs.items()}
    return {cell: epoch for cell, epoch in epochs.items() if epoch is not None}


def facts(results: Results) -> Figures:
    """Return the units of each layer at equal width, and how long the runs at equal time took."""
    seconds = [run.train_seconds for run in results.where(experiment="time")]
    return {**depth.same_width(results), **ends("seconds", seconds)}


def _group(experiment: str) -> tuple[str, ...]:
    return tuple(depth.name(experiment, cell, LAYERS, residual=True) for cell in CELLS)


QUESTION = Question(
    key="gru",
    recipes=recipes,
    comparisons=(
        Comparison(
            key="cells",
            prompt="The Time Traveller",
            open_ended=True,
            groups={"parameters": _group("depth"), "width": _group("width"), "time": _group("time")},
        ),
    ),
    answers=(Answer(key="gru", figures=answer),),
    charts=charts,
    example="depth-gru-2-residual",
    facts=facts,
    comparison="cells",
    commands=("python train.py 'depth-*-2-*' 'time-*' --seeds 0 1 2", "python train.py 'width-*-2-*'"),
)
