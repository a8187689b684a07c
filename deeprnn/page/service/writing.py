"""Texts by several models at once: continuations of one prompt, and poems of one form.

Knows: models, the scheduler. Does not know: gradio, how a text is shown.
"""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deeprnn.lm.language_model import LanguageModel
from deeprnn.lm.poem import poem_template
from deeprnn.lm.sampling import Sampling
from deeprnn.lm.scheduler import Generation, Scheduler
from deeprnn.lm.template import Template
from deeprnn.page.service.asked import (
    MAX_NEW_CHARS,
    MAX_PROMPT_CHARS,
    MAX_SEED,
    MAX_WRITTEN_CHARS,
    RequestError,
    checked_form,
    checked_names,
    checked_number,
    checked_text,
    form_as_asked,
)
from deeprnn.page.service.models import broken_as_refusal, in_order, load_each
from deeprnn.store.registry import Registry
from deeprnn.text.poem_form import POEM_BEFORE


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


@dataclass(frozen=True, kw_only=True)
class _Ask:
    """What one model is to write: `length` characters after `ids`, of which `drawn` were written with the same seed."""

    ids: list[int]
    drawn: int
    length: int
    template: Template | None = None


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
    draw = _checked_sampling(temperature, top_k, top_p, seed)
    before = _checked_written(names, written)
    if max(map(len, before)) + length > MAX_WRITTEN_CHARS:
        raise RequestError("error_written_long", most=MAX_WRITTEN_CHARS)

    def ask(lm: LanguageModel, text: str) -> _Ask:
        return _Ask(ids=lm.prompt_ids(prompt, text), drawn=len(lm.vocab.encode(text)), length=length)

    return _asked(registry, names, before, draw, ask, prompt)


def stream_poems(
    registry: Registry,
    *,
    models: Any,
    line_chars: Any = 5,
    lines: Any = 4,
    opening: Any = "",
    acrostic: Any = "",
    regulated: Any = False,
    temperature: Any = 0.8,
    top_k: Any = 0,
    top_p: Any = 1.0,
    seed: Any = 0,
    written: Any = None,
) -> Generator[list[Continuation], None, None]:
    """Write a poem of one form with several models at once; see `PoemForm`, and `stream` for the updates.

    written: for each model, what it wrote of this poem earlier with this seed; it is completed.

    Raises:
        RequestError: a value is missing, has the wrong type or is outside its limits, a model cannot write this poem,
            all are whole already, or none can be loaded. It is raised by the call, not by the first update.
    """
    names = checked_names(registry, models)
    form = checked_form(line_chars, lines, opening, acrostic, regulated)
    draw = _checked_sampling(temperature, top_k, top_p, seed)
    before = _checked_written(names, written)
    if all(len(text) >= len(form.places()) for text in before):
        raise RequestError("error_poem_whole")

    def ask(lm: LanguageModel, text: str) -> _Ask:
        with form_as_asked():
            template = poem_template(form, lm.vocab, draw.seed)
        ids = lm.vocab.encode(text)[: len(template)]
        return _Ask(
            ids=lm.prompt_ids(POEM_BEFORE) + ids, drawn=len(ids), length=len(template) - len(ids), template=template
        )

    return _asked(registry, names, before, draw, ask)


def _checked_sampling(temperature: Any, top_k: Any, top_p: Any, seed: Any) -> Sampling:
    return Sampling(
        temperature=checked_number("temperature", temperature, 0, 10),
        top_k=int(checked_number("top_k", top_k, 0, 100_000, whole=True)),
        top_p=checked_number("top_p", top_p, 1e-6, 1),
        seed=int(checked_number("seed", seed, 0, MAX_SEED, whole=True)),
    )


def _checked_written(names: Sequence[str], written: Any) -> list[str]:
    """Return the text that each model wrote before, "" by default."""
    if written is not None and (not isinstance(written, list) or len(written) != len(names)):
        raise RequestError("error_text_type", field="written")
    return [checked_text("written", text) for text in written or [""] * len(names)]


def generate(registry: Registry, **request: Any) -> list[dict[str, Any]]:
    """Return the finished continuations of `stream`, in the order of `models`; for a broken one its name and the error.

    Raises:
        RequestError: see `stream`; or all models are broken.
    """
    return _finished(stream(registry, **request))


def poem(registry: Registry, **request: Any) -> list[dict[str, Any]]:
    """Return the finished poems of `stream_poems`, as `generate` does; each text is a whole poem, a couplet a line.

    Raises:
        RequestError: see `stream_poems`; or all models are broken.
    """
    return [{key: one[key] for key in one if key != "unknown"} for one in _finished(stream_poems(registry, **request))]


def _finished(updates: Generator[list[Continuation], None, None]) -> list[dict[str, Any]]:
    """Return the last of the updates; for a broken model its name and the error."""
    *_, last = updates
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


def _asked(
    registry: Registry,
    names: Sequence[str],
    before: Sequence[str],
    draw: Sampling,
    ask: Callable[[LanguageModel, str], _Ask],
    prompt: str = "",
) -> Generator[list[Continuation], None, None]:
    """Load the models, and write with them what `ask` returns for each and its text before; see `stream`."""
    loaded, faults = load_each(registry, names)
    if not loaded:
        raise faults[0]
    asks = {i: ask(lm, before[i]) for i, lm in loaded.items()}
    continuations = [
        Continuation(
            model=name,
            text=text,
            new_chars=0,
            done=i in faults or not asks[i].length,
            seconds=0.0,
            unknown=loaded[i].vocab.count_unknown(prompt) if i in loaded else 0,
            broken=i in faults,
        )
        for i, (name, text) in enumerate(zip(names, before, strict=True))
    ]
    return _side_by_side(registry.scheduler, loaded, continuations, asks, draw)


def _side_by_side(
    scheduler: Scheduler,
    models: dict[int, LanguageModel],
    continuations: list[Continuation],
    asks: dict[int, _Ask],
    draw: Sampling,
) -> Generator[list[Continuation], None, None]:
    """Run the models, given by their places in `continuations`, and yield all continuations at each update."""
    updated = threading.Event()
    before = [one.text for one in continuations]
    generations: dict[int, Generation] = {}
    try:
        for i in (i for i in models if not continuations[i].done):
            lm, ask = models[i], asks[i]
            try:
                with broken_as_refusal(lm):
                    generations[i] = scheduler.begin(
                        lm.decoder, ask.ids, ask.length, draw, ask.drawn, updated, ask.template
                    )
            except RequestError:
                continuations[i] = replace(continuations[i], broken=True, done=True)
        if generations:
            updated.wait()
        while True:
            for i, generation in generations.items():
                if not continuations[i].done:
                    length = asks[i].length
                    continuations[i] = _extended(continuations[i], models[i], generation, len(before[i]), length)
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
