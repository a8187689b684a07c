"""Mixing: what text of low quality, or distant text, costs beside a model's own, and whether it is better left out.

All runs make as many steps. The own text is clean; what is mixed in is noise, made of what follows in the same book, or
other text. At equal characters the mixed-in text takes the place of own text, at equal clean characters it is added.
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeprnn.config import Noise, Recipe
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
from deeprnn.experiments.gaps import heldout, percent_above, sign, tested
from deeprnn.experiments.question import Answer, Figures, OverviewTable, Question, clause, ends, seeds
from deeprnn.experiments.recipes import modern_training, stack
from deeprnn.store.estimates import Estimate
from deeprnn.store.results import Baselines, Results, Runs
from deeprnn.text import python_docs

TEXT = "pride_and_prejudice"
CHARS = 465_000  # characters of text at equal characters in all
CLEAN = CHARS // 4  # clean ones at equal clean characters
READ = 9 * CHARS  # characters that each run reads, to a hundredth
LOOKS = 9  # measurements on the validation part while a run is trained, about
WINDOW = 121  # with it every run makes 1,080 steps of 32 lanes, and those of `few-` with a tenth mixed in 1,089
SHARES = (10, 25, 50, 75)  # of the text that is mixed in, in percent
MOST = SHARES[-1]
NOISES: tuple[Noise, ...] = ("mistyped-5", "mistyped-20", "shuffled")
REFERENCE = "reference"
CHINESE = "chinese"
KINDS = (*NOISES, REFERENCE)  # whose share varies
TEXTS = {  # other text, from near to far
    "novel": "tale_of_two_cities",
    "essays": "federalist",
    "science": "origin_of_species",
    REFERENCE: python_docs.NAME,
    CHINESE: "journey_to_the_west",
}
MIN_COUNT = {CHINESE: 5}  # 2,629 symbols instead of 4,014; of the test part 17 characters are then unknown, not 10


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Clean own characters, and as many of a kind (of `KINDS` or `TEXTS`; "" for none) beside them."""

    clean: int
    kind: str = ""
    mixed: int = 0

    @property
    def share(self) -> int:
        """The share that is mixed in, in percent."""
        return round(100 * self.mixed / (self.clean + self.mixed))

    @property
    def name(self) -> str:
        """The name of its recipe."""
        if not self.kind:
            return f"mixing-own-{100 * self.clean // CHARS}"
        few = "few-" if self.clean + self.mixed < CHARS else ""
        return f"mixing-{few}{self.kind}-{self.share}"

    @property
    def clean_alone(self) -> "Mixture":
        """What is left if the mixed-in text is left out."""
        return Mixture(clean=self.clean)


WHOLE, LEFT = Mixture(clean=CHARS), Mixture(clean=CLEAN)


def instead(kind: str, share: int) -> Mixture:
    """Return a mixture at equal characters in all."""
    mixed = CHARS * share // 100
    return Mixture(clean=CHARS - mixed, kind=kind, mixed=mixed)


def added(kind: str, share: int) -> Mixture:
    """Return a mixture at equal clean characters; at the largest share it is the one at equal characters in all."""
    return Mixture(clean=CLEAN, kind=kind, mixed=round(CLEAN * share / (100 - share)))


EQUAL: dict[str, tuple[Callable[[str, int], Mixture], Mixture]] = {  # what is equal, and what nothing is mixed into
    "instead": (instead, WHOLE),
    "added": (added, LEFT),
}


def mixtures() -> list[Mixture]:
    """Return every mixture, those that the answers need most first."""
    alone = [WHOLE, LEFT, *(Mixture(clean=CHARS * (100 - share) // 100) for share in SHARES)]
    most = [instead(kind, MOST) for kind in (*KINDS, *TEXTS)]
    rest = [make(kind, share) for make, share, kind in itertools.product((instead, added), (50, 10, 25), KINDS)]
    return list(dict.fromkeys([*alone, *most, *rest]))


def recipes() -> Iterator[Recipe]:
    """Yield the same model and as many steps with each mixture; the test text is the end of *Pride and Prejudice*."""
    model = stack("gru", 2, 128, dropout=0.2)
    for one in mixtures():
        epochs = math.ceil(READ / (one.clean + one.mixed))
        train = modern_training(
            TEXT,
            epochs,
            max_train_chars=one.clean,
            window=WINDOW,
            keep="best",
            eval_every=round(epochs / LOOKS),
            eval_lanes=8,
            **_mixed_in(one),
        )
        yield Recipe(name=one.name, experiment="mixing", model=model, train=train, sample_prompt="It is a truth ")


def _mixed_in(one: Mixture) -> dict[str, Any]:
    """Return the settings of a training that mix text in."""
    if one.kind in TEXTS:
        min_count = MIN_COUNT.get(one.kind, 1)
        return {"more_texts": (TEXTS[one.kind],), "max_more_chars": one.mixed, "min_count": min_count}
    return {"noise": one.kind, "noisy_chars": one.mixed} if one.kind else {}


def trained_on(results: Results, one: Mixture) -> Runs:
    """Return the finished runs on a mixture."""
    return results.where(recipe=one.name).finished


def among(results: Results, every: Iterable[Mixture]) -> list[Mixture]:
    """Return those mixtures of which there are finished runs."""
    return [one for one in every if trained_on(results, one)]


def gap(results: Results, one: Mixture, other: Mixture) -> Estimate:
    """Return by how many percent the held-out perplexity of a mixture is above that of another.

    Raises:
        ValueError: one of them was not run.
    """
    ours, theirs = trained_on(results, one), trained_on(results, other)
    return percent_above([(heldout(ours), heldout(theirs))])


def distance(results: Results, one: Mixture) -> float:
    """Return the perplexity of an n-gram of the mixed-in text alone on the held-out text of the own book.

    For clean text alone that of an n-gram of as many characters of the book: of its first three quarters.

    Raises:
        LookupError: there is no run, or it was gathered before this was measured.
    """
    texts = _baselines(results, one if one.kind else Mixture(clean=CHARS - CLEAN))
    if one.kind and texts.mixed_in_ppl is None:
        raise LookupError(f"{one.name} was gathered without the n-gram of what is mixed in.")
    return texts.mixed_in_ppl or texts.ngram_ppl


def _baselines(results: Results, one: Mixture) -> Baselines:
    runs = trained_on(results, one)
    if not runs:
        raise LookupError(f"{one.name} was not run.")
    return results.texts[runs[0].text_key]


def answer_noise(results: Results) -> Figures:
    """Return what noise of each kind makes of perplexity, beside leaving it out and beside clean text in its place.

    Raises:
        LookupError, ValueError: runs are missing.
    """
    above = {one.kind: gap(results, one, LEFT) for one in among(results, (instead(kind, MOST) for kind in KINDS))}
    noise = [change for kind, change in above.items() if kind in NOISES]
    if not noise:
        raise LookupError("nothing was run with noise.")
    signs, means = [sign(change) for change in noise], [change.mean for change in noise]
    low, high = min(means), max(means)
    gain, every = gap(results, WHOLE, LEFT), beside_leaving_out(results)
    several = tested(every.values())
    counts = {
        "several": len(several),
        "hurt": sum(sign(one) > 0 for one in several),
        "helped": sum(sign(one) < 0 for one in several),
    }
    return {
        "better": clause(min(signs) > 0, low=low, high=high),
        "worse": clause(max(signs) < 0, low=-high, high=-low),
        "depends": clause(min(signs) < 0 < max(signs), low=low, high=high),
        "costs": clause(min(signs) == 0 < max(signs), low=low, high=high),
        "helps": clause(min(signs) < 0 == max(signs), low=low, high=high),
        "unclear": clause(not any(signs), low=low, high=high),
        "left": trained_on(results, LEFT).figure(),
        "whole": trained_on(results, WHOLE).figure(),
        "gain": gain,
        "few_times": _readings(results, WHOLE),
        "many_times": _readings(results, LEFT),
        "chars": CHARS,
        **_each(results, KINDS, above),
        "little": _tenths(every),
        "compared": len(every),
        **ends("any", [one.mean for one in every.values()]),
        "told": clause(bool(several), **counts),
        "untold": clause(not several),
        **_every_has(min(one.num_seeds for one in (gain, *every.values()))),
        **seeds(change.num_seeds for change in noise),
    }


def _readings(results: Results, one: Mixture) -> int:
    """Return how often a training text is read."""
    return trained_on(results, one)[0].train_config.epochs


def _tenths(every: Mapping[Mixture, Estimate]) -> list[Figures]:
    """Return what a tenth of each kind changes, beside little clean text and beside much; nothing if one is missing."""
    found = {}
    for equal, (make, _) in EQUAL.items():
        found[equal] = [every[one].mean for kind in KINDS if (one := make(kind, SHARES[0])) in every]
    if not all(found.values()):
        return []
    clean = {"much": instead(KINDS[0], SHARES[0]).clean, "few": CLEAN}
    return [clean | {place: value for equal, each in found.items() for place, value in ends(equal, each).items()}]


def beside_leaving_out(results: Results) -> dict[Mixture, Estimate]:
    """Return how far each mixture of `KINDS` is above its clean part alone, for those of which both were run."""
    every = among(results, (one for one in mixtures() if one.kind in KINDS))
    return {one: gap(results, one, one.clean_alone) for one in every if trained_on(results, one.clean_alone)}


def _each(
    results: Results, kinds: Iterable[str], above: Mapping[str, Estimate], **more: Mapping[str, float]
) -> Figures:
    """Return the figures of each kind at the largest share, as a part of a sentence that is said if it was run."""
    return {
        kind.replace("-", "_"): [
            {
                "ppl": trained_on(results, instead(kind, MOST)).figure(),
                "above": above[kind],
                **{place: values[kind] for place, values in more.items()},
            }
        ]
        if kind in above
        else []
        for kind in kinds
    }


def _every_has(least: int) -> Figures:
    """Return the part of a sentence on the seeds of all figures; least: the fewest that one of them has."""
    return {"every": clause(least > 1, seeds=least), "not_every": clause(least == 1)}


def answer_domains(results: Results) -> Figures:
    """Return what other text makes of perplexity, how distant each is, and whether the more distant costs more.

    The Chinese text is beside them: what it costs is also that of its many symbols.

    Raises:
        LookupError, ValueError: runs are missing.
    """
    english = in_english(results)
    if len(english) < 2:
        raise LookupError("fewer than two other English texts were run.")
    above = {one.kind: gap(results, one, LEFT) for one in among(results, (instead(kind, MOST) for kind in TEXTS))}
    nearest, *_, farthest = sorted(english, key=english.__getitem__)
    pairs = [sorted(pair, key=english.__getitem__) for pair in itertools.combinations(english, 2)]
    ordered = [(near, far) for near, far in pairs if above[near].mean < above[far].mean]
    figures = {kind: heldout(trained_on(results, instead(kind, MOST))) for kind in english}
    apart = sum(sign(percent_above([(figures[far], figures[near])])) > 0 for near, far in ordered)
    gain = gap(results, WHOLE, LEFT)
    return {
        "grows": clause(len(ordered) == len(pairs) == apart),
        "seems": clause(len(ordered) == len(pairs) > apart > 0),
        "untold": clause(len(ordered) == len(pairs) and not apart),
        "mostly": clause(len(pairs) > len(ordered) > len(pairs) / 2),
        "not": clause(len(ordered) <= len(pairs) / 2),
        "near": above[nearest].mean,
        "far": above[farthest].mean,
        "left": trained_on(results, LEFT).figure(),
        "whole": trained_on(results, WHOLE).figure(),
        "gain": gain,
        "own": distance(results, WHOLE),
        "order": _baselines(results, WHOLE).ngram_order,
        **_each(results, [kind for kind in TEXTS if kind != CHINESE], above, distance=english),
        **_each(results, [CHINESE], above, times={CHINESE: _times_as_large(results)}),
        "pairs": len(pairs),
        "ordered": len(ordered),
        "apart": apart,
        "texts": len(english),
        **_every_has(min(one.num_seeds for one in (gain, *above.values()))),
        **seeds(one.num_seeds for one in above.values()),
    }


def _times_as_large(results: Results) -> float:
    """Return how many times as many parameters a model has that reads the Chinese text; 0: none was run."""
    runs = trained_on(results, instead(CHINESE, MOST))
    return runs[0].num_params / trained_on(results, LEFT)[0].num_params if runs else 0.0


def in_english(results: Results) -> dict[str, float]:
    """Return the distance of each other English text that was run at the largest share."""
    return {kind: far for kind, far in distances(results).items() if kind != CHINESE}


def distances(results: Results) -> dict[str, float]:
    """Return the distance of each other text that was run at the largest share."""
    found = {}
    for one in among(results, (instead(kind, MOST) for kind in TEXTS)):
        with contextlib.suppress(LookupError):
            found[one.kind] = distance(results, one)
    return found


def by_share(results: Results, equal: str) -> Lines:
    """Return a chart of perplexity by the share that is mixed in, of each kind and of clean text.

    equal: `instead`, at equal characters in all, or `added`, at equal clean characters.
    """
    lines = _lines(results, equal)
    series = [
        Series(
            name=Word(key=f"mixing.kind.{kind}"),
            short=Word(key=f"mixing.short.{kind}"),
            colour=SPARE_COLOURS[KINDS.index(kind)] if kind in KINDS else "gru",
            points=[Point(xs=(share,), value=trained_on(results, one).figure()) for share, one in line.items()],
            mark=number,
            dash=int(kind == equal),
            dots=True,
        )
        for number, (kind, line) in enumerate(lines.items())
    ]
    head = (("mixing.head.kind", ""), ("mixing.axis.share", ""), ("mixing.head.clean", ","), ("mixing.head.mixed", ","))
    return Lines(
        name=Word(key=f"mixing.chart.{equal}"),
        title=titled(f"mixing.figure.{equal}", lambda: _most_changes(results, equal), Word(key="mixing.figure.plain")),
        axes=[Word(key="mixing.axis.share")],
        series=series,
        ticks=(0, *SHARES),
        table=Table(columns=_columns(*head), rows=_rows(results, lines)),
    )


def _lines(results: Results, equal: str) -> dict[str, dict[int, Mixture]]:
    """Return the mixtures that were run, by kind and share, and clean text of as many characters by the same shares."""
    make, start = EQUAL[equal]
    if equal == "instead":  # what is left if the mixed-in text is left out
        clean = {share: instead("", share).clean_alone for share in SHARES}
    else:
        clean = {share: Mixture(clean=round(CLEAN * 100 / (100 - share))) for share in SHARES}
    every = {kind: {share: make(kind, share) for share in SHARES} for kind in KINDS} | {equal: clean}
    found = {}
    for kind, line in every.items():
        if there := among(results, line.values()):
            found[kind] = {share: one for share, one in ({0: start} | line).items() if one in (start, *there)}
    return found if trained_on(results, start) else {}


def _rows(results: Results, lines: Mapping[str, Mapping[int, Mixture]]) -> list[list[Cell]]:
    """Return a row for each point; of those at 0, which all lines share, only that of clean text."""
    beside, rows = beside_leaving_out(results), list[list[Cell]]()
    for kind, share, one in ((kind, *point) for kind, line in lines.items() for point in line.items()):
        if share or kind not in KINDS:
            figure = trained_on(results, one).figure()
            counted = (share, one.clean, one.mixed, figure, beside.get(one), figure.num_seeds)
            rows.append([Word(key=f"mixing.kind.{kind}"), *counted])
    return rows


def _most_changes(results: Results, equal: str) -> Values:
    """Return between what percentages the largest share of each noise changes the perplexity at a share of 0."""
    make, start = EQUAL[equal]
    changes = [gap(results, one, start).mean for one in among(results, (make(kind, MOST) for kind in NOISES))]
    return {"low": min(changes), "high": max(changes)}


def by_distance(results: Results) -> Lines:
    """Return a chart of perplexity by the distance of what three quarters of the text are."""
    shown = {"own": WHOLE, **{kind: instead(kind, MOST) for kind in TEXTS}}
    series, rows = list[Series](), list[list[Cell]]()
    for number, (kind, one) in enumerate(shown.items()):
        with contextlib.suppress(LookupError, ValueError):
            apart, figure = distance(results, one), trained_on(results, one).figure()
            name, short = (Word(key=f"mixing.{which}.{kind}") for which in ("kind", "short"))
            colour = "gru" if kind == "own" else SPARE_COLOURS[number % len(SPARE_COLOURS)]
            points = [Point(xs=(round(apart, 1),), value=figure)]
            series.append(Series(name=name, short=short, colour=colour, points=points, mark=number, dots=True))
            rows.append([name, apart, figure, gap(results, one, LEFT), figure.num_seeds])
    left = trained_on(results, LEFT)
    head = (("mixing.head.kind", ""), ("mixing.axis.distance", ".1f"))
    return Lines(
        name=Word(key="mixing.chart.distance"),
        title=titled("mixing.figure.distance", lambda: _nearest_and_farthest(results), Word(key="mixing.figure.texts")),
        axes=[Word(key="mixing.axis.distance")],
        series=series,
        log_x=True,
        rules=[(Word(key="mixing.short.left"), left.figure().mean)] if left else [],
        table=Table(columns=_columns(*head), rows=rows),
    )


def _nearest_and_farthest(results: Results) -> Values:
    apart = in_english(results)
    ends_of = {"near": min(apart, key=apart.__getitem__), "far": max(apart, key=apart.__getitem__)}
    return {place: gap(results, instead(kind, MOST), LEFT).mean for place, kind in ends_of.items()}


def _columns(*first: tuple[str, str]) -> list[Column]:
    last = (("charts.head.heldout", ""), ("mixing.head.beside", "+z.1f"), ("charts.head.seeds", ""))
    return [Column(name=Word(key=key), format=format) for key, format in (*first, *last)]


def charts(results: Results) -> Sequence[Sequence[Chart]]:
    """Return perplexity by share, at equal characters or at equal clean ones; then by the distance of other text."""
    return [[by_share(results, equal) for equal in EQUAL], [by_distance(results)]]


def table(results: Results) -> Table | None:
    """Return the perplexities of all mixtures, beside those of their clean part alone; None without runs."""
    rows: list[list[Cell]] = []
    for one in among(results, mixtures()):
        runs, apart = trained_on(results, one), None
        with contextlib.suppress(LookupError):
            apart = distance(results, one) if one.kind else None
        change = gap(results, one, one.clean_alone) if one.kind and trained_on(results, one.clean_alone) else None
        figures = [runs.figure(part) for part in ("train", "heldout", "cold_256")]
        rows.append([f"`{one.name}`", one.clean, one.mixed, apart, *figures, change])
    head = [
        "recipe",
        "clean",
        "mixed in",
        "its distance",
        "train ppl",
        "test ppl",
        "test, cold",
        "beside leaving it out",
    ]
    formats = ["", ",", ",", ".1f", "", "", "", "+z.1f"]
    columns = [Column(name=name, format=format) for name, format in zip(head, formats, strict=True)]
    return Table(columns=columns, rows=rows) if rows else None


QUESTION = Question(
    key="mixing",
    recipes=recipes,
    answers=(
        Answer(key="mixing", figures=answer_noise, optional=True),
        Answer(key="domains", figures=answer_domains, optional=True),
    ),
    charts=charts,
    example=WHOLE.name,
    facts=lambda _: {"clean": CLEAN, "read": READ},
    commands=("python train.py 'mixing-*' --seeds 0 1 2", "python train.py --gather runs"),
    tables=(
        OverviewTable(
            heading="Low-quality and distant text mixed in",
            about="One model and as many steps in every run, the same held-out tail of *Pride and Prejudice*.\n"
            "Its distance: the perplexity of a 6-gram of the mixed-in text alone on that tail. Beside leaving it out:\n"
            "percent above the run on the clean part alone.",
            table=table,
        ),
    ),
)
