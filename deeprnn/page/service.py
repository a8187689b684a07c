"""What the page and the API ask of the models: checked requests, plain answers.

Knows: the registry, limits, what may be asked. Does not know: gradio.

Every limit is checked here, on the server, for the page and the API alike.
"""

import contextlib
import functools
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deeprnn.documents import has_surrogates
from deeprnn.lm.decoder import BrokenWeightsError
from deeprnn.lm.evaluation import mixture, per_character
from deeprnn.lm.language_model import LanguageModel
from deeprnn.lm.sampling import Sampling
from deeprnn.lm.scheduler import Generation, Scheduler
from deeprnn.measure import novelty, probes
from deeprnn.page.environment import env_limit
from deeprnn.page.words import Lang, tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.text.vocab import owners, plain

LOG = logging.getLogger(__name__)
MAX_MODELS = env_limit("MAX_MODELS", 6)
MAX_PROMPT_CHARS = env_limit("MAX_PROMPT_CHARS", 2_000)
MAX_NEW_CHARS = env_limit("MAX_NEW_CHARS", 2_000)
MAX_WRITTEN_CHARS = env_limit("MAX_WRITTEN_CHARS", 8_000)  # of one text, however often it is continued
MAX_SCORE_CHARS = env_limit("MAX_SCORE_CHARS", 20_000)
MAX_CANDIDATES = 50
MIN_LOOK_CHARS = 8
MAX_LOOK_CHARS = 400
MAX_DISTANCE = 40  # characters that echoes and gradients are followed over
WARM_UP = 20  # characters that are read before gradients are followed
SHOWN_UNITS = 24  # of a layer
LARGEST = 1e300  # what can be shown as a number
MAX_SEED = 2**53 - 1  # what JSON numbers hold exactly


class RequestError(ValueError):
    """A request that cannot be answered; it says why in the reader's language."""

    def __init__(self, key: str, **values: object) -> None:
        self.key, self.values = key, values
        super().__init__(self.message("en"))

    def message(self, lang: Lang) -> str:
        """The reason and the remedy."""
        return tr(self.key, lang, **self.values)


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """What one model has written so far."""

    model: str
    text: str
    new_chars: int  # of the text, without what stood there before it was continued
    done: bool
    seconds: float
    unknown: int  # characters of the prompt outside the model's alphabet
    broken: bool = False  # its weights cannot be loaded, or overflow: it writes no more

    @property
    def chars_per_second(self) -> float:
        """Characters a second while the model wrote."""
        return self.new_chars / self.seconds if self.seconds else 0.0


def describe(info: CheckpointInfo) -> dict[str, Any]:
    """A checkpoint as the API lists it."""
    return {
        "name": info.name,
        "cell": info.config.cell,
        "num_layers": info.config.num_layers,
        "hidden_size": info.config.hidden_size,
        "residual": info.config.residual,
        "wiring": info.config.wiring,
        "num_params": info.num_params,
        "text": info.metrics.text.name,
        "form": info.vocab.form,
        "num_symbols": len(info.vocab),
        "train_chars": info.train_chars,
        "train_ppl": info.train_ppl,
        "heldout_ppl": info.heldout_ppl,
    }


def list_models(registry: Registry) -> list[dict[str, Any]]:
    """Every model there is."""
    return [describe(info) for info in registry.infos.values()]


def stream(
    registry: Registry,
    *,
    prompt: Any,
    models: Any,
    max_chars: Any,
    temperature: Any,
    top_k: Any = 0,
    top_p: Any = 1.0,
    seed: Any = 0,
    written: Any = None,
) -> Generator[list[Continuation], None, None]:
    """Continue one prompt with several models at once; about twenty updates a second, fewer where many ask.

    The last update holds the finished texts, in the order asked. Closed early, it stops the models.

    written: for each model, what it wrote after this prompt with this seed before; it goes on from there.
    A model that is broken, among others that are not, is done at once.

    Raises:
        RequestError: a value is missing, of the wrong kind or outside its limits, or no model can be loaded. Raised at
            the call, not at the first update.
    """
    names = _names(registry, models)
    prompt = _text("prompt", prompt)
    if len(prompt) > MAX_PROMPT_CHARS:
        raise RequestError("error_prompt_long", n=len(prompt), most=MAX_PROMPT_CHARS)
    length = int(_number("max_chars", max_chars, 1, MAX_NEW_CHARS, whole=True))
    draw = Sampling(
        temperature=_number("temperature", temperature, 0, 10),
        top_k=int(_number("top_k", top_k, 0, 100_000, whole=True)),
        top_p=_number("top_p", top_p, 1e-6, 1),
        seed=int(_number("seed", seed, 0, MAX_SEED, whole=True)),
    )
    if written is not None and (not isinstance(written, list) or len(written) != len(names)):
        raise RequestError("error_text_type", field="written")
    before = [_text("written", text) for text in written or [""] * len(names)]
    if max(map(len, before)) + length > MAX_WRITTEN_CHARS:
        raise RequestError("error_written_long", most=MAX_WRITTEN_CHARS)
    loaded, faults = _load_each(registry, names)
    if not loaded:
        raise faults[0]
    told = [
        Continuation(model=name, text=text, new_chars=0, done=i in faults, seconds=0.0, unknown=0, broken=i in faults)
        for i, (name, text) in enumerate(zip(names, before, strict=True))
    ]
    return _side_by_side(registry.scheduler, loaded, told, prompt, length, draw)


def generate(registry: Registry, **request: Any) -> list[dict[str, Any]]:
    """The finished continuations of `stream`, in the order asked; of a broken model its name and why.

    Raises:
        RequestError: see `stream`; or all models are broken.
    """
    *_, last = stream(registry, **request)
    faults = {i: RequestError("error_broken", name=one.model) for i, one in enumerate(last) if one.broken}
    answers = {
        i: {
            "model": one.model,
            "text": one.text,
            "chars_per_second": round(one.chars_per_second, 1),
            "unknown": one.unknown,
        }
        for i, one in enumerate(last)
        if not one.broken
    }
    return _in_order(answers, faults)


def score(registry: Registry, *, text: Any, models: Any) -> list[dict[str, Any]]:
    """How improbable each model finds each character of a text after the first, in the order asked.

    Of a broken model, among others that are not, the answer holds its name and why.

    Raises:
        RequestError: a model does not exist, all are broken, or the text is too short or too long.
    """
    names = _names(registry, models)
    text = _text("text", text)
    if len(text) > MAX_SCORE_CHARS:
        raise RequestError("error_text_long", n=len(text), most=MAX_SCORE_CHARS)
    if len(text) < 2 or text == "\r\n":
        raise RequestError("error_text_short")
    return _read_each(registry, names, lambda lm: _scored(lm, text))


def _read_each(
    registry: Registry, names: Sequence[str], read: Callable[[LanguageModel], dict[str, Any]]
) -> list[dict[str, Any]]:
    """What is read of each model, in the order asked; of a broken one its name and why.

    Raises:
        RequestError: all are broken.
    """
    loaded, faults = _load_each(registry, names)
    largest_first = sorted(loaded, key=lambda i: loaded[i].model.num_params, reverse=True)
    reading = {i: registry.readers.submit(read, loaded[i]) for i in largest_first}
    answers = {}
    for i, one in reading.items():
        try:
            answers[i] = one.result()
        except RequestError as error:
            faults[i] = error
    return _in_order(answers, faults)


def _in_order(answers: dict[int, dict[str, Any]], faults: dict[int, RequestError]) -> list[dict[str, Any]]:
    if not answers:
        raise faults[0]
    told = {i: {"model": fault.values["name"], "error": str(fault)} for i, fault in faults.items()}
    return [one for _, one in sorted((answers | told).items())]


def _scored(lm: LanguageModel, text: str) -> dict[str, Any]:
    with _sound(lm):
        result = lm.score(text)
    nats = np.round(result.nats, 6).tolist()
    return {"model": lm.name, "ppl": result.ppl, "bpc": result.bpc, "nats": nats, "unknown": result.unknown}


def baselines(registry: Registry, *, text: str, answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the same text costs those who know less, or more, than one model; `answers` is what `score` said of it.

    kind: "mean", the average of the probabilities of all the models of one alphabet; "ngram", counts of a model's
    training text; "uniform", guessing. `model`: one whose alphabet and text it is of; `count`: of models, the order, or
    the symbols.
    """
    rows: list[dict[str, Any]] = []
    alphabets: dict[Any, list[str]] = {}
    scored = {answer["model"]: answer["nats"] for answer in answers if "error" not in answer}
    for name in scored:
        alphabets.setdefault(registry.infos[name].vocab, []).append(name)
    for vocab, names in alphabets.items():
        ids = vocab.encode(text)
        spread, symbols = functools.partial(per_character, owners=owners(text), length=len(text)), len(ids) - 1
        if len(names) > 1:
            nats = torch.tensor([scored[name] for name in names], dtype=torch.float64)
            mean = mixture(nats, [1 / len(names)] * len(names))
            rows.append(_row("mean", names[0], len(names), mean.tolist(), symbols))
        found = {id(ngram): (name, ngram) for name in names if (ngram := registry.ngram(name))}
        rows += [
            _row("ngram", name, ngram.order, spread(ngram.nats(ids).tolist()), symbols)
            for name, ngram in found.values()
        ]
        rows.append(_row("uniform", names[0], len(vocab), spread([math.log(len(vocab))] * symbols), symbols))
    return rows


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
    """Each model's k likeliest next characters at temperature 1, in the order asked; of a broken one its name and why.

    Raises:
        RequestError: a model does not exist, all are broken, or a value is of the wrong kind or outside its limits.
    """
    names = _names(registry, models)
    prompt = _text("prompt", prompt)
    if len(prompt) > MAX_PROMPT_CHARS + MAX_WRITTEN_CHARS:
        raise RequestError("error_prompt_long", n=len(prompt), most=MAX_PROMPT_CHARS + MAX_WRITTEN_CHARS)
    k = _number("k", k, 1, MAX_CANDIDATES, whole=True)
    return _read_each(registry, names, lambda lm: _continued(lm, prompt, int(k)))


def _continued(lm: LanguageModel, prompt: str, k: int) -> dict[str, Any]:
    with _sound(lm):
        candidates = [{"char": character, "p": round(p, 6)} for character, p in lm.next_char(prompt, k)]
    return {"model": lm.name, "candidates": candidates, "unknown": lm.vocab.count_unknown(prompt)}


def analyse(registry: Registry, model: str, prompt: str, text: str) -> dict[str, Any]:
    """What is to be said of a continuation: nats of each character, and `novelty.measure` of the whole.

    The nats are None as long as models cannot answer yet.

    Raises:
        RequestError: the model cannot be loaded.
    """
    nats = _surprise(registry, model, prompt, text) if registry.ready.is_set() else None
    return {"nats": nats} | _novelty(registry, model, prompt, text)


@functools.lru_cache(maxsize=512)
def _surprise(registry: Registry, model: str, prompt: str, text: str) -> list[float]:
    lm = _load(registry, model)
    with _sound(lm):
        return [round(value, 4) for value in lm.surprise(prompt, text)]


@functools.lru_cache(maxsize=512)
def _novelty(registry: Registry, model: str, prompt: str, text: str) -> dict[str, Any]:
    return novelty.measure(text, registry.fingerprints(model), prompt)


@functools.lru_cache(maxsize=64)  # the same picture in the other language, or beside another model
def look(registry: Registry, model: str, text: str) -> dict[str, Any]:
    """What each layer of a model does while it reads a text; see `probes`. Layers are listed from the bottom up.

    text: as it is read, see `vocab.plain`; it has a character for each column. change, gates: layers x characters;
    units: of each layer those that vary most, over time; see `_liveliest`.
    echo, gradients: layers x distances; without: nats without each layer; lens: what the head makes of each layer, one
    column a character from the second.

    Raises:
        RequestError: a model does not exist or its layers share a state, or the text is too short or too long.
    """
    (name,) = _names(registry, [model])
    text = plain(_text("text", text))
    if not MIN_LOOK_CHARS <= len(text) <= MAX_LOOK_CHARS:
        raise RequestError("error_text_look", n=len(text), least=MIN_LOOK_CHARS, most=MAX_LOOK_CHARS)
    lm = _load(registry, name)
    if lm.config.wiring != "stack":
        raise RequestError("error_shared_state", name=name)
    ids = torch.tensor(lm.vocab.encode(text))
    if len(torch.unique(ids)) < 2:
        raise RequestError("error_text_one_symbol")
    with _sound(lm):
        return {"text": text} | registry.readers.submit(_looked_at, lm, ids).result()


def _looked_at(lm: LanguageModel, ids: Tensor) -> dict[str, Any]:
    distance = min(MAX_DISTANCE, len(ids) // 2)
    traced, echo = probes.trace(lm.model, ids), probes.echo(lm.model, ids, distance)
    lens = probes.logit_lens(lm.model, ids)
    whole, without = probes.without_each_layer(lm.model, ids)
    if not math.isfinite(whole) or not all(torch.isfinite(hidden).all() for hidden in traced.hidden):
        raise BrokenWeightsError(lm.name)
    letters = traced.gates[0]
    return {
        "model": lm.name,
        "change": _rounded(probes.change(traced.hidden)),
        "gates": {
            letter: _rounded(torch.stack([gates[letter].mean(-1) for gates in traced.gates])) for letter in letters
        },
        "units": [_liveliest(hidden) for hidden in traced.hidden],
        "echo": _rounded(echo),
        "lifetime": [probes.lifetime(curve) for curve in echo],
        "nats": whole,
        "without": without,
        "lens": {
            "levels": lens.levels,
            "nats": _rounded(lens.nats),
            "said": [[lm.vocab.decode([i]) for i in level] for level in lens.likeliest.tolist()],
            "probability": _rounded(lens.probability),
        },
        "gradients": probes.gradients(lm.model, ids, distance, min(WARM_UP, len(ids) - distance - 2)).tolist(),
    }


def _liveliest(hidden: Tensor) -> list[str]:
    """The units of a layer's states (T, H) that vary most, the liveliest first: a letter a character.

    `a` is minus the layer's largest value, `m` zero, `y` the largest value: a tenth of what numbers would take.
    """
    most = hidden.std(0).topk(min(SHOWN_UNITS, hidden.shape[1])).indices
    steps = (12 * hidden[:, most].T / hidden.abs().max().clamp_min(1e-12)).round().int() + ord("m")
    return ["".join(map(chr, unit)) for unit in steps.tolist()]


def _rounded(values: Tensor) -> Any:
    return values.double().round(decimals=3).tolist()


def _side_by_side(
    scheduler: Scheduler,
    models: dict[int, LanguageModel],
    told: list[Continuation],
    prompt: str,
    max_chars: int,
    draw: Sampling,
) -> Generator[list[Continuation], None, None]:
    """Let models write on from what is told of them, by their places; the others are done already."""
    updated = threading.Event()
    before = [one.text for one in told]
    generations: dict[int, Generation] = {}
    try:
        for i, lm in models.items():
            ids, drawn = lm.prompt_ids(prompt, before[i]), len(lm.vocab.encode(before[i]))
            told[i] = replace(told[i], unknown=lm.vocab.count_unknown(prompt))
            try:
                with _sound(lm):
                    generations[i] = scheduler.begin(lm.decoder, ids, max_chars, draw, drawn, updated)
            except RequestError:
                told[i] = replace(told[i], broken=True, done=True)
        if generations:
            updated.wait()
        while True:
            for i, generation in generations.items():
                if not told[i].done:
                    told[i] = _told(told[i], models[i], generation, len(before[i]), max_chars)
            yield list(told)
            if all(one.done for one in told):
                return
            time.sleep(scheduler.pause())
    finally:  # also where the reader has left
        for generation in generations.values():
            generation.close()


def _told(last: Continuation, lm: LanguageModel, generation: Generation, before: int, max_chars: int) -> Continuation:
    """What is to be told of a text now, after what was told last."""
    try:
        with _sound(lm):
            text = last.text + lm.vocab.decode(generation.take())
    except RequestError:
        return replace(last, broken=True, done=True)
    new = len(text) - before
    return replace(last, text=text, new_chars=new, done=new == max_chars, seconds=generation.seconds)


def _load_each(registry: Registry, names: Sequence[str]) -> tuple[dict[int, LanguageModel], dict[int, RequestError]]:
    """The models by their places, and the faults of those that cannot be loaded."""
    loaded, faults = dict[int, LanguageModel](), dict[int, RequestError]()
    for i, name in enumerate(names):
        try:
            loaded[i] = _load(registry, name)
        except RequestError as error:
            faults[i] = error
    return loaded, faults


def _load(registry: Registry, name: str) -> LanguageModel:
    try:
        return registry.get(name)
    except ValueError as error:
        LOG.error("%s", error)
        raise RequestError("error_broken", name=name) from error


@contextlib.contextmanager
def _sound(lm: LanguageModel) -> Generator[None, None, None]:
    """A model whose weights overflow is said to be broken."""
    try:
        yield
    except BrokenWeightsError as error:
        LOG.error("%s", error)
        raise RequestError("error_broken", name=lm.name) from error


def _names(registry: Registry, models: Any) -> list[str]:
    if not isinstance(models, (list, tuple)) or not models:
        raise RequestError("error_models_none")
    if len(models) > MAX_MODELS:
        raise RequestError("error_models_many", n=len(models), most=MAX_MODELS)
    for name in models:
        if not isinstance(name, str) or name not in registry.infos:
            shown = name if isinstance(name, str) and re.fullmatch(r"[\w.-]{1,80}", name) else "?"
            raise RequestError("error_model_unknown", name=shown, known=", ".join(registry.infos))
    return list(models)


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str) or has_surrogates(value):
        raise RequestError("error_text_type", field=field)
    return value


def _number(field: str, value: Any, least: float, most: float, *, whole: bool = False) -> float | int:
    if value is None or value == "":
        raise RequestError("error_number_none", field=field, least=least, most=most)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_number = is_number and -LARGEST <= value <= LARGEST  # false for what is not a number; exact for whole numbers
    if is_number and whole and value != int(value):
        raise RequestError("error_number_whole", field=field, least=least, most=most, value=f"{value:g}")
    if not is_number or not least <= value <= most:
        shown = f"{value:g}" if is_number else type(value).__name__
        raise RequestError("error_number", field=field, least=least, most=most, value=shown)
    return int(value) if whole else float(value)
