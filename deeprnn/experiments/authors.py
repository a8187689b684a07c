"""Merging authors: whether one model can learn from several authors."""

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from deeprnn.config import Recipe
from deeprnn.experiments.charts import Cell, Chart, Column, Label, Matrix, Square, Table, Values, Word, titled
from deeprnn.experiments.gaps import Measured, elsewhere, nats_above, percent_above, sign
from deeprnn.experiments.question import Answer, Comparison, Figures, OverviewTable, Question, clause, ends, seeds
from deeprnn.experiments.recipes import modern_training, stack
from deeprnn.store.estimates import Estimate
from deeprnn.store.results import Results, Runs

AUTHORS = {
    "wells": ("time_machine", "war_of_the_worlds"),
    "austen": ("pride_and_prejudice",),
    "doyle": ("sherlock_holmes",),
    "dickens": ("tale_of_two_cities",),
    "melville": ("moby_dick",),
}
OWN_TEXT = {name: texts[0] for name, texts in AUTHORS.items()}  # the text whose end is held out, for each author
FIVE = tuple(OWN_TEXT.values())
ESSAYS = ("time_machine", "federalist", "origin_of_species")
CHARS = 465_000  # the training characters of the two books by Wells
LITTLE_CHARS = CHARS // len(FIVE)  # of each author, in the shared model
LITTLE = "author-93k"  # the experiment of authors' own models with as much text of each as the shared one has
MERGED: Mapping[str, tuple[str, ...]] = {
    "author": ("five", "five-marked", "cross-domain"),
    "shelf": ("five",),
    LITTLE: ("five",),
}
UNSEEN = "alice"  # the only story in the catalogue by somebody of whom none of these models reads anything
EPOCHS = 6
PLAIN = Word(key="authors.figure.ppl")  # a chart's title where it makes no claim


def recipes() -> Iterator[Recipe]:
    """Yield models of one author and of several, scored on every author's held-out part.

    `author-`: each trains on 465,000 characters in all; `author-93k-`: on 93,000 of one author, read as often as makes
    as many in all, which is too often, so that the best weights are kept; `shelf-`: on all the text of its authors.
    `-marked`: each paragraph begins with a mark of its text.
    """
    for name, texts in AUTHORS.items():
        yield _recipe("author", name, texts, None if texts == AUTHORS["wells"] else CHARS // len(texts))
    yield _recipe("author", "five", FIVE, LITTLE_CHARS)
    for name, text in OWN_TEXT.items():
        yield _recipe(LITTLE, name, (text,), LITTLE_CHARS, epochs=EPOCHS * len(FIVE), keep="best")
    yield _recipe("author", "five-marked", FIVE, LITTLE_CHARS, mark_texts=True)
    yield _recipe("author", "cross-domain", ESSAYS, CHARS // len(ESSAYS))
    for name, texts in AUTHORS.items():
        yield _recipe("shelf", name, texts, None, epochs=4)
    yield _recipe("shelf", "five", tuple(itertools.chain(*AUTHORS.values())), None, epochs=4)


def _recipe(
    experiment: str, who: str, texts: tuple[str, ...], limit: int | None, epochs: int = EPOCHS, **more: Any
) -> Recipe:
    train = modern_training(
        texts[0],
        epochs,
        more_texts=texts[1:],
        score_on=(*FIVE, UNSEEN),
        max_train_chars=limit,
        eval_lanes=8,
        **more,
    )
    model = stack("gru", 2, 256, dropout=0.2)
    return Recipe(name=f"{experiment}-{who}", experiment=experiment, model=model, train=train)


def trained_on(results: Results, experiment: str, who: str) -> Runs:
    """Return the runs of an author's own model, or of a merged one.

    experiment: `author`, `author-93k` or `shelf`; see `recipes`. The merged model with 93,000 characters of each author
    is that of `author`.
    """
    return results.where(
        recipe=f"author-{who}" if who in MERGED[LITTLE] and experiment == LITTLE else f"{experiment}-{who}"
    )


def own_texts(results: Results, experiment: str) -> dict[str, str]:
    """Return the authors with a model of their own, in the order of `AUTHORS`, and the text that tests each of them."""
    return {name: text for name, text in OWN_TEXT.items() if trained_on(results, experiment, name).finished}


def readers(results: Results, experiment: str) -> list[str]:
    """Return the models that were scored on the held-out parts of all these texts: single authors, then merged ones."""
    own = own_texts(results, experiment)
    runs = {name: trained_on(results, experiment, name).finished for name in (*own, *MERGED[experiment])}
    return [name for name, read in runs.items() if read and all({*own.values()} <= {*run.elsewhere} for run in read)]


def perplexity(results: Results, experiment: str, who: str, text: str) -> Estimate:
    """Return the perplexity of a model on the held-out part of a text, over the seeds that were scored on it.

    Raises:
        ValueError: none was.
    """
    runs = Runs(run for run in trained_on(results, experiment, who) if text in run.elsewhere)
    return runs.estimate(lambda run: run.elsewhere[text].ppl)


def scored(results: Results, experiment: str, who: str, text: str) -> Estimate | None:
    """Return the perplexity as `perplexity` does; None if no seed was scored on the text."""
    try:
        return perplexity(results, experiment, who, text)
    except ValueError:
        return None


def compared(results: Results, experiment: str) -> dict[str, tuple[Estimate, list[float]]]:
    """Return by how many percent other models' perplexity is above that of each author's own: the mean, and each.

    "shared": the model of five authors; "foreign": the own model of another author.

    Raises:
        ValueError: there are fewer than two authors.
    """
    own = own_texts(results, experiment)
    if len(own) < 2:
        raise ValueError(f"fewer than two authors' own models among the runs of {experiment}.")
    alone = {name: elsewhere(trained_on(results, experiment, name), text) for name, text in own.items()}
    five = trained_on(results, experiment, "five")
    pairs = {
        "shared": [(elsewhere(five, text), alone[name]) for name, text in own.items()],
        "foreign": [
            (elsewhere(trained_on(results, experiment, a), own[b]), alone[b]) for a in own for b in own if a != b
        ],
    }
    return {name: (percent_above(each), [percent_above([pair]).mean for pair in each]) for name, each in pairs.items()}


def answer_authors(results: Results) -> Figures:
    """Return by how much perplexity rises with the shared model and with another author's, at equal characters.

    Why it does with the shared model is said if all authors' own models with as little text were run.
    """
    (shared, each_shared), (foreign, each_foreign) = compared(results, "author").values()
    pairs = split(results)
    known = pairs["less"].keys() == own_texts(results, "author").keys()
    parts = {part: percent_above([*by_author.values()]) for part, by_author in pairs.items()} if known else {}
    return {
        "shared_mean": shared,
        **ends("shared", each_shared),
        "foreign_mean": foreign,
        **ends("foreign", each_foreign),
        "told": clause(known, **parts),
        "untold": clause(not known),
    }


def split(results: Results) -> dict[str, dict[str, tuple[Measured, Measured]]]:
    """Return the two parts of the shared model's loss, as pairs of figures of which the first is above the second.

    "less": an author's own model with as little text as the shared one has of each, and with five times as much.
    "sharing": the shared model, and the own one with as little. By author, of those of whom both own models were run.
    """
    texts = {name: text for name, text in own_texts(results, LITTLE).items() if name in own_texts(results, "author")}
    full, little = (
        {name: elsewhere(trained_on(results, experiment, name), text) for name, text in texts.items()}
        for experiment in ("author", LITTLE)
    )
    five = {name: elsewhere(trained_on(results, LITTLE, "five"), text) for name, text in texts.items()}
    return {
        "less": {name: (little[name], full[name]) for name in texts},
        "sharing": {name: (five[name], little[name]) for name in texts},
    }


def answer_split(results: Results) -> Figures:
    """Return how much of the shared model's loss is from having read less of each author, and how much from sharing.

    Raises:
        LookupError: not all authors' own models with as little text were run.
    """
    pairs = split(results)
    if pairs["less"].keys() != AUTHORS.keys():
        raise LookupError(f"not all authors' own models with little text were run: {sorted(pairs['less'])}.")
    less, sharing = ([*pairs[part].values()] for part in ("less", "sharing"))
    total = [(five, full) for (five, _), (_, full) in zip(sharing, less, strict=True)]
    shared = percent_above(sharing)
    runs = [run for name in AUTHORS for run in trained_on(results, LITTLE, name).finished]
    best = [run.best_val.epoch for run in runs if run.best_val]
    parts = {"total": total, "less": less, "sharing": sharing}
    return {
        **{part: nats_above(of) for part, of in parts.items()},
        "less_percent": percent_above(less),
        "sharing_percent": shared,
        **{name: [{part: percent_above([by_author[name]]) for part, by_author in pairs.items()}] for name in AUTHORS},
        "costs": clause(sign(shared) > 0),
        "gains": clause(sign(shared) < 0),
        "neither": clause(sign(shared) == 0),
        **seeds([shared.num_seeds]),
        "chars": LITTLE_CHARS,
        "full": CHARS,
        "epochs": runs[0].train_config.epochs,
        "early": min(best),
        "late": max(best),
    }


def answer_unseen(results: Results) -> Figures:
    """Return how models of one author and of five read an author of whom none has read anything.

    Raises:
        ValueError: the shared model, or every other one, was not scored on that text.
    """
    five = perplexity(results, "author", "five", UNSEEN)
    own, little = (_unseen(results, experiment) for experiment in ("author", LITTLE))
    means = [ppl.mean for ppl in own.values()]
    without = [ppl.mean for name, ppl in little.items() if name not in own]
    among = [ppl.mean for name, ppl in little.items() if name in own]
    run = next(run for run in trained_on(results, "author", "five") if UNSEEN in run.elsewhere)
    return {
        "five": five,
        **ends("own", means),
        "models": len(own),
        **{name: clause(name in own, ppl=own.get(name)) for name in AUTHORS},
        "scored": clause(len(own) < len(AUTHORS)),
        "nearest": clause(bool(without and among) and max(without) < min(among)),
        "little": [{"little_chars": LITTLE_CHARS, "little_seeds": min(ppl.num_seeds for ppl in little.values())}]
        if little
        else [],
        **{f"little_{name}": clause(name in little, ppl=little.get(name)) for name in AUTHORS},
        "better": clause(five.mean < min(means)),
        "worse": clause(five.mean > max(means)),
        "among": clause(min(means) <= five.mean <= max(means)),
        **seeds(ppl.num_seeds for ppl in (five, *own.values())),
        "chars": run.elsewhere[UNSEEN].chars,
    }


def _unseen(results: Results, experiment: str) -> dict[str, Estimate]:
    """Return the perplexities of authors' own models on the author that none has read, of those scored on it."""
    found = {name: scored(results, experiment, name, UNSEEN) for name in own_texts(results, experiment)}
    return {name: ppl for name, ppl in found.items() if ppl}


def answer_shelf(results: Results) -> Figures:
    """Return by how much the shared model lowers perplexity and another author's raises it, with all the text."""
    (shared, each_shared), (foreign, each_foreign) = compared(results, "shelf").values()
    few, more = (trained_on(results, experiment, "wells") for experiment in ("shelf", "author"))
    return {
        "lower_mean": Estimate(mean=-shared.mean, half_width=shared.half_width, num_seeds=shared.num_seeds),
        **ends("lower", [-loss for loss in each_shared]),
        "foreign_mean": foreign,
        **ends("foreign", each_foreign),
        "epochs": few[0].train_config.epochs,
        "readings": more[0].train_config.epochs,
        "few": few.figure(),
        "more": more.figure(),
        "times": _times(results, "shelf"),
        "seeds": shared.num_seeds,
        **seeds([shared.num_seeds]),
    }


def chart(results: Results, experiment: str) -> Matrix:
    """Return a matrix of models by authors read: the loss relative to the author's own model."""
    names = readers(results, experiment)
    own = {name: text for name, text in own_texts(results, experiment).items() if name in names}
    read = {name: [perplexity(results, experiment, name, text) for text in own.values()] for name in names}
    return _losses(
        name=Word(key=f"authors.chart.{experiment}"),
        title=titled(f"authors.figure.{experiment}", lambda: _claimed(results, experiment), PLAIN),
        authors=list(own),
        rows=[Word(key=f"authors.name.{name}") for name in names],
        read=[*read.values()],
        own=[[author == name for author in own] for name in names],
        best=[read[name][column] for column, name in enumerate(own)],
    )


def split_chart(results: Results) -> Matrix:
    """Return a matrix of each author's own model, the one with little text and the shared one, by authors read."""
    texts = {name: OWN_TEXT[name] for name in split(results)["less"]}
    read = {
        "full": [perplexity(results, "author", name, text) for name, text in texts.items()],
        "little": [perplexity(results, LITTLE, name, text) for name, text in texts.items()],
        "five": [perplexity(results, LITTLE, "five", text) for text in texts.values()],
    }
    shown = read if texts else {}
    return _losses(
        name=Word(key="authors.chart.split"),
        title=titled("authors.figure.split", lambda: _parts(results), PLAIN),
        authors=list(texts),
        rows=[Word(key=f"authors.row.{row}") for row in shown],
        read=[*shown.values()],
        own=[[row == "full" for _ in texts] for row in shown],
        best=read["full"],
    )


def _losses(
    *,
    name: Word,
    title: Word,
    authors: Sequence[str],
    rows: Sequence[Label],
    read: Sequence[Sequence[Estimate]],
    own: Sequence[Sequence[bool]],
    best: Sequence[Estimate],
) -> Matrix:
    """Return a matrix of losses relative to `best`, and a table of the perplexities; `authors`: the columns."""
    columns: list[Label] = [Word(key=f"authors.name.{author}") for author in authors]
    squares = [
        [
            Square(value=ppl, loss=ppl.mean / least.mean - 1, own=framed)
            for ppl, least, framed in zip(ppls, best, frames, strict=True)
        ]
        for ppls, frames in zip(read, own, strict=True)
    ]
    return _matrix(name, title, rows, columns, squares, "loss")


def ppl_chart(results: Results) -> Matrix:
    """Return a matrix of models by authors read: the perplexities; the last column is an author whom none has read."""
    every = [("author", who) for who in readers(results, "author")]
    every += [(LITTLE, who) for who in readers(results, LITTLE) if who in AUTHORS]
    own = own_texts(results, "author")
    columns: dict[str, Label] = {text: Word(key=f"authors.name.{name}") for name, text in own.items()}
    if any(scored(results, *one, UNSEEN) for one in every):
        columns[UNSEEN] = Word(key="authors.name.unseen")
    squares: list[list[Square | None]] = []
    for experiment, who in every:
        read = {text: scored(results, experiment, who, text) for text in columns}
        row = [Square(value=value, own=text == own.get(who)) if value else None for text, value in read.items()]
        squares.append(row)
    rows = [_named(experiment, who) for experiment, who in every]
    return _matrix(Word(key="charts.axis.ppl"), PLAIN, rows, [*columns.values()], squares, "ppl")


def _named(experiment: str, who: str) -> Label:
    """Return the name of a model; one of little text says so."""
    author = Word(key=f"authors.name.{who}")
    return Word(key="authors.row.author-93k", values={"author": author}) if experiment == LITTLE else author


def _matrix(
    name: Word,
    title: Word,
    rows: Sequence[Label],
    columns: Sequence[Label],
    squares: Sequence[Sequence[Square | None]],
    shows: Literal["loss", "ppl"],
) -> Matrix:
    """Return a matrix of models by authors read, with a table of its perplexities."""
    down, across = Word(key="charts.axis.trained"), Word(key="charts.axis.read")
    cells: list[list[Cell]] = [
        [one, *(square.value if square else None for square in row)] for one, row in zip(rows, squares, strict=True)
    ]
    return Matrix(
        name=name,
        title=title,
        rows=rows,
        columns=columns,
        squares=squares,
        down=down,
        across=across,
        shows=shows,
        table=Table(columns=[Column(name=one) for one in (down, *columns)], rows=cells),
    )


def _times(results: Results, experiment: str) -> float:
    """Return how many times as much the shared model has read as the authors' own on average."""
    five, *alone = (trained_on(results, experiment, name)[0] for name in ("five", *own_texts(results, experiment)))
    return five.curve.chars[-1] / statistics.fmean(run.curve.chars[-1] for run in alone)


def _claimed(results: Results, experiment: str) -> Values:
    """Return by how many percent the shared model is above or below each author's own, and another author's above."""
    (shared, _), (foreign, _) = compared(results, experiment).values()
    return {"shared": shared.mean, "foreign": foreign.mean, "times": _times(results, experiment)}


def _parts(results: Results) -> Values:
    """Return the two parts of the shared model's loss, in percent."""
    return {part: percent_above([*of.values()]).mean for part, of in split(results).items()}


def charts(results: Results) -> Sequence[Sequence[Chart]]:
    """Return the losses relative to each author's own model, with equal and with all text; then the perplexities."""
    return [[chart(results, "author"), split_chart(results), chart(results, "shelf"), ppl_chart(results)]]


def table(results: Results, experiment: str) -> Table:
    """Return the perplexities of models (rows) by authors read (columns), the last of whom none has read."""
    own, names = own_texts(results, experiment), readers(results, experiment)
    unseen = any(scored(results, experiment, name, UNSEEN) for name in names)
    texts = [*own.values(), *([UNSEEN] if unseen else [])]
    rows: list[list[Cell]] = [
        [
            f"`{trained_on(results, experiment, name).recipe}`",
            *(scored(results, experiment, name, text) for text in texts),
        ]
        for name in names
    ]
    head = ["trained on", *(name.capitalize() for name in own), *(["Carroll, whom none has read"] if unseen else [])]
    return Table(columns=[Column(name=one) for one in head], rows=rows)


def split_table(results: Results) -> Table | None:
    """Return the two parts of the shared model's loss by author, in percent; None without runs."""
    pairs = split(results)
    rows: list[list[Cell]] = [
        [name.capitalize(), *(percent_above([by_author[name]]) for by_author in pairs.values())]
        for name in pairs["less"]
    ]
    if len(rows) > 1:
        rows.append(["on average", *(percent_above([*by_author.values()]) for by_author in pairs.values())])
    head = (("author", ""), ("own, a fifth of the text, %", "+.1f"), ("then sharing, %", "+.1f"))
    return Table(columns=[Column(name=name, format=spec) for name, spec in head], rows=rows) if rows else None


QUESTION = Question(
    key="authors",
    recipes=recipes,
    comparisons=(
        Comparison(
            key="authors",
            prompt="It was a truth ",
            groups={"recipe": ("author-wells", "author-austen", "author-five")},
        ),
    ),
    answers=(
        Answer(key="authors", figures=answer_authors),
        Answer(key="split", figures=answer_split, optional=True),
        Answer(key="shelf", figures=answer_shelf),
        Answer(key="unseen", figures=answer_unseen, optional=True),
    ),
    charts=charts,
    example="author-five",
    comparison="authors",
    commands=("python train.py 'author-*' --seeds 0 1 2", "python train.py 'shelf-*'"),
    tables=(
        OverviewTable(
            heading="Authors",
            about=f"Perplexity on each author's test part after {CHARS:,} characters in all.",
            table=lambda results: table(results, "author"),
        ),
        OverviewTable(
            heading="",
            about=f"The same of models of {LITTLE_CHARS:,} characters of one author, as much as the shared model has "
            "of each. They read as many in all\nand keep their best weights.",
            table=lambda results: table(results, LITTLE) if own_texts(results, LITTLE) else None,
        ),
        OverviewTable(
            heading="",
            about="By how much perplexity is higher with an author's own model of a fifth of the text, and with the "
            "shared one instead of that.",
            table=split_table,
        ),
        OverviewTable(
            heading="",
            about="The same after all the text there is of each.",
            table=lambda results: table(results, "shelf"),
        ),
    ),
)
