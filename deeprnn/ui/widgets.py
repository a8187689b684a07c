"""What several views show of a model: its title, its line of facts, the picker's choices; and the translation table.

Knows: checkpoints' metadata, words. Does not know: any one view.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from deeprnn.cells import CELLS
from deeprnn.checkpoint import CheckpointInfo
from deeprnn.registry import Registry
from deeprnn.ui.service import MAX_MODELS
from deeprnn.ui.text import Lang, tr

# Shown first, where they exist: three that know the book by heart, and ten plain layers that learned nothing.
FIRST_SHOWN = ("note-rnn-2", "note-gru-2", "note-lstm-2", "note-lstm-10")


@dataclass
class Translations:
    """Which property of which component says what in a language; filled while the page is built."""

    rows: list[tuple[Any, str, Callable[[Lang], Any]]] = field(default_factory=list)

    def add(self, component: Any, prop: str, key: str, **values: Any) -> None:
        """`component.prop` shows the string `key`."""
        self.add_made(component, prop, lambda lang: tr(key, lang, **values))

    def add_made(self, component: Any, prop: str, make: Callable[[Lang], Any]) -> None:
        """`component.prop` is what `make` makes of the language."""
        self.rows.append((component, prop, make))

    def components(self) -> list[Any]:
        """Each component once, in order."""
        return list(dict.fromkeys(component for component, _, _ in self.rows))

    def updates(self, lang: Lang) -> list[Any]:
        """One update a component, in the order of `components`."""
        props: dict[Any, dict[str, Any]] = {}
        for component, prop, make in self.rows:
            props.setdefault(component, {})[prop] = make(lang)
        return [gr.update(**props[component]) for component in self.components()]


def title(info: CheckpointInfo, lang: Lang) -> str:
    """Such as "LSTM, 10 layers, residual"."""
    layers = tr("layer" if info.config.num_layers == 1 else "layers", lang, n=info.config.num_layers)
    parts = [CELLS[info.config.cell].label, layers]
    if info.config.wiring != "stack":
        parts.append(tr("wrong", lang))
    elif info.config.residual:
        parts.append(tr("residual", lang))
    return ("，" if lang == "zh" else ", ").join(parts)


def titles(registry: Registry, lang: Lang) -> dict[str, str]:
    """A title for every model by name; where two would read alike, the name is added."""
    plain = {name: title(info, lang) for name, info in registry.infos.items()}
    twice = {t for t in plain.values() if list(plain.values()).count(t) > 1}
    return {name: f"{t} · {name}" if t in twice else t for name, t in plain.items()}


def facts(info: CheckpointInfo, lang: Lang) -> str:
    """One line: name, parameters, training text and its length."""
    text = info.metrics["text"]["name"].replace("_", " ").title()
    parameters = f"{info.num_params / 1e6:.2f} M"
    return " · ".join(
        [
            info.name,
            tr("parameters", lang, n=parameters),
            tr("trained_on", lang, text=text, chars=f"{info.train_chars:,}"),
        ]
    )


def perplexity(value: float) -> str:
    """Three decimals where they matter, so that 1.014 and 1.049 differ."""
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 10_000 else f"{value:.2e}"


def first_shown(registry: Registry) -> list[str]:
    """The models chosen when the page opens."""
    preferred = [name for name in FIRST_SHOWN if name in registry.infos]
    return preferred or list(registry.infos)[:4]


def choices(registry: Registry, lang: Lang) -> list[tuple[str, str]]:
    """The picker's entries: (title, name)."""
    return [(shown, name) for name, shown in titles(registry, lang).items()]


def model_picker(registry: Registry, words: Translations) -> gr.Dropdown:
    """Up to six models."""
    picker = gr.Dropdown(
        choices=choices(registry, "en"),
        value=first_shown(registry),
        multiselect=True,
        max_choices=MAX_MODELS,
        label=tr("models", "en", most=MAX_MODELS),
    )
    words.add(picker, "label", "models", most=MAX_MODELS)
    words.add_made(picker, "choices", lambda lang: choices(registry, lang))
    return picker
