"""The picker of models in several views: its list, its filters, and which models can read a text.

Knows: checkpoints' metadata, words. Does not know: any one view.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

import gradio as gr

from deeprnn.nn.cells import CELLS
from deeprnn.page.service import MAX_MODELS
from deeprnn.page.shared.components import Drawing, ModelPicker
from deeprnn.page.shared.scripts import calling
from deeprnn.page.shared.widgets import QUIET, Joined, Translations, book, title_of, titles, warn, wiring
from deeprnn.page.words import LANGUAGES, tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.text.vocab import UNKNOWN_ID
from deeprnn.words import Lang

_MAX_REPLACEMENTS = 3  # models that replace those that cannot read a text
Choices = list[tuple[str, str]]
FILTERS: dict[str, Callable[[CheckpointInfo], str]] = {
    "cell": lambda info: CELLS[info.config.cell].label,
    "depth": lambda info: str(info.config.num_layers),
    "text": lambda info: info.metrics.text.name,
    "wiring": lambda info: wiring(info.config),
}


def choices(registry: Registry, lang: Lang, wanted: Sequence[str | None] = (), kept: Sequence[str] = ()) -> Choices:
    """Return the picker's entries (title, name): the models that pass the filters, and those that are chosen already.

    wanted: the filters' values, in the order of `FILTERS`; an empty one passes every model. kept: the chosen models.
    """
    tests = [(of, value) for of, value in zip(FILTERS.values(), wanted, strict=False) if value]
    own = [(title_of(registry, name, lang), name) for name in kept if registry.added(name)]
    return own + [
        (shown, name)
        for name, shown in titles(registry, lang).items()
        if name in kept or all(of(registry.info(name)) == value for of, value in tests)
    ]


def at_most(names: Sequence[str], lang: Lang, said: str) -> list[str]:
    """Return the first MAX_MODELS models; if there are more, show the sentence `said` as a warning."""
    if len(names) > MAX_MODELS:
        warn(said, lang, n=len(names), most=MAX_MODELS)
    return list(names[:MAX_MODELS])


def picked(registry: Registry, lang: Lang, wanted: Sequence[str | None], names: Sequence[str]) -> Any:
    """Return an update of the picker with these models chosen; its list has them and those that pass the filters."""
    return gr.update(choices=choices(registry, lang, wanted, names), value=list(names))


def knows_most(registry: Registry, name: str, text: str) -> bool:
    """Return whether a model knows more than half of a text's characters."""
    ids = registry.info(name).vocab.encode(text)
    return 2 * ids.count(UNKNOWN_ID) < len(ids)


def readers(registry: Registry, text: str, names: Sequence[str], first: Sequence[str] = ()) -> list[str]:
    """Return the chosen models that know more than half of a text's characters.

    If there are none, return up to three other models that do, those of `first` first; without any, the chosen models.
    """
    known = [name for name in names if registry.find(name) and knows_most(registry, name, text)]
    others = dict.fromkeys((*(name for name in first if registry.find(name)), *registry.infos))
    return known or [name for name in others if knows_most(registry, name, text)][:_MAX_REPLACEMENTS] or list(names)


def _filter_choices(registry: Registry, key: str, lang: Lang) -> list[tuple[str, str]]:
    found = {FILTERS[key](info) for info in registry.infos.values()}
    values = sorted(found, key=lambda value: (value.isdigit(), int(value) if value.isdigit() else 0, value))
    words: dict[str, Callable[[str], str]] = {
        "wiring": lambda value: tr(f"wiring.{value}", lang),
        "text": lambda value: book(value, lang),
    }
    named = [(words.get(key, str)(value), value) for value in values]
    return [(tr("picker.any", lang), ""), *named]


def entries(infos: Iterable[CheckpointInfo], shown: Callable[[Lang], dict[str, str]]) -> list[Any]:
    """Return models as `picker.js` reads them: name, titles by the name of a language, the value of each filter.

    shown: returns the titles by the models' names.
    """
    told = {language: shown(lang) for language, lang in LANGUAGES.items()}

    def entry(info: CheckpointInfo) -> list[Any]:
        said = {language: titles[info.name] for language, titles in told.items()}
        return [info.name, said, [of(info) for of in FILTERS.values()]]

    return list(map(entry, infos))


def narrow(
    registry: Registry,
    picker: gr.Dropdown,
    language: gr.Radio,
    own: Drawing,
    *,
    filters: Sequence[gr.Dropdown] = (),
    first: Sequence[Any] = (),
    wirings: Sequence[Joined] = get_args(Joined),
) -> None:
    """Let the browser make the list of a picker whenever what it depends on has changed.

    own: the board of the visitor's own models (see `own`), which come first. first: entries before all others. wirings:
    of the models that are offered.
    """
    infos = [info for info in registry.infos.values() if wiring(info.config) in wirings]
    models = entries(infos, functools.partial(titles, registry))
    asked = [*filters, picker, language, own]
    dropdowns: list[gr.Dropdown | gr.Radio] = [*filters, language]
    happened = [*(one.input for one in dropdowns), picker.change, own.change]
    made = calling("picker", "narrowed", {"first": first, "models": models, "wirings": wirings})
    gr.on(happened, None, asked, picker, js=made, queue=False, **QUIET)


def model_picker(
    registry: Registry, language: gr.Radio, words: Translations, own: Drawing, chosen: Sequence[str]
) -> ModelPicker:
    """Return a picker of up to six models, with four filters that shorten its list.

    own: the board of the visitor's own models.
    """
    picker = ModelPicker(
        choices=choices(registry, "en"),
        value=list(chosen),
        multiselect=True,
        label=tr("picker.models", "en", most=MAX_MODELS),
        elem_classes="picker",
    )
    words.add(picker, "label", "picker.models", most=MAX_MODELS)
    words.add_first(picker, "choices", functools.partial(choices, registry))
    with gr.Accordion(open=False, elem_classes="filters") as fold, gr.Row():
        filters = [
            gr.Dropdown(_filter_choices(registry, key, "en"), value="", min_width=110, filterable=False)
            for key in FILTERS
        ]
    picker.filters = filters
    words.add(fold, "label", "picker.filters")
    for key, component in zip(FILTERS, filters, strict=True):
        words.add(component, "label", f"filter.{key}")
        words.add_made(component, "choices", functools.partial(_filter_choices, registry, key))

    def on_pick(names: list[str], language: str) -> Any:
        kept = at_most(names, LANGUAGES[language], "picker.full")
        return gr.update(value=kept) if kept != names else gr.skip()

    picker.input(on_pick, [picker, language], picker, trigger_mode="always_last", **QUIET)
    narrow(registry, picker, language, own, filters=filters)
    return picker
