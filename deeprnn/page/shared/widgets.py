"""What several views share: a model's title and line of facts, the model picker, drawings, the table of translations.

Knows: checkpoints' metadata, words. Does not know: any one view.
"""

import contextlib
import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import gradio as gr

from deeprnn.config import ModelConfig, TrainConfig
from deeprnn.experiments.format import BETWEEN
from deeprnn.nn.cells import CELLS
from deeprnn.page.service import MAX_MODELS, RequestError
from deeprnn.page.shared import alphabets
from deeprnn.page.shared.components import Drawing, ModelPicker, carried
from deeprnn.page.shared.scripts import board_address, calling, fetching, mounting
from deeprnn.page.words import LANGUAGES, WORDS, table, tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.store.results import FILE
from deeprnn.text.catalogue import catalogue
from deeprnn.text.vocab import UNKNOWN_ID
from deeprnn.words import Lang, in_both

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}  # no endpoint, no spinner
Choices = list[tuple[str, str]]
_MAX_REPLACEMENTS = 3  # models that replace those that cannot read a text


@dataclass
class Translations:
    """The properties of components that depend on the language; the table is filled while the page is built.

    rows: properties that the browser changes with the language. first: properties that are sent with the page in the
    visitor's language, and later set by handlers. drawings: boards, whose values contain both languages. fixed: boards
    whose values browsers fetch, with their views and labels. files: these values by address.
    """

    rows: list[tuple[Any, str, Callable[[Lang], Any]]] = field(default_factory=list)
    first: list[tuple[Any, str, Callable[[Lang], Any]]] = field(default_factory=list)
    drawings: list[tuple[Drawing, Callable[[], Any]]] = field(default_factory=list)
    fixed: list[tuple[Drawing, Callable[[], Any], str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, component: Any, prop: str, key: str, **values: Any) -> None:
        """Set `component.prop` to the sentence `key`."""
        self.add_made(component, prop, lambda lang: tr(key, lang, **values))

    def add_made(self, component: Any, prop: str, make: Callable[[Lang], Any]) -> None:
        """Set `component.prop` to what `make` returns for the language."""
        self.rows.append((component, prop, make))

    def add_first(self, component: Any, prop: str, make: Callable[[Lang], Any]) -> None:
        """Set `component.prop` to what `make` returns for the language, only in the page as it is sent."""
        self.first.append((component, prop, make))

    def draw(self) -> None:
        """Set the value of every board that is sent with the page, and make the files of the others."""
        for board, make in self.drawings:
            board.value = board.postprocess(make())
        for board, make, view, labels in self.fixed:
            content = carried(make()).encode()
            file = board_address(view, content)
            self.files[file] = content
            board.js_on_load = fetching(view, labels, file, in_both(lambda lang: table("fetched", lang)))

    def speak(self, lang: Lang) -> None:
        """Set the properties of every component in one language."""
        for component, prop, make in (*self.rows, *self.first):
            setattr(component, prop, make(lang))

    def components(self) -> list[Any]:
        """Return each component with a row, once, in order."""
        return list(dict.fromkeys(component for component, _, _ in self.rows))

    def updates(self) -> dict[str, list[dict[str, Any]]]:
        """Return gradio's updates of the components, in the order of `components`, by the name of a language."""
        return {name: self._updates(lang) for name, lang in LANGUAGES.items()}

    def _updates(self, lang: Lang) -> list[dict[str, Any]]:
        props: dict[Any, dict[str, Any]] = {}
        for component, prop, make in self.rows:
            props.setdefault(component, {})[prop] = make(lang)
        return [gr.update(**props[component]) for component in self.components()]


def announce(registry: Registry, lang: Lang) -> None:
    """If models cannot answer yet, show a message that the answer comes as soon as they can."""
    if not registry.ready.is_set():
        gr.Info(tr("preparing", lang), title=tr("warning_title", lang))


@contextlib.contextmanager
def refusing(lang: Lang) -> Iterator[None]:
    """Turn a `RequestError` inside into an error that the page shows, in the reader's language."""
    try:
        yield
    except RequestError as error:
        raise refusal(error, lang) from error


def refusal(error: RequestError, lang: Lang) -> gr.Error:
    """Return the error that the page shows: it names a field as the page names the control."""
    field = str(error.values.get("field"))
    message = tr(error.key, lang, **(error.values | {"field": table("field", lang).get(field, field)}))
    return gr.Error(message, title=tr("error_title", lang), print_exception=False)


def drawing(
    words: Translations,
    make: Callable[[], Any],
    template: str,
    view: str,
    labels: Callable[[Lang], dict[str, str]],
    *,
    fixed: bool = False,
    **options: Any,
) -> Drawing:
    """Return a board on which a view's script draws a value in an HTML template, with labels.

    make: returns the value that is sent with the page. labels: sent once, with the page. fixed: the value is the same
    for everyone; it is not sent with the page, but a file that browsers fetch when they draw the board, and keep.
    """
    said = in_both(labels)
    board = Drawing(
        "",
        html_template=template,
        js_on_load=mounting(view, said),
        apply_default_css=False,
        **options,
    )
    if fixed:
        words.fixed.append((board, make, view, said))
    else:
        words.drawings.append((board, make))
    return board


def title(model: ModelConfig, train: TrainConfig, lang: Lang) -> str:
    """Return the title of a model: "LSTM × 2 · 10,000 characters", "GRU × 10 plain · The Time Machine"."""
    return f"{stack(model, lang)} · {_training_text(train, lang)}"


def stack(model: ModelConfig, lang: Lang) -> str:
    """Return the cell and the layers of a model, and how they are joined unless they are one or two plain ones."""
    values = {"cell": CELLS[model.cell].label, "n": model.num_layers}
    joined = wiring(model)
    if joined == "plain" and model.num_layers <= 2:
        return tr("model.stack", lang, **values)
    return tr("model.wired", lang, wiring=tr(f"wiring.{joined}", lang), **values)


def _training_text(train: TrainConfig, lang: Lang) -> str:
    """Return what was read: of one text its title, or the number of characters if that is less than half of it."""
    names = (train.text, *train.more_texts)
    entries = [catalogue().get(name) for name in names]
    limit, first = train.max_train_chars, entries[0]
    if len(names) == 1 and limit and (first is None or limit < first.bytes / 2):
        return tr("model.read.chars", lang, n=f"{limit:,}")
    if len(names) == 1:
        return book(train.text, lang)
    authors = {entry.author if entry else None for entry in entries}
    if None in authors:
        return tr("model.read.texts", lang, n=len(names))
    if len(authors) > 1:
        return tr("model.read.authors", lang, n=len(authors))
    return tr("model.read.books", lang, n=len(names), author=tr(f"author.{authors.pop()}", lang))


@functools.lru_cache(maxsize=8)  # every drawing of a text that is being written calls it
def titles(registry: Registry, lang: Lang) -> dict[str, str]:
    """Return a title for every model by name; models of one title are told apart by units, passes or their names."""
    plain = {name: title(info.config, info.metrics.train_config, lang) for name, info in registry.infos.items()}
    alike = defaultdict(list)
    for name, shown in plain.items():
        alike[shown].append(registry.infos[name])
    return {name: " · ".join([shown, *_detail(name, alike[shown], lang)]) for name, shown in plain.items()}


def _detail(name: str, alike: Sequence[CheckpointInfo], lang: Lang) -> list[str]:
    if len(alike) == 1:
        return []
    details = {
        info.name: (
            tr("model.units", lang, n=info.config.hidden_size),
            tr("model.passes", lang, n=info.metrics.train_config.epochs),
        )
        for info in alike
    }
    for chosen in (slice(1), slice(1, None), slice(None)):
        if len({detail[chosen] for detail in details.values()}) == len(alike):
            return list(details[name][chosen])
    return [name]


def facts(info: CheckpointInfo, lang: Lang) -> str:
    """Return one line of facts: name, parameters, training text and its length."""
    return " · ".join(
        [
            info.name,
            tr("model.parameters", lang, n=millions(info.num_params, lang)),
            tr("model.trained_on", lang, text=texts(info, lang), chars=f"{info.train_chars:,}"),
        ]
    )


def millions(count: int, lang: Lang) -> str:
    """Return a large number in the units of a language: 0.49 M, 49 万."""
    return f"{count / 1e6:.2f} M" if lang == "en" else f"{count / 1e4:.0f} 万"


def book(name: str, lang: Lang) -> str:
    """Return the title of a text in one language, from its name in the catalogue."""
    key = f"book.{name}"
    return tr(key, lang) if key in WORDS else name.replace("_", " ").capitalize()


def texts(info: CheckpointInfo, lang: Lang) -> str:
    """Return the title of a model's main training text, with the number of texts if there are several."""
    count = len(info.metrics.texts)
    first = book(info.metrics.text.name, lang)
    return tr("model.and_more", lang, text=first, n=count) if count > 1 else first


def alphabets_note(registry: Registry, infos: Sequence[CheckpointInfo], lang: Lang) -> str:
    """Return why the models' held-out perplexities cannot be compared, or how much their alphabets differ, else ""."""
    if len(set(map(alphabets.heldout, infos))) > 1:
        return tr("forms_differ", lang)
    differing = alphabets.differing(infos)
    if not differing:
        return ""
    counted = alphabets.most_unknown(registry, infos)
    if counted is None or not counted[1]:
        return tr("alphabets_differ", lang, n=len(differing))
    unknown, chars = counted
    key = "alphabets_unknown" if unknown else "alphabets_known"
    return tr(key, lang, n=len(differing), unknown=unknown, chars=f"{chars:,}", share=f"{unknown / chars:.2%}")


def results_note(registry: Registry, missing: Sequence[str], lang: Lang) -> str:
    """Return why answers are missing, and the remedy; "" if none is missing or there are no results."""
    if registry.results.broken:
        return tr("results_broken", lang, file=FILE)
    if not missing or not registry.results.runs:
        return ""
    return tr("results_lack", lang, file=FILE, missing=BETWEEN[lang].join(missing))


def perplexity(value: float) -> str:
    """Return a perplexity as text: three decimals below 10, so that 1.014 and 1.049 differ."""
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 10_000 else f"{value:.2e}"


Joined = Literal["plain", "residual", "shared", "shared-updated"]
FILTERS: dict[str, Callable[[CheckpointInfo], str]] = {
    "cell": lambda info: CELLS[info.config.cell].label,
    "depth": lambda info: str(info.config.num_layers),
    "text": lambda info: info.metrics.text.name,
    "wiring": lambda info: wiring(info.config),
}


def wiring(model: ModelConfig) -> Joined:
    """Return how a model's layers are connected."""
    if model.wiring != "stack":
        return model.wiring
    return "residual" if model.residual else "plain"


def choices(registry: Registry, lang: Lang, wanted: Sequence[str | None] = (), kept: Sequence[str] = ()) -> Choices:
    """Return the picker's entries (title, name): the models that pass the filters, and those that are chosen already.

    wanted: the filters' values, in the order of `FILTERS`; an empty one passes every model. kept: the chosen models.
    """
    tests = [(of, value) for of, value in zip(FILTERS.values(), wanted, strict=False) if value]
    return [
        (shown, name)
        for name, shown in titles(registry, lang).items()
        if name in kept or all(of(registry.infos[name]) == value for of, value in tests)
    ]


def at_most(names: Sequence[str], lang: Lang, said: str) -> list[str]:
    """Return the first MAX_MODELS models; if there are more, show the sentence `said` as a warning."""
    if len(names) > MAX_MODELS:
        gr.Warning(tr(said, lang, n=len(names), most=MAX_MODELS), title=tr("warning_title", lang))
    return list(names[:MAX_MODELS])


def picked(registry: Registry, lang: Lang, wanted: Sequence[str | None], names: Sequence[str]) -> Any:
    """Return an update of the picker with these models chosen; its list has them and those that pass the filters."""
    return gr.update(choices=choices(registry, lang, wanted, names), value=list(names))


def readers(registry: Registry, text: str, names: Sequence[str], first: Sequence[str] = ()) -> list[str]:
    """Return the chosen models that know more than half of a text's characters.

    If there are none, return up to three other models that do, those of `first` first; without any, the chosen models.
    """

    def knows(name: str) -> bool:
        ids = registry.infos[name].vocab.encode(text)
        return 2 * ids.count(UNKNOWN_ID) < len(ids)

    known = [name for name in names if name in registry.infos and knows(name)]
    others = dict.fromkeys((*(name for name in first if name in registry.infos), *registry.infos))
    return known or [name for name in others if knows(name)][:_MAX_REPLACEMENTS] or list(names)


def _filter_choices(registry: Registry, key: str, lang: Lang) -> list[tuple[str, str]]:
    found = {FILTERS[key](info) for info in registry.infos.values()}
    values = sorted(found, key=lambda value: (value.isdigit(), int(value) if value.isdigit() else 0, value))
    words: dict[str, Callable[[str], str]] = {
        "wiring": lambda value: tr(f"wiring.{value}", lang),
        "text": lambda value: book(value, lang),
    }
    named = [(words.get(key, str)(value), value) for value in values]
    return [(tr("picker.any", lang), ""), *named]


def model_picker(registry: Registry, language: gr.Radio, words: Translations, chosen: Sequence[str]) -> ModelPicker:
    """Return a picker of up to six models, with four filters that shorten its list."""
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
    asked: list[gr.Dropdown | gr.Radio] = [*filters, language]
    told = {name: titles(registry, lang) for name, lang in LANGUAGES.items()}
    models = [
        [name, {language: shown[name] for language, shown in told.items()}, [of(info) for of in FILTERS.values()]]
        for name, info in registry.infos.items()
    ]
    narrowed = calling("picker", "narrowed", models)
    gr.on([one.input for one in asked], None, [*filters, picker, language], picker, js=narrowed, queue=False, **QUIET)
    return picker
