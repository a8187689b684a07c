"""Measuring a given text: how well models predict it, what could come next, how much of it is copied.

Knows: models, n-grams, fingerprints. Does not know: gradio, how results are shown.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from deeprnn.lm.evaluation import mixture, per_character
from deeprnn.lm.language_model import LanguageModel
from deeprnn.measure import novelty
from deeprnn.page.service.asked import (
    MAX_PROMPT_CHARS,
    MAX_SCORE_CHARS,
    MAX_WRITTEN_CHARS,
    RequestError,
    checked_names,
    checked_number,
    checked_text,
)
from deeprnn.page.service.models import broken_as_refusal, load, read_as_done, read_each, refused_answer
from deeprnn.store.registry import Registry
from deeprnn.text.vocab import Vocab, source_positions

MAX_CANDIDATES = 50


def score(registry: Registry, *, text: Any, models: Any) -> list[dict[str, Any]]:
    """Return how well each model predicts each character of a text after the first, in the order of `models`.

    The answer of a broken model has its name and the error.

    Raises:
        RequestError: a model does not exist, all are broken, or the text is too short or too long.
    """
    names, text = _checked(registry, text, models)
    return read_each(registry, names, lambda lm: _scored(lm, text))


def score_as_done(registry: Registry, *, text: Any, models: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Return an iterator of the answers of `score`, each with its place in `models`, as soon as it is there.

    symbol_nats: what an answer has besides, the nats of each symbol; see `Score`.

    Raises:
        RequestError: at once, if a model does not exist, or the text is too short or too long.
    """
    names, text = _checked(registry, text, models)
    done = read_as_done(registry, names, lambda lm: _scored(lm, text, by_symbol=True))
    return ((i, refused_answer(one) if isinstance(one, RequestError) else one) for i, one in done)


def _checked(registry: Registry, text: Any, models: Any) -> tuple[list[str], str]:
    names = checked_names(registry, models)
    text = checked_text("text", text)
    if len(text) > MAX_SCORE_CHARS:
        raise RequestError("error_text_long", n=len(text), most=MAX_SCORE_CHARS)
    if len(text) < 2 or text == "\r\n":
        raise RequestError("error_text_short")
    return names, text


def _scored(lm: LanguageModel, text: str, *, by_symbol: bool = False) -> dict[str, Any]:
    with broken_as_refusal(lm):
        result = lm.score(text)
    nats = np.round(result.nats, 6).tolist()
    answer = {"model": lm.name, "ppl": result.ppl, "bpc": result.bpc, "nats": nats, "unknown": result.unknown}
    return answer | {"symbol_nats": result.symbol_nats} if by_symbol else answer


def baselines(registry: Registry, *, text: str, models: Sequence[str]) -> list[dict[str, Any]]:
    """Return the figures of baselines on a text: for each alphabet, the n-grams of its models' texts, and guessing.

    kind: "ngram", an n-gram of a model's training text; "uniform", uniform guessing.
    model: a model whose alphabet and text were used.
    count: the order of the n-gram, or the number of symbols. of: the models whose training text an n-gram has counted.
    """
    rows: list[dict[str, Any]] = []
    for vocab, names in alphabets(registry, models).items():
        ids = vocab.encode(text)
        spread = functools.partial(per_character, positions=source_positions(text), length=len(text))
        symbols = len(ids) - 1
        ngrams = {name: ngram for name in names if (ngram := registry.ngram(name))}
        readers = {id(ngram): [name for name, one in ngrams.items() if one is ngram] for ngram in ngrams.values()}
        rows += [
            _row("ngram", of[-1], ngrams[of[0]].order, spread(ngrams[of[0]].nats(ids).tolist()), symbols) | {"of": of}
            for of in readers.values()
        ]
        rows.append(_row("uniform", names[0], len(vocab), spread([math.log(len(vocab))] * symbols), symbols))
    return rows


def averages(registry: Registry, *, text: str, answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the figures of the average of the probabilities of all models with one alphabet, if there are several.

    answers: those of `score_as_done`. kind, model, count: as in `baselines`: "mean", one of the models, their number.
    """
    scored = {answer["model"]: answer["symbol_nats"] for answer in answers if "error" not in answer}
    spread = functools.partial(per_character, positions=source_positions(text), length=len(text))
    rows = []
    for names in alphabets(registry, list(scored)).values():
        if len(names) > 1:
            nats = torch.tensor([scored[name] for name in names], dtype=torch.float64)
            mean = mixture(nats, [1 / len(names)] * len(names))
            rows.append(_row("mean", names[0], len(names), spread(mean.tolist()), len(mean)))
    return rows


def alphabets(registry: Registry, models: Sequence[str]) -> dict[Vocab, list[str]]:
    """Return the models of each alphabet, in their order."""
    found: dict[Vocab, list[str]] = {}
    for name in models:
        found.setdefault(registry.info(name).vocab, []).append(name)
    return found


def _row(kind: str, model: str, count: int, nats: list[float], symbols: int) -> dict[str, Any]:
    mean = math.fsum(nats) / symbols
    rounded = np.round(nats, 6).tolist()
    return {
        "kind": kind,
        "model": model,
        "count": count,
        "ppl": math.exp(mean),
        "bpc": mean / math.log(2),
        "nats": rounded,
    }


def next_char(registry: Registry, *, prompt: Any, models: Any, k: Any = 10) -> list[dict[str, Any]]:
    """Return each model's k most probable next characters at temperature 1, in the order of `models`.

    The answer of a broken model has its name and the error.

    Raises:
        RequestError: a model does not exist, all are broken, or a value is of the wrong kind or outside its limits.
    """
    names = checked_names(registry, models)
    prompt = checked_text("prompt", prompt)
    if len(prompt) > MAX_PROMPT_CHARS + MAX_WRITTEN_CHARS:
        raise RequestError("error_prompt_long", n=len(prompt), most=MAX_PROMPT_CHARS + MAX_WRITTEN_CHARS)
    k = checked_number("k", k, 1, MAX_CANDIDATES, whole=True)
    return read_each(registry, names, lambda lm: _continued(lm, prompt, int(k)))


def _continued(lm: LanguageModel, prompt: str, k: int) -> dict[str, Any]:
    with broken_as_refusal(lm):
        candidates = [{"char": character, "p": round(p, 6)} for character, p in lm.next_char(prompt, k)]
    return {"model": lm.name, "candidates": candidates, "unknown": lm.vocab.count_unknown(prompt)}


def analyse(registry: Registry, model: str, prompt: str, text: str) -> dict[str, Any]:
    """Return the nats of each character of a continuation, and the figures of `novelty.measure`.

    The nats are None while models cannot answer yet. lines: the lines of verse that its training text has too, as
    {start, end, source}; None if there is no index of its lines.

    Raises:
        RequestError: the model cannot be loaded.
    """
    (model,) = checked_names(registry, [model])
    weights = registry.info(model).weights_sha256
    nats = _surprise(registry, model, weights, prompt, text) if registry.ready.is_set() else None
    return {"nats": nats} | _novelty(registry, model, weights, prompt, text)


def forget() -> None:
    """Drop what is kept of earlier calls; an answer that comes later is kept under the hash of the old weights."""
    _surprise.cache_clear()
    _novelty.cache_clear()


@functools.lru_cache(maxsize=512)
def _surprise(registry: Registry, model: str, weights: str, prompt: str, text: str) -> list[float]:  # noqa: ARG001
    lm = load(registry, model)
    with broken_as_refusal(lm):
        return [round(value, 4) for value in lm.surprise(prompt, text)]


@functools.lru_cache(maxsize=512)
def _novelty(registry: Registry, model: str, weights: str, prompt: str, text: str) -> dict[str, Any]:  # noqa: ARG001
    index = registry.lines(model)
    lines = None if index is None else [vars(line) for line in index.found(text)]
    return novelty.measure(text, registry.fingerprints(model), prompt) | {"lines": lines}
