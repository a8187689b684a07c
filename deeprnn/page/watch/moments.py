"""What a model wrote at each measurement of its training, what of it is copied, and its story in one sentence.

Knows: checkpoints' records, fingerprints, words. Does not know: questions, components, how it is drawn.
"""

import functools
from collections.abc import Sequence
from typing import Any, Literal

from deeprnn.experiments.format import rounded
from deeprnn.measure.metrics import Moment
from deeprnn.measure.novelty import Fingerprint, maximal
from deeprnn.page.shared.widgets import stack, title_of
from deeprnn.page.words import tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.words import Lang, in_both

Story = Literal["frequencies", "recites", "turns", "level", "end"]
Spans = list[list[int]]  # [start, end) in characters of a text, in order; they do not overlap
_RECITED = 0.5  # a model recites if so much of what it writes is copied
_KINDS: tuple[Literal["drawn", "greedy"], ...] = ("drawn", "greedy")


def moments(registry: Registry, name: str, *, marked: bool = True) -> Any:
    """Return what `watch.js` draws of one model, in both languages.

    epoch, chars, seconds, train, heldout: columns with a value for each measurement. texts: by kind, `drawn` or
    `greedy`, what it wrote at each. copied: by kind, the copied parts of each text; None if the model has no
    fingerprints, or without `marked`, which costs half a millisecond a text. best: the index of the measurement with
    the lowest perplexity on the validation part.

    Raises:
        ValueError: there is no such model, or it did not record what it wrote.
    """
    info = registry.info(name)
    record = info.metrics.moments
    if not record:
        raise ValueError(f"{name} did not record what it wrote while it was trained")
    copied = copies(registry, name, record) if marked else None
    best = best_of(record)
    drawn = {
        "name": name,
        "recipe": info.path.name,
        "cell": info.config.cell,
        "prompt": info.metrics.sample.prompt,
        "symbols": len(info.vocab),
        "epoch": [one.epoch for one in record],
        "chars": [one.chars for one in record],
        "seconds": [one.seconds for one in record],
        "train": [round(one.train_ppl, 4) for one in record],
        "heldout": [round(one.val_ppl, 4) for one in record],
        "texts": {kind: [getattr(one, kind) for one in record] for kind in _KINDS},
        "copied": copied,
        "best": best,
    }
    shares = [covered(spans, one.drawn) for spans, one in zip(copied["drawn"], record, strict=True)] if copied else []
    return drawn | {
        "title": in_both(functools.partial(title_of, registry, name)),
        "stack": in_both(functools.partial(stack, info.config)),
        "story": in_both(functools.partial(story, info, shares)),
    }


def best_of(record: Sequence[Moment]) -> int:
    """Return the index of the first measurement with the lowest perplexity on the validation part."""
    return min(range(len(record)), key=lambda at: record[at].val_ppl)


def copies(registry: Registry, name: str, record: tuple[Moment, ...]) -> dict[str, list[Spans]] | None:
    """Return the copied parts of each text in a model's record by kind; None if the model has no fingerprints."""
    known = registry.fingerprints(name)
    if not known:
        return None
    return {kind: [spans_of(known, getattr(one, kind)) for one in record] for kind in _KINDS}


def spans_of(known: Sequence[Fingerprint], text: str) -> Spans:
    """Return the parts of a text that are copied word for word, see `novelty`; parts that touch are joined."""
    spans: Spans = []
    for run in maximal(run for one in known for run in one.runs(text)):
        if spans and run.start <= spans[-1][1]:
            spans[-1][1] = run.end
        else:
            spans.append([run.start, run.end])
    return spans


def covered(spans: Spans, text: str) -> float:
    """Return the share of a text's characters that are copied."""
    return sum(end - start for start, end in spans) / max(len(text), 1)


def kind_of(info: CheckpointInfo, shares: Sequence[float]) -> Story:
    """Return which sentence tells how a model learned.

    shares: how much of each text is copied; empty if that is not known.

    "frequencies": on its training text, above 0.9 times the perplexity of character frequencies. "end": it is best on
    the validation part at the end. "level": at the end at most 1.15 times as high as its best. Otherwise it "turns", or
    "recites" if half of its last text or more is copied.
    """
    record = info.metrics.moments
    best, last = record[best_of(record)], record[-1]
    if last.train_ppl > 0.9 * info.unigram_ppl:
        return "frequencies"
    if last is best:
        return "end"
    if last.val_ppl <= 1.15 * best.val_ppl:
        return "level"
    return "recites" if shares and shares[-1] >= _RECITED else "turns"


def story(info: CheckpointInfo, shares: Sequence[float], lang: Lang) -> str:
    """Return the sentence that tells how a model learned; see `kind_of`."""
    record = info.metrics.moments
    first, best, last = record[0], record[best_of(record)], record[-1]
    before = max((at for at, share in enumerate(shares) if share < _RECITED), default=-1)  # from then on it recites
    return tr(
        f"watch.story.{kind_of(info, shares)}",
        lang,
        start=first.epoch,
        first=rounded(first.val_ppl),
        best=best.epoch,
        low=rounded(best.val_ppl),
        last=last.epoch,
        high=rounded(last.val_ppl),
        train=f"{last.train_ppl:.1f}",
        frequencies=f"{info.unigram_ppl:.1f}",
        since=record[min(before + 1, len(record) - 1)].epoch,
        share=f"{shares[-1] if shares else 0:.0%}",
    )
