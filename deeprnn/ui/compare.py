"""The Compare view: one prompt, one seed, up to six models writing side by side.

Knows: its controls, and how a run becomes cards. Does not know: the other views.

The cards are drawn by `cards.js` from one JSON value: {"prompt", "seed", "cards": [...]}. Each card holds what its
model wrote (model, prompt, text, state, speed, unknown) and the words around it; the words are made anew in another
language. A recording has a prompt of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from deeprnn.checkpoint import CheckpointInfo
from deeprnn.registry import Registry
from deeprnn.ui import service
from deeprnn.ui.service import MAX_NEW_CHARS, MAX_PROMPT_CHARS, MAX_SEED, RequestError
from deeprnn.ui.text import LANGUAGES, Lang, tr
from deeprnn.ui.theme import asset
from deeprnn.ui.widgets import Translations, facts, first_shown, model_picker, perplexity, titles

PROMPT = "the time traveller"
Cards = dict[str, Any]
NOTHING: Cards = {"prompt": "", "seed": 0, "cards": []}


def reading(info: CheckpointInfo) -> str:
    """Which sentence the two perplexities of a model deserve.

    By heart: under 1.2 on its training text, worse than guessing on new text. Flat: on its training text within 3% of
    what letter frequencies alone reach. Overfit: new text at least half as perplexing again. Else it generalises.
    """
    train, heldout = info.train_ppl, info.heldout_ppl
    if train < 1.2 and heldout > len(info.vocab):
        return "reading_rote"
    if train > 0.97 * info.unigram_ppl:
        return "reading_flat"
    return "reading_overfit" if heldout > 1.5 * train else "reading_general"


def recorded(registry: Registry, names: list[str], lang: Lang) -> Cards:
    """The cards of these models with the continuations recorded when they were trained."""
    samples = [registry.infos[name].metrics["sample"] for name in names]
    state = {"state": "recorded", "speed": 0.0, "unknown": 0}
    runs = [
        {"model": name, "prompt": sample["prompt"], "text": sample["text"]} | state
        for name, sample in zip(names, samples, strict=True)
    ]
    first = samples[0] if samples else NOTHING
    return cards(registry, first["prompt"], first["seed"], runs, lang)


def cards(registry: Registry, prompt: str, seed: int, runs: list[dict[str, Any]], lang: Lang) -> Cards:
    """What `cards.js` draws, in a language."""
    shown = titles(registry, lang)
    made = [
        {"prompt": prompt} | run | _words(registry.infos[run["model"]], shown[run["model"]], run, seed, lang)
        for run in runs
    ]
    return {"prompt": prompt, "seed": seed, "cards": made}


def _words(info: CheckpointInfo, title: str, run: dict[str, Any], seed: int, lang: Lang) -> dict[str, Any]:
    guess = len(info.vocab)
    train, heldout = perplexity(info.train_ppl), perplexity(info.heldout_ppl)
    status = {
        "recorded": tr("recorded", lang, seed=seed),
        "writing": tr("writing", lang),
        "finished": tr("finished", lang),
        "stopped": tr("stopped", lang),
        "waiting": tr("waiting", lang),
    }[run["state"]]
    parts = [status]
    if run["speed"]:
        parts.append(tr("speed", lang, n=f"{run['speed']:,.0f}"))
    if run["unknown"]:
        parts.append(tr("unread", lang, n=run["unknown"]))
    return {
        "title": title,
        "cell": info.config.cell,
        "depth": info.config.num_layers,
        "meta": facts(info, lang),
        "train": info.train_ppl,
        "heldout": info.heldout_ppl,
        "guess": guess,
        "train_text": train,
        "heldout_text": heldout,
        "aria": tr("perplexities", lang, train=train, heldout=heldout, guess=guess),
        "labels": {key: tr(key, lang) for key in ("train", "heldout", "guessing")},
        "reading": tr(reading(info), lang, guess=guess),
        "status": " · ".join(parts),
    }


def show(registry: Registry, names: list[str], current: Cards | None, lang: Lang) -> Cards:
    """The cards of another choice of models: what is written stays, and whoever was writing has stopped.

    Before anything is written, every card shows its recording; afterwards a newly chosen model is empty, since its
    recording continues another prompt.
    """
    names = [name for name in names or [] if name in registry.infos]
    fresh = recorded(registry, names, lang)
    if not current or not current.get("cards") or all(run["state"] == "recorded" for run in current["cards"]):
        return fresh
    written = {run["model"]: run for run in stopped(registry, current, lang)["cards"]}
    waiting = {"text": "", "state": "waiting", "speed": 0.0, "unknown": 0}
    runs = [written.get(name) or {"model": name} | waiting for name in names]
    return cards(registry, current["prompt"], current["seed"], runs, lang)


def relabel(registry: Registry, current: Cards | None, lang: Lang) -> Cards:
    """The same cards in another language."""
    current = current or NOTHING
    return cards(registry, current["prompt"], current["seed"], current["cards"], lang)


def stopped(registry: Registry, current: Cards | None, lang: Lang) -> Cards:
    """The same cards, nobody writing any more."""
    current = current or NOTHING
    runs = [run | {"state": "stopped"} if run["state"] == "writing" else run for run in current["cards"]]
    return cards(registry, current["prompt"], current["seed"], runs, lang)


@dataclass
class Desk:
    """What a reader asks of a run that is under way. The run carries it out, so that nobody else draws meanwhile."""

    lang: Lang
    names: list[str]
    stop: bool = False


def write(
    registry: Registry, desk: Desk, prompt: str, temperature: float, max_chars: int, seed: int
) -> Iterator[Cards]:
    """Cards that fill while the models of the desk write, until they have finished or the desk says stop.

    The last cards are in the language and of the models that the desk names by then.

    Raises:
        RequestError: see `service.stream`.
    """
    updates = service.stream(
        registry, prompt=prompt, models=desk.names, max_chars=max_chars, temperature=temperature, seed=seed
    )
    current = NOTHING
    for update in updates:
        runs = [
            {
                "model": one.model,
                "text": one.text,
                "state": "finished" if one.done else "writing",
                "speed": one.chars_per_second,
                "unknown": one.unknown,
            }
            for one in update
        ]
        current = cards(registry, prompt, int(seed), runs, desk.lang)
        if desk.stop:
            break
        yield current
    yield show(registry, desk.names, current, desk.lang)


def build(registry: Registry, language: gr.Radio, words: Translations) -> None:
    """Lay the view out and connect it."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=280):
            prompt = gr.Textbox(PROMPT, lines=3, max_length=MAX_PROMPT_CHARS, elem_id="prompt")
            picker = model_picker(registry, words)
            temperature = gr.Slider(0, 2, 0.8, step=0.05)
            with gr.Row():
                length = gr.Number(300, minimum=1, maximum=MAX_NEW_CHARS, precision=0, min_width=100)
                seed = gr.Number(7, minimum=0, maximum=MAX_SEED, precision=0, min_width=100)
            with gr.Row():
                go = gr.Button(variant="primary", elem_id="generate", min_width=120)
                stop = gr.Button(elem_id="stop", min_width=80)
            keys = gr.Markdown(elem_classes="hint")
            measure = gr.Markdown(elem_classes="hint")
        with gr.Column(scale=3, min_width=320):
            board = gr.HTML(
                recorded(registry, first_shown(registry), "en"),
                html_template='<div class="cards" role="list"></div>',
                js_on_load=asset("cards.js"),
                apply_default_css=False,
                elem_id="board",
            )
    words.add(prompt, "label", "prompt")
    words.add(temperature, "label", "temperature")
    words.add(temperature, "info", "temperature_hint")
    words.add(length, "label", "length")
    words.add(seed, "label", "seed")
    words.add(go, "value", "generate")
    words.add(stop, "value", "stop")
    words.add(keys, "value", "keys")
    words.add(measure, "value", "measure")

    desks: dict[str | None, Desk] = {}  # of the runs under way, by the visitor's session

    def on_generate(
        prompt: str,
        names: list[str],
        temperature: float,
        length: int,
        seed: int,
        language: str,
        request: gr.Request,
    ) -> Iterator[Cards]:
        desk = desks[request.session_hash] = Desk(lang=LANGUAGES[language], names=names)
        try:
            yield from write(registry, desk, prompt, temperature, length, seed)
        except RequestError as error:
            raise gr.Error(error.message(desk.lang), print_exception=False) from error
        finally:
            desks.pop(request.session_hash, None)

    def on_stop(request: gr.Request) -> None:
        if desk := desks.get(request.session_hash):
            desk.stop = True

    def on_pick(names: list[str], current: Cards | None, language: str, request: gr.Request) -> Any:
        if desk := desks.get(request.session_hash):
            desk.names, desk.stop = names, True
            return gr.skip()
        return show(registry, names, current, LANGUAGES[language])

    def on_language(current: Cards | None, language: str, request: gr.Request) -> Any:
        if desk := desks.get(request.session_hash):
            desk.lang = LANGUAGES[language]
            return gr.skip()
        return relabel(registry, current, LANGUAGES[language])

    # All go through the queue, whose messages to one visitor arrive in order.
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    go.click(on_generate, [prompt, picker, temperature, length, seed, language], board, trigger_mode="once", **quiet)
    stop.click(on_stop, None, None, **quiet)
    picker.change(on_pick, [picker, board, language], board, **quiet)
    language.change(on_language, [board, language], board, **quiet)
