"""GRU instead of LSTM: how perplexity and speed change. The answer depends on what is held equal."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from deeprnn.config import Recipe
from deeprnn.experiments import depth
from deeprnn.experiments.charts import Cell, Chart, Column, Dot, Dots, Label, Table, Values, Word, curves, titled
from deeprnn.experiments.gaps import heldout, lowest, percent_above, sign, tested, told_apart
from deeprnn.experiments.question import Answer, Comparison, Figures, Question, clause, ends, seeds
from deeprnn.experiments.recipes import note_stack
from deeprnn.nn.cells import CELLS
from deeprnn.store.estimates import Estimate, estimate
from deeprnn.store.results import Results, RunRecord, Runs

BY_HEART = 1.1  # below this training perplexity, a text counts as learned by heart
LAYERS = 2
EPOCHS = {"rnn": 13, "gru": 10, "lstm": 19, "mingru": 16, "minlstm": 16}  # that take equally long, see `recipes`
_COLUMNS = (("model", ""), ("parameters", ","), ("train", ""), ("heldout", ""), ("seeds", ""), ("epochs", ""))
_TIMES = (("seconds", ".0f"), ("speed", ","))  # to be compared only where the runs were trained at once


def recipes() -> Iterator[Recipe]:
    """Yield the note's LSTM and a GRU instead of it, then two residual layers of each cell at equal training time.

    Equal time means the epochs that take about as long, in float32, as the GRU's ten when the five are trained at once
    on one core, of which each keeps its fifth until all have ended: what else the machine does then meets all alike.
    Each run records its own seconds.
    """
    yield note_stack("lstm", LAYERS)
    yield note_stack("gru", LAYERS)
    for cell, epochs in EPOCHS.items():
        recipe = depth.at_equal_parameters(cell, LAYERS, residual=True)
        train = replace(recipe.train, epochs=epochs, precision="float32")
        name = depth.name("time", cell, LAYERS, residual=True)
        yield replace(recipe, name=name, experiment="time", train=train)


def answer(results: Results) -> Figures:
    """Return the figures of GRU and LSTM in the note's setting, and on the whole book at equal epochs."""
    gru, lstm = (results.where(recipe=f"note-{cell}-2").finished for cell in ("gru", "lstm"))
    return {
        **_of_note("gru", gru),
        **_of_note("lstm", lstm),
        "note_saved": 100 * (1 - gru[0].num_params / lstm[0].num_params),
        "note_seeds": min(len(gru), len(lstm)),
        "best_level": clause(not told_apart(lowest(gru), lowest(lstm))),
        **seeds((len(gru), len(lstm))),
        **_of_book(results, "gru"),
        **_of_book(results, "lstm"),
        **_rates(results),
        "faster_seeds": min(len(found.finished) for found in _pair(results, "rate")),
        **_who_leads(results, "rate", ("too", "behind", "level")),
    }


def answer_speed(results: Results) -> Figures:
    """Return how much faster the LSTM is read with, and what each cell comes to in about equal time."""
    timed = dict(zip(("gru", "lstm"), _pair(results, "time"), strict=True))
    return {
        "quicker": _quicker(results),
        **{f"{cell}_timed": runs.figure() for cell, runs in timed.items()},
        **{f"{cell}_seconds": runs.estimate(lambda run: run.train_seconds).mean for cell, runs in timed.items()},
        "uneven": uneven(results),
        **_rates(results),
        **_who_leads(results, "time", ("timed_leads", "timed_trails", "timed_level")),
        **_faster_beside_timed(results),
        **seeds(len(runs.finished) for runs in timed.values()),
    }


def _of_book(results: Results, cell: str) -> Figures:
    return {
        cell: depth.stacks(results, "depth", cell, LAYERS, residual=True).figure(),
        f"{cell}_plain": depth.stacks(results, "depth", cell, LAYERS, residual=False).figure(),
        f"{cell}_faster": depth.stacks(results, "rate", cell, LAYERS, residual=True).figure(),
    }


def _pair(results: Results, experiment: str) -> tuple[Runs, Runs]:
    """Return the runs of two residual layers of the GRU and of the LSTM."""
    gru, lstm = (depth.stacks(results, experiment, cell, LAYERS, residual=True) for cell in ("gru", "lstm"))
    return gru, lstm


def _who_leads(results: Results, experiment: str, places: tuple[str, str, str]) -> Figures:
    """Return a part of a sentence for each place: the GRU leads, the LSTM does, or seeds do not tell them apart."""
    gru, lstm = map(heldout, _pair(results, experiment))
    above = sign(percent_above([(gru, lstm)]))
    return {place: clause(above == wanted) for place, wanted in zip(places, (-1, 1, 0), strict=True)}


def _faster_beside_timed(results: Results) -> Figures:
    """Return what the GRU comes to at the higher rate: below what both cells do in equal time, or not told from one."""
    (gru, _), timed = _pair(results, "rate"), _pair(results, "time")
    lower = all(sign(percent_above([(heldout(gru), heldout(found))])) < 0 for found in timed)
    there: Figures = {"epochs": gru[0].curve.epoch[-1], "ppl": gru.figure()}
    lowest_timed = min(timed, key=lambda found: found.figure().mean)
    level = not lower and not told_apart(heldout(gru), heldout(lowest_timed))
    return {"faster_is_lower": clause(lower, **there), "faster_is_level": clause(level, **there)}


def _rates(results: Results) -> Figures:
    """Return the learning rate of the runs at equal parameters, and the higher one."""
    runs = {
        name: results.where(experiment=kind, cell="gru")[0] for name, kind in (("rate", "depth"), ("faster", "rate"))
    }
    return {name: run.train_config.learning_rate for name, run in runs.items()}


def _quicker(results: Results) -> Estimate:
    """Return how many times as many characters a second the LSTM reads as the GRU, trained at once on one core."""
    gru, lstm = ({run.seed: run.chars_per_second for run in found.finished} for found in _pair(results, "time"))
    return estimate([lstm[seed] / gru[seed] for seed in sorted(gru.keys() & lstm.keys())])


def uneven(results: Results) -> float:
    """Return by how many percent the slowest cell of a seed took longer than the fastest, at most, at equal time."""
    every = results.where(experiment="time").finished
    seconds = [[run.train_seconds for run in every if run.seed == seed] for seed in {run.seed for run in every}]
    return max(100 * (max(each) / min(each) - 1) for each in seconds)


def _of_note(cell: str, runs: Runs) -> Figures:
    epochs = [_epoch_by_heart(run) for run in runs]
    return {
        f"note_{cell}_epoch": None if None in epochs else max(filter(None, epochs)),
        f"note_{cell}_train": runs.figure("train"),
        f"note_{cell}_best": runs.lowest(),
        f"note_{cell}_new": runs.figure(),
    }


def _epoch_by_heart(run: RunRecord) -> float | None:
    """Return the epoch after which a run knew its training text by heart, or None."""
    learned = zip(run.curve.epoch, run.curve.train_ppl, strict=True)
    return next((epoch for epoch, ppl in learned if ppl < BY_HEART), None)


def chart(results: Results, experiment: str, what: str) -> Dots:
    """Return a chart of two layers of each cell, plain and residual; what: what is equal, see `depth.equal`."""
    dots, rows, every = [], [], []
    for cell, residual in itertools.product(CELLS, depth.WIRINGS):
        runs = depth.stacks(results, experiment, cell, LAYERS, residual=residual)
        if runs.finished:
            every.append((depth.title(cell, residual), runs))
            dot = Dot(name=depth.title(cell, residual), cell=cell, heldout=runs.figure(), train=runs.figure("train"))
            run = runs.finished[0]
            row: list[Cell] = [dot.name, run.num_params, dot.train, dot.heldout, dot.heldout.num_seeds]
            dots.append(dot)
            rows.append([*row, run.curve.epoch[-1], *(_times(runs) if experiment == "time" else ())])
    head = (*_COLUMNS, *(_TIMES if experiment == "time" else ()))
    columns = [Column(name=Word(key=f"charts.head.{key}"), format=format) for key, format in head]
    return Dots(name=depth.equal(what), title=_claimed(what, every), rows=dots, table=Table(columns=columns, rows=rows))


def _times(runs: Runs) -> list[Cell]:
    """Return the cells of `_TIMES`."""
    seconds, speed = (
        runs.estimate(of).mean for of in (lambda run: run.train_seconds, lambda run: run.chars_per_second)
    )
    return [seconds, round(speed)]


def _claimed(what: str, rows: Sequence[tuple[Label, Runs]]) -> Word:
    """Return the title that names the row with the lowest figure, and how many others seeds tell apart from it."""
    if len(rows) < 2:
        return Word(key="gru.figure.cells")
    (best, runs), *others = sorted(rows, key=lambda row: row[1].figure().mean)
    gaps = [percent_above([(heldout(other), heldout(runs))]) for _, other in others]
    several = tested(gaps)
    counts = {"tested": len(several), "apart": sum(sign(gap) > 0 for gap in several)}
    alone = all(found.figure().num_seeds == 1 for _, found in rows)
    untold: Label = Word(key="gru.figure.single") if alone else ""
    told = Word(key="gru.figure.told", values=counts) if several else untold
    return Word(key=f"gru.figure.{what}", values={"best": best, "ppl": runs.figure().mean, "told": told})


def charts(results: Results) -> list[list[Chart]]:
    """Return the cells at each equal budget, and the learning curves of the note's GRU and LSTM."""
    equal = {"depth": "parameters", "width": "width", "time": "time"}
    claimed = titled("gru.figure.curves", lambda: _by_heart(results), Word(key="charts.title.curves"))
    return [
        [chart(results, experiment, what) for experiment, what in equal.items()],
        [curves(results, ("note-gru-2", "note-lstm-2"), claimed)],
    ]


def _by_heart(results: Results) -> Values:
    """Return the epochs after which the note's models know their text by heart, of seed 0, whose curves are drawn."""
    runs = {cell: results.where(recipe=f"note-{cell}-2").finished[0] for cell in ("gru", "lstm")}
    epochs = {cell: _epoch_by_heart(run) for cell, run in runs.items()}
    return {cell: epoch for cell, epoch in epochs.items() if epoch is not None}


def facts(results: Results) -> Figures:
    """Return the units of each layer at equal width, and how long the runs at equal time took."""
    seconds = [run.train_seconds for run in results.where(experiment="time")]
    return {**depth.same_width(results), **ends("seconds", seconds), "uneven": uneven(results)}


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
    answers=(Answer(key="gru", figures=answer), Answer(key="speed", figures=answer_speed)),
    charts=charts,
    example="depth-gru-2-residual",
    facts=facts,
    comparison="cells",
    commands=(
        "python train.py 'depth-*-2-*' 'rate-*-2-*' --seeds 0 1 2",
        "python train.py 'width-*-2-*'",
        "# for each of the seeds 0, 1 and 2: all five at once on one core, each with its fifth until all have ended",
        "taskset -c 0 bash -c 'for cell in rnn gru lstm mingru minlstm; do",
        "  (python train.py time-$cell-2-residual --seeds 0 --threads 1",
        '   while pgrep -f "^python train.py time-" > /dev/null; do :; done) &',
        "done; wait'",
    ),
)
