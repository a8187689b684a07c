"""What several views share: a model's title and line of facts, drawings, the table of translations.

Knows: checkpoints' metadata, words. Does not know: any one view.
"""

import contextlib
import functools
import html
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import gradio as gr

from deeprnn.config import ModelConfig, TrainConfig
from deeprnn.experiments.format import BETWEEN
from deeprnn.nn.cells import CELLS
from deeprnn.page.service import RequestError
from deeprnn.page.shared import alphabets
from deeprnn.page.shared.components import Drawing, carried
from deeprnn.page.shared.scripts import board_address, fetching, mounting
from deeprnn.page.words import LANGUAGES, WORDS, table, tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry, is_private
from deeprnn.store.results import FILE
from deeprnn.text.catalogue import catalogue
from deeprnn.words import Lang, in_both

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}  # no endpoint, no spinner
# gradio's groups of events: all that write texts share one set of places, all that read them a smaller one, since a
# text that is read takes a core until it is read. What a page asks for when it is opened is in neither.
WRITES: dict[str, Any] = {"concurrency_id": "writing"}
READS: dict[str, Any] = {"concurrency_id": "reading", "concurrency_limit": 8}


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
            content = carried({"labels": labels, "value": make()}).encode()
            file = board_address(view, content)
            self.files[file] = content
            board.js_on_load = fetching(view, file, in_both(lambda lang: table("fetched", lang)))

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


def warn(key: str, lang: Lang, **values: object) -> None:
    """Show the sentence `key` as a warning; gradio shows messages as HTML."""
    gr.Warning(html.escape(tr(key, lang, **values), quote=False), title=tr("warning_title", lang))


@contextlib.contextmanager
def refusing(lang: Lang) -> Iterator[None]:
    """Turn a `RequestError` inside into an error that the page shows, in the reader's language."""
    try:
        yield
    except RequestError as error:
        raise refusal(error, lang, as_html=True) from error


def refusal(error: RequestError, lang: Lang, *, as_html: bool = False) -> gr.Error:
    """Return the error of an answer: it names a field as the page names the control.

    as_html: for the page, which shows messages as HTML.
    """
    field = str(error.values.get("field"))
    message = tr(error.key, lang, **(error.values | {"field": table("field", lang).get(field, field)}))
    message = html.escape(message, quote=False) if as_html else message
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

    make: returns the value. labels: sent once. Both are sent with the page. fixed: the value is the same for everyone;
    then both are in a file that browsers fetch, with the view's script, when they draw the board, and keep.
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
    """Return the cell and the layers of a model, and how they are joined unless they are one or two plain ones.

    LayerNorm is named where it is in a plain stack, and where a residual one lacks it.
    """
    values = {"cell": CELLS[model.cell].label, "n": model.num_layers}
    joined = wiring(model)
    if joined == "plain" and model.num_layers <= 2:
        shown = tr("model.stack", lang, **values)
    else:
        shown = tr("model.wired", lang, wiring=tr(f"wiring.{joined}", lang), **values)
    if model.pre_norm == model.residual:
        return shown
    return tr("model.normed" if model.pre_norm else "model.not_normed", lang, stack=shown)


def _training_text(train: TrainConfig, lang: Lang) -> str:
    """Return what was read: of one text its title, or the number of characters if that is less than half of it.

    With noise, the number of all characters and the share that is noise.
    """
    names = (train.text, *train.more_texts)
    entries = [catalogue().get(name) for name in names]
    limit, first = train.max_train_chars, entries[0]
    if train.noisy_chars and limit:
        whole = limit + train.noisy_chars
        return tr("model.read.noisy", lang, n=f"{whole:,}", share=round(100 * train.noisy_chars / whole))
    if len(names) == 1 and limit and (first is None or limit < first.chars / 2):
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
    infos = registry.infos.values()
    plain = {info.name: title(info.config, info.metrics.train_config, lang) for info in infos}
    return _told_apart(plain, infos, lang)


def own_titles(registry: Registry, visitor: str | None, lang: Lang) -> dict[str, str]:
    """Return a title for every added model that a visitor sees, by name: its text is called what its visitor calls it.

    Models of one title are told apart as in `titles`, at last by numbers.
    """
    added = registry.own(visitor)
    plain = {}
    for one in added:
        config, train = one.info.config, one.info.metrics.train_config
        text = called(registry, one.info.name, lang)
        plain[one.info.name] = f"{stack(config, lang)} · {text}" if text else title(config, train, lang)
    public = set(titles(registry, lang).values())
    shown = _told_apart(plain, [one.info for one in reversed(added)], lang)
    return {name: tr("model.own", lang, title=one) if one in public else one for name, one in shown.items()}


def called(registry: Registry, name: str, lang: Lang) -> str | None:
    """Return what the visitor calls the text of an own model; None if the text, or the model, is everybody's."""
    added = registry.added(name)
    if added is None or added.called is None:
        return None
    return added.called or tr("training.label.pasted", lang)


def title_of(registry: Registry, name: str, lang: Lang) -> str:
    """Return the title of any model, also of one that was added.

    Raises:
        ValueError: there is no such model.
    """
    added = registry.added(name)
    if added:
        return own_titles(registry, added.visitor, lang)[name]
    return titles(registry, lang)[registry.info(name).name]


def _told_apart(plain: dict[str, str], infos: Iterable[CheckpointInfo], lang: Lang) -> dict[str, str]:
    """Return titles by name, with a detail where several models have the same."""
    alike = defaultdict(list)
    for info in infos:
        alike[plain[info.name]].append(info)
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
    number = [info.name for info in alike].index(name) + 1
    return [f"{number}" if is_private(name) else name]


def facts(registry: Registry, info: CheckpointInfo, lang: Lang) -> str:
    """Return one line of facts: name, parameters, training text and its length."""
    return " · ".join(
        [
            info.path.name,
            tr("model.parameters", lang, n=millions(info.num_params, lang)),
            tr("model.trained_on", lang, text=texts(registry, info, lang), chars=f"{info.train_chars:,}"),
        ]
    )


def millions(count: int, lang: Lang) -> str:
    """Return a large number in the units of a language: 0.49 M, 49 万."""
    return f"{count / 1e6:.2f} M" if lang == "en" else f"{count / 1e4:.0f} 万"


def book(name: str, lang: Lang) -> str:
    """Return the title of a text in one language, from its name in the catalogue."""
    key = f"book.{name}"
    return tr(key, lang) if key in WORDS else name.replace("_", " ").capitalize()


def texts(registry: Registry, info: CheckpointInfo, lang: Lang) -> str:
    """Return the title of a model's main training text, with the number of texts if there are several."""
    count = len({text.name for text in info.metrics.texts})
    first = called(registry, info.name, lang) or book(info.metrics.text.name, lang)
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


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def perplexity(value: float) -> str:
    """Return a perplexity as text: three decimals below 10, so that 1.014 and 1.049 differ."""
    if value >= 1_000_000:
        return _with_power(value, 2)
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 1_000 else f"{value:,.0f}"


def two_digits(value: float) -> str:
    """Return a number of any size as text with two significant digits, such as 0.21 or 2.1 × 10⁻⁷."""
    if value and not 0.0001 <= abs(value) < 10_000:
        return _with_power(value, 1)
    return f"{float(f'{value:.1e}'):g}"


def _with_power(value: float, decimals: int) -> str:
    digits, _, exponent = f"{value:.{decimals}e}".partition("e")
    return f"{digits} × 10{f'{int(exponent)}'.translate(_SUPERSCRIPTS)}" if exponent else digits  # "inf" has none


Joined = Literal["plain", "residual", "shared", "shared-updated"]


def wiring(model: ModelConfig) -> Joined:
    """Return how a model's layers are connected."""
    if model.wiring != "stack":
        return model.wiring
    return "residual" if model.residual else "plain"
