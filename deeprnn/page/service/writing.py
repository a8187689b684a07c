"""Continuations of one prompt by several models at once.

Knows: models, the scheduler. Does not know: gradio, how a continuation is shown.
"""

import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from deeprnn.lm.language_model import LanguageModel
from deeprnn.lm.sampling import Sampling
from deeprnn.lm.scheduler import Generation, Scheduler
from deeprnn.page.service.asked import (
    MAX_NEW_CHARS,
    MAX_PROMPT_CHARS,
    MAX_SEED,
    MAX_WRITTEN_CHARS,
    RequestError,
    checked_names,
    checked_number,
    checked_text,
)
from deeprnn.page.service.models import broken_as_refusal, in_order, load_each
from deeprnn.store.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """The text that one model has generated so far."""

    model: str
    text: str
    new_chars: int  # characters of the text, without those of earlier requests
    done: bool
    seconds: float
    unknown: int  # characters of the prompt outside the model's alphabet
    broken: bool = False  # whether its weights cannot be loaded or overflow; then the text ends

    @property
    def chars_per_second(self) -> float:
        """Characters per second of computing time."""
        return self.new_chars / self.seconds if self.seconds else 0.0


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
    """Continue one prompt with several models at once; yield about twenty updates per second, fewer for many visitors.

    The last update has the finished texts, in the order of `models`. Closing the generator stops the models. A broken
    model is done at once.

    written: for each model, the text that it generated earlier after this prompt with this seed; it is continued.

    Raises:
        RequestError: a value is missing, has the wrong type or is outside its limits, or no model can be loaded. It is
            raised by the call, not by the first update.
    """
    names = checked_names(registry, models)
    prompt = checked_text("prompt", prompt)
    if len(prompt) > MAX_PROMPT_CHARS:
        raise RequestError("error_prompt_long", n=len(prompt), most=MAX_PROMPT_CHARS)
    length = int(checked_number("max_chars", max_chars, 1, MAX_NEW_CHARS, whole=True))
    draw = Sampling(
        temperature=checked_number("temperature", temperature, 0, 10),
        top_k=int(checked_number("top_k", top_k, 0, 100_000, whole=True)),
        top_p=checked_number("top_p", top_p, 1e-6, 1),
        seed=int(checked_number("seed", seed, 0, MAX_SEED, whole=True)),
    )
    if written is not None and (not isinstance(written, list) or len(written) != len(names)):
        raise RequestError("error_text_type", field="written")
    before = [checked_text("written", text) for text in written or [""] * len(names)]
    if max(map(len, before)) + length > MAX_WRITTEN_CHARS:
        raise RequestError("error_written_long", most=MAX_WRITTEN_CHARS)
    loaded, faults = load_each(registry, names)
    if not loaded:
        raise faults[0]
    continuations = [
        Continuation(model=name, text=text, new_chars=0, done=i in faults, seconds=0.0, unknown=0, broken=i in faults)
        for i, (name, text) in enumerate(zip(names, before, strict=True))
    ]
    return _side_by_side(registry.scheduler, loaded, continuations, prompt, length, draw)


def generate(registry: Registry, **request: Any) -> list[dict[str, Any]]:
    """Return the finished continuations of `stream`, in the order of `models`; for a broken one its name and the error.

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
    return in_order(answers, faults)


def _side_by_side(
    scheduler: Scheduler,
    models: dict[int, LanguageModel],
    continuations: list[Continuation],
    prompt: str,
    max_chars: int,
    draw: Sampling,
) -> Generator[list[Continuation], None, None]:
    """Run the models, given by their places in `continuations`, and yield all continuations at each update."""
    updated = threading.Event()
    before = [one.text for one in continuations]
    generations: dict[int, Generation] = {}
    try:
        for i, lm in models.items():
            ids, drawn = lm.prompt_ids(prompt, before[i]), len(lm.vocab.encode(before[i]))
            continuations[i] = replace(continuations[i], unknown=lm.vocab.count_unknown(prompt))
            try:
                with broken_as_refusal(lm):
                    generations[i] = scheduler.begin(lm.decoder, ids, max_chars, draw, drawn, updated)
            except RequestError:
                continuations[i] = replace(continuations[i], broken=True, done=True)
        if generations:
            updated.wait()
        while True:
            for i, generation in generations.items():
                if not continuations[i].done:
                    continuations[i] = _extended(continuations[i], models[i], generation, len(before[i]), max_chars)
            yield list(continuations)
            if all(one.done for one in continuations):
                return
            time.sleep(scheduler.pause())
    finally:  # also if the reader has left
        for generation in generations.values():
            generation.close()


def _extended(
    last: Continuation, lm: LanguageModel, generation: Generation, before: int, max_chars: int
) -> Continuation:
    """Return a continuation with the newly generated characters added."""
    try:
        with broken_as_refusal(lm):
            text = last.text + lm.vocab.decode(generation.take())
    except RequestError:
        return replace(last, broken=True, done=True)
    new = len(text) - before
    return replace(last, text=text, new_chars=new, done=new == max_chars, seconds=generation.seconds)
