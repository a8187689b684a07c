"""Poems: whether depth helps to keep the form of a Tang poem, which can be counted.

All stacks have about two million weights. The alphabet has 3,692 symbols, so the head reads out with the embedding's
matrix: otherwise most weights would be outside the layers, of which depth is made.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deeprnn.config import ModelConfig, Recipe
from deeprnn.experiments import depth
from deeprnn.experiments.charts import Cell, Chart, Column, Lines, Table, Values, Word, titled
from deeprnn.experiments.depth import DEEPEST, WIRINGS, name
from deeprnn.experiments.question import (
    Answer,
    Comparison,
    Figures,
    OverviewTable,
    Question,
    clause,
    ends,
    one_seed,
    seeds,
)
from deeprnn.experiments.recipes import modern_training, stack, stack_of_size
from deeprnn.measure.verse import Count, VerseCounts
from deeprnn.nn import cells
from deeprnn.store.estimates import Estimate, estimate, percent
from deeprnn.store.results import Results, Runs
from deeprnn.store.verse import VerseText
from deeprnn.text.poem_form import POEM_BEFORE

TEXT = "tang_poems"
SYMBOLS = 3_692  # characters that occur ten times or more in the training part, and the unknown symbol
BUDGET = 2_000_000
DEPTHS = (1, 2, 4, DEEPEST)
CELLS = ("lstm", "gru")
EXPERIMENT = "poems"
BEST = "poems-lstm-2-wide"
PROMPT = "明月"
TEMPERATURE = 1.0  # of the poems whose form is shown
RULES = ("shaped", "toned", "couplets_rhymed", "lines_copied")  # fields of `VerseCounts`, each with a chart
LISTED = ("shaped", "toned", "couplets_rhymed")  # those of which an answer tells the share at each depth
_COLUMNS = (
    *(("lines and marks", "shaped"), ("lines of one length", "one_length"), ("four or eight", "four_or_eight")),
    *(("marks", "marked"), ("tones*", "toned"), ("rhyme*", "rhymed_level"), ("all rules*", "regulated")),
    *(("couplets that rhyme", "couplets_rhymed"), ("lines copied", "lines_copied"), ("poems copied", "poems_copied")),
)


def recipes() -> Iterator[Recipe]:
    """Yield stacks of equal parameters by depth, plain and residual; then the best model, wider than those."""
    for cell, residual, layers in itertools.product(CELLS, reversed(WIRINGS), DEPTHS):
        model = stack_of_size(cell, layers, BUDGET, SYMBOLS, residual=residual, tied=True, dropout=0.2)
        yield _recipe(name(EXPERIMENT, cell, layers, residual=residual), EXPERIMENT, model, epochs=4)
    model = stack("lstm", 2, 448, tied=True, dropout=0.3, head_dropout=0.3)
    yield _recipe(BEST, "poems-best", model, epochs=12, weight_drop=0.2, weight_decay=0.05, reset_rate=0.02)


def _recipe(called: str, experiment: str, model: ModelConfig, epochs: int, **more: Any) -> Recipe:
    train = modern_training(TEXT, epochs, min_count=10, window=96, ema_decay=0.998, keep="best", eval_lanes=8, **more)
    return Recipe(name=called, experiment=experiment, model=model, train=train, sample_prompt=PROMPT)


def keeping(counts: Sequence[Count]) -> Estimate | None:
    """Return the percentage of things that keep a rule; None if there are none.

    counts: one for each seed of training. Of one seed, the interval is that of the poems drawn.
    """
    shares = [percent(one.kept, one.of) for one in counts if one.of]
    if len(shares) == 1:
        return shares[0]
    return estimate([one.mean for one in shares]) if shares else None


def kept_by(results: Results, rule: str) -> Callable[[Runs], Estimate | None]:
    """Return a function that returns the percentage that keeps a rule in what some runs write; see `keeping`."""
    return lambda runs: keeping([getattr(results.verse[run.name].at(TEMPERATURE), rule) for run in runs.finished])


def of_real(results: Results) -> VerseText:
    """Return the form of the real held-out poems, and of those of n-grams.

    Raises:
        LookupError: it was not counted.
    """
    return results.verse_texts[results.where(experiment=EXPERIMENT)[0].text_key]


def of_depth(results: Results, cell: str, layers: int, *, residual: bool) -> Runs:
    """Return the runs of one stack whose poems were counted."""
    return counted(results, depth.stacks(results, EXPERIMENT, cell, layers, residual=residual))


def counted(results: Results, runs: Runs) -> Runs:
    """Return those runs whose poems were counted."""
    return Runs(run for run in runs.finished if run.name in results.verse)


def answer(results: Results) -> Figures:
    """Return what residual LSTMs of each depth, the best model and real poems keep of the form; and perplexities.

    Raises:
        LookupError, ValueError: runs are missing.
    """
    runs = _by_depth(results, "lstm")
    plain = {count: of_depth(results, "lstm", n, residual=False) for count, n in (("two", 2), ("four", 4))}
    frequencies = of_depth(results, "lstm", DEEPEST, residual=False)
    best = counted(results, results.where(recipe=BEST))
    real, ngram = of_real(results).heldout, of_real(results).ngrams[-1]
    means = {rule: _means(results, rule, runs.values()) for rule in (*RULES, "one_length")}
    spread, apart = max(_spread(results, one) for one in runs.values()), max(means["shaped"]) - min(means["shaped"])
    return {
        **_each_depth(results, runs),
        "ppl": [{"ppl": one.figure()} for one in runs.values()],
        **ends("one_length", means["one_length"]),
        "copied_high": max(means["lines_copied"]),
        "spread": spread,
        "farther": clause(spread > apart),
        "nearly": clause(spread <= apart),
        **{f"{rule}_real": keeping([getattr(real, rule)]) for rule in RULES},
        "variants": keeping([of_real(results).variants]),
        **{f"{rule}_best": kept_by(results, rule)(best) for rule in LISTED},
        "best": best.figure(),
        "best_epochs": best[0].train_config.epochs,
        "times": best[0].num_params / BUDGET,
        "plain": frequencies.figure(),
        "rhymed_by_chance": kept_by(results, "couplets_rhymed")(frequencies),
        **{f"{count}_plain": one.figure() for count, one in plain.items()},
        **{f"shaped_{count}_plain": kept_by(results, "shaped")(one) for count, one in plain.items()},
        "unigram": results.texts[next(iter(runs.values()))[0].text_key].unigram_ppl,
        "ngram": math.exp(ngram.nats),
        "order": ngram.order,
        **one_seed(len(best)),
    }


def answer_cells(results: Results) -> Figures:
    """Return the same of residual GRU stacks beside the LSTMs, and the perplexities of those plain ones that were run.

    Raises:
        LookupError, ValueError: residual stacks of a depth are missing.
    """
    stacks = {cell: _by_depth(results, cell) for cell in CELLS}
    if missing := [cell for cell, found in stacks.items() if found.keys() != set(DEPTHS)]:
        raise LookupError(f"not all depths were run: {missing}.")
    gru, plain, plain_lstm = stacks["gru"], *(_by_depth(results, cell, residual=False) for cell in ("gru", "lstm"))
    shares = {cell: _means(results, "shaped", found.values()) for cell, found in stacks.items()}
    ppls = {cell: [runs.figure().mean for runs in found.values()] for cell, found in stacks.items()}
    return {
        **_each_depth(results, gru),
        "beside": [{cell: found[layers].figure() for cell, found in stacks.items()} for layers in DEPTHS],
        "told": clause(bool(plain)),
        "plain": [
            {
                "layers": layers,
                "ppl": one.figure(),
                "lstm": plain_lstm[layers].figure(),
                "shaped": kept_by(results, "shaped")(one),
            }
            for layers, one in plain.items()
        ],
        **{place: value for cell, found in shares.items() for place, value in ends(cell, found).items()},
        **{f"{cell}_few": found[DEPTHS.index(2)] for cell, found in ppls.items()},
        "below": clause(
            plain.keys() == set(DEPTHS)
            and all(one.figure().mean < plain_lstm[layers].figure().mean for layers, one in plain.items())
        ),
        **seeds(len(found[2]) for found in stacks.values()),
    }


def _each_depth(results: Results, stacks: Mapping[int, Runs]) -> Figures:
    """Return the layers, the seeds and what is kept of each of `LISTED`, as lists by depth."""
    return {
        "layers": [{"layers": layers} for layers in stacks],
        "seeds": [{"seeds": len(runs)} for runs in stacks.values()],
        **{rule: [{rule: kept_by(results, rule)(runs)} for runs in stacks.values()] for rule in LISTED},
    }


def _by_depth(results: Results, cell: str, *, residual: bool = True) -> dict[int, Runs]:
    """Return the runs of one cell whose poems were counted, by the number of layers."""
    found = {layers: of_depth(results, cell, layers, residual=residual) for layers in DEPTHS}
    return {layers: runs for layers, runs in found.items() if runs}


def _means(results: Results, rule: str, each: Iterable[Runs]) -> list[float]:
    """Return the percentage that keeps a rule in the poems of each stack, without those that it does not concern."""
    return [share.mean for share in map(kept_by(results, rule), each) if share]


def _spread(results: Results, runs: Runs) -> float:
    """Return how far seeds of one stack are apart in the share of poems with the right lines, in percentage points."""
    means = _means(results, "shaped", (Runs([run]) for run in runs))
    return max(means) - min(means)


def charts(results: Results) -> list[list[Chart]]:
    """Return the share that keeps each rule, and perplexity, by depth."""
    known = replace(results, runs={name: run for name, run in results.runs.items() if name in results.verse})
    name = Word(key="charts.axis.ppl")
    claimed = titled("poems.figure.ppl", lambda: _perplexities(results), Word(key="depth.figure.layers"))
    return [[*(_chart(known, rule) for rule in RULES), depth.chart(results, EXPERIMENT, name, claimed)]]


def _chart(results: Results, rule: str) -> Lines:
    figure, named = kept_by(results, rule), Word(key=f"poems.rule.{rule}")
    real = keeping([getattr(text.heldout, rule) for text in results.verse_texts.values()])
    return Lines(
        name=named,
        title=titled(f"poems.figure.{rule}", lambda: _shares(results, rule), named),
        axes=[Word(key="charts.axis.layers")],
        series=depth.lines(results, EXPERIMENT, WIRINGS, figure),
        table=depth.depth_table(results, EXPERIMENT, WIRINGS, figure, ".1f"),
        ticks=depth.depths(results, EXPERIMENT),
        y=Word(key="poems.axis"),
        log_y=False,
        most=100,
        rules=[(Word(key="poems.real"), real.mean)] if real else [],
    )


def _shares(results: Results, rule: str) -> Values:
    means = [mean for cell in CELLS for mean in _means(results, rule, _by_depth(results, cell).values())]
    ends_of = {"low": min(means), "high": max(means)}
    if rule != "shaped":
        return ends_of
    return ends_of | {
        "spread": max(_spread(results, runs) for cell in CELLS for runs in _by_depth(results, cell).values())
    }


def _perplexities(results: Results) -> Values:
    few, deep = (_by_depth(results, "lstm")[layers].figure().mean for layers in (2, DEEPEST))
    return {"few": few, "deep": deep, "plain": of_depth(results, "lstm", DEEPEST, residual=False).figure().mean}


def table(results: Results) -> Table | None:
    """Return what models, n-grams and real poems (rows) keep of each rule (columns), in percent; None without runs."""
    every = itertools.product(CELLS, reversed(WIRINGS), DEPTHS)
    found = {
        f"{layers} x {cells.CELLS[cell].label}, {'residual' if residual else 'plain'}": of_depth(
            results, cell, layers, residual=residual
        )
        for cell, residual, layers in every
    }
    found[f"`{BEST}`"] = counted(results, results.where(recipe=BEST))
    rows: list[list[Cell]] = [
        [title, runs.figure(), *_row([results.verse[run.name].at(TEMPERATURE) for run in runs])]
        for title, runs in found.items()
        if runs
    ]
    for text in results.verse_texts.values() if rows else ():
        rows += [[f"{one.order}-gram", math.exp(one.nats), *_row([one.at(TEMPERATURE)])] for one in text.ngrams]
        rows.append(["real poems", None, *_row([text.heldout])])
    columns = [Column(name="model"), Column(name="perplexity", format=".1f")]
    columns += [Column(name=title, format=".1f") for title, _ in _COLUMNS]
    columns.append(Column(name="different characters in 1,000", format=".0f"))
    return Table(columns=columns, rows=rows) if rows else None


def _row(counts: Sequence[VerseCounts]) -> list[Cell]:
    every = [[getattr(one, rule) for one in counts] for _, rule in _COLUMNS]
    distinct = [one.distinct_characters for one in counts if one.distinct_characters is not None]
    return [*map(keeping, every), estimate(distinct) if distinct else None]


QUESTION = Question(
    key="poems",
    recipes=recipes,
    comparisons=(
        Comparison(
            key="poems",
            prompt=POEM_BEFORE,
            groups={
                "parameters": (
                    name(EXPERIMENT, "lstm", 2, residual=True),
                    name(EXPERIMENT, "lstm", DEEPEST, residual=True),
                    name(EXPERIMENT, "lstm", DEEPEST, residual=False),
                )
            },
        ),
        Comparison(
            key="best_poems",
            prompt=POEM_BEFORE,
            groups={"recipe": (BEST, name(EXPERIMENT, "lstm", 2, residual=True))},
        ),
    ),
    answers=(Answer(key="poems", figures=answer), Answer(key="cells", figures=answer_cells, optional=True)),
    charts=charts,
    example=name(EXPERIMENT, "lstm", 2, residual=True),
    comparison="poems",
    commands=("python train.py 'poems-*'",),
    tables=(
        OverviewTable(
            heading="Tang poems: depth and form",
            about="Two million weights, four epochs (`poems-lstm-2-wide` has more of both); of 1,000 poems each at "
            "temperature 1, in percent, with the 95% interval; * of the poems whose lines and marks are right. Rhyme "
            "and tones by the 平水韵.",
            table=table,
        ),
    ),
)
