"""The Compare view: one prompt, one seed, up to six models writing side by side.

Knows: which control calls which handler, and what it sets. Does not know: the other views.

`cards.js` draws the board. It calls the `server` functions (see `beside`), and triggers events: a click on a possible
next character (`select`), a file to open (`upload`), the way back to the recordings of a question (`clear`).
"""

from typing import Any

import gradio as gr

from deeprnn.page.address import Addresses
from deeprnn.page.compare.controls import EXAMPLES, Controls, budgets
from deeprnn.page.compare.handlers import Handlers
from deeprnn.page.shared.components import Drawing
from deeprnn.page.shared.scripts import calling
from deeprnn.page.shared.widgets import QUIET, WRITES, Translations
from deeprnn.store.registry import Registry


def build(registry: Registry, addresses: Addresses, language: gr.Radio, words: Translations, own: Drawing) -> None:
    """Create the components of the view and connect their events; own: the board of the visitor's own models."""
    ui, handlers = Controls(registry, language, words, own), Handlers(registry)
    _connect_runs(ui, handlers, addresses, language)
    _connect_choices(ui, handlers, language)
    language.input(None, [ui.preset, language], ui.budget, js=budgets(registry), queue=False, **QUIET)


def _connect_runs(ui: Controls, handlers: Handlers, addresses: Addresses, language: gr.Radio) -> None:
    """Connect the events that make models write. They use the queue, whose messages to one visitor arrive in order."""
    anew: dict[str, Any] = QUIET | {"trigger_mode": "multiple"}  # an event does not wait for a run to end
    writes = anew | WRITES
    everything = [language, *ui.asked()]
    ui.go.click(handlers.on_generate, everything, ui.board, **writes)
    ui.more.click(handlers.on_continue, [language, ui.board, ui.length], ui.board, **writes)
    for asked_for in (ui.shape.input, ui.acrostic.submit, ui.regulated.input):
        asked_for(handlers.on_generate, everything, ui.board, **writes)
    ui.stop.click(handlers.on_stop, ui.board, ui.board, **anew)
    told = calling("compare", "tellSettings")
    ui.board.select(None, ui.settings(), None, js=told, queue=False, **QUIET)
    ui.board.undo(None, None, ui.settings(), js=calling("compare", "settingsBefore"), queue=False, **QUIET)
    branch = ui.board.select(handlers.on_branch, None, ui.prompt, **QUIET)
    branch.then(handlers.on_generate, everything, ui.board, **writes)
    written = gr.State(None)  # the language, length, turn and prompt of a comparison that the address asks for
    visited = [ui.board, ui.preset, ui.picker, ui.budget, *ui.settings(), written]
    addresses.follow("compare", handlers.on_address, visited, typed=ui.prompt)
    # if the address asks for no text, no second request is sent
    written.change(handlers.on_asked, [written, *ui.asked()], ui.board, **QUIET, **WRITES)


def _connect_choices(ui: Controls, handlers: Handlers, language: gr.Radio) -> None:
    """Connect the events that choose models: the list, questions, examples, files."""
    for happened in ("input", "change"):  # by the reader; also by the server
        told = calling("compare", "tellModels", happened)
        getattr(ui.picker, happened)(None, ui.picker, None, js=told, queue=False, **QUIET)
    picked = [ui.board, ui.preset, ui.budget]
    held = [ui.board, language, *ui.picker.filters]
    shown = [ui.board, ui.picker, *ui.settings()]
    last: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}  # of several quick choices
    ui.preset.input(handlers.on_preset, [ui.preset, *held], [*shown, ui.budget], **last)
    ui.budget.input(handlers.on_budget, [ui.preset, ui.budget, *held], shown, **last)
    ui.board.clear(handlers.on_back, held, shown, **last)
    ui.board.input(handlers.on_pick, [ui.picker, ui.board], picked, **last)
    opened = [ui.board, ui.preset, ui.picker, ui.budget, *ui.settings()]
    ui.board.upload(handlers.on_open_file, [language, *ui.picker.filters], opened, **QUIET)
    for button, text in zip(ui.examples, EXAMPLES, strict=True):
        set_by_example = [ui.prompt, ui.board, ui.picker, ui.preset, ui.budget]
        chosen = button.click(handlers.on_example(text), [ui.picker, *held], set_by_example, **QUIET)
        chosen.then(handlers.on_generate, [language, *ui.asked()], ui.board, trigger_mode="multiple", **QUIET, **WRITES)
