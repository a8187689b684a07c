"""The form of the poems that runs, n-grams and poets write, for `results.json`.

Knows: finished runs, texts of poems, how many poems are written and how. Does not know: the rules of form, the page.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace

import torch

from deeprnn.config import TrainConfig
from deeprnn.lm.sampling import Sampling
from deeprnn.measure.baselines import NGram
from deeprnn.measure.metrics import heldout
from deeprnn.measure.verse import Known, count, variants
from deeprnn.store import checkpoint
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.results import RunRecord
from deeprnn.store.verse import Sampled, Verse, VerseNGram, VerseText
from deeprnn.text.catalogue import is_poems
from deeprnn.text.corpora import load_corpus
from deeprnn.text.poem_form import BREAK, POEM_BEFORE
from deeprnn.text.splits import prepare

POEMS = 1_000  # written at each temperature, one for each seed from 0 on
MAX_CHARS = 100  # where a poem without an end is cut off; the longest regulated one has 70, with the break after it
TEMPERATURES = (1.0, 0.8)
ORDERS = (3, 5)  # of the n-grams


def is_verse(run: RunRecord) -> bool:
    """Return whether a run finished whose main text is one of printed poems."""
    return bool(run.final) and run.train_config.form == "full" and is_poems(run.train_config.text)


def verse_of(info: CheckpointInfo, known: Verse | None) -> Verse:
    """Count the form of the poems that a run writes: what it writes after `POEM_BEFORE`, up to the next break.

    known: an earlier result, which is returned if the weights and settings are the same.

    Raises:
        ValueError: the checkpoint is broken, or its text cannot be loaded.
    """
    begun = Verse(weights_sha256=info.weights_sha256, prompt=POEM_BEFORE, max_chars=MAX_CHARS, samples=())
    if known and replace(known, samples=()) == begun and _is_complete(known.samples):
        return known
    lm, text = checkpoint.load(info.path), info.metrics.text
    training = _training(text.name, text.ranges["train"])

    def written(temperature: float) -> Iterable[str]:
        return lm.generate_each(POEM_BEFORE, range(POEMS), MAX_CHARS, temperature, end=BREAK)

    return replace(begun, samples=_sampled(written, training))


def verse_of_text(config: TrainConfig) -> VerseText:
    """Count the form of the real poems of a configuration's held-out part, and of those that n-grams write.

    Raises:
        ValueError: the text cannot be loaded.
    """
    data = prepare(config, torch.device("cpu"))
    main, vocab = data.sources[0], data.vocab
    training = _training(config.text, main.ranges["train"])
    start, end = heldout(main.ranges)
    poem_break, before = vocab.encode(BREAK), vocab.encode(POEM_BEFORE)

    def of_ngram(order: int) -> VerseNGram:
        ngram = NGram.build(data.parts["train"], len(vocab), order)

        def written(temperature: float) -> Iterable[str]:
            for seed in range(POEMS):
                sampling = Sampling(temperature=temperature, seed=seed)
                ids = ngram.write(before, MAX_CHARS, sampling, lambda ids: ids[-len(poem_break) :] == poem_break)
                yield vocab.decode(ids).partition(BREAK)[0]

        nats = ngram.nats(heldout(data.parts)).mean().item()
        return VerseNGram(order=order, nats=nats, samples=_sampled(written, training))

    real = list(filter(None, main.corpus.text[start:end].split(BREAK)))
    ngrams = tuple(map(of_ngram, ORDERS))
    return VerseText(heldout=count(real, training), variants=variants(real, training), ngrams=ngrams)


@functools.lru_cache(maxsize=1)
def _training(text: str, part: tuple[int, int]) -> Known:
    """Return the poems of a training part; the last one is kept, since most runs share it."""
    return Known.of(load_corpus(text, "full").text[slice(*part)].split(BREAK))


def _sampled(written: Callable[[float], Iterable[str]], training: Known) -> tuple[Sampled, ...]:
    """Count the poems that are written at each temperature."""
    return tuple(Sampled(temperature=t, counts=count(written(t), training)) for t in TEMPERATURES)


def _is_complete(samples: tuple[Sampled, ...]) -> bool:
    """Return whether earlier counts are of as many poems at the same temperatures as they would be now."""
    return [(one.temperature, one.counts.shaped.of) for one in samples] == [(t, POEMS) for t in TEMPERATURES]
