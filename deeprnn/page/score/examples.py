"""The texts that the Score view offers, each with the models that show its point.

Knows: texts, models' metadata. Does not know: components, scores.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deeprnn.page.words import tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry
from deeprnn.text.vocab import Vocab
from deeprnn.words import Lang

TextOf = Callable[[CheckpointInfo], str | None]  # returns a model's main text, or None
MAX_UNKNOWN = 0.05  # the share of a text's characters that a model that fits it may not know
EXCERPT_CHARS = 600
REAL = ("real_train", "real_heldout", "real_other")
_BY_ROTE = ("note-lstm-2", "few-lstm-2", "note-lstm-10")
_MORE_TEXT = ("data-10k", "data-book", "data-wells-8")
# The beginning of the note's training text; d2l joins its lines without a space.
_READ = (
    "the time traveller for so it will be convenient to speak of himwas expounding a recondite matter to us"
    " his grey eyes shone andtwinkled"
)
# Written for this page, as are the other texts below.
_NEW = (
    "the old clockmaker had spoken of nothing else that evening and when the lamp burned low he drew his chair to the"
    " fire and told us how the strange engine worked"
)
_RECITED = _READ[: _READ.index(" his grey")]
_SHUFFLED = (
    "recondite eyes the him twinkled speak us a so expounding shone traveller to convenient his "
    "be for matter it and of time will to was grey"
)
_PROSE = "My dear friend, the train leaves Paris at 7:45. Bring two coats, an umbrella and good humour!"
_CHINESE = "那行者听了，心中暗笑道：“你这老儿好没道理，我一路上翻山过水，哪里肯为这点小事停下来？”"


@dataclass(frozen=True)
class Example:
    """A text, and the models with which it is scored."""

    text: str
    models: tuple[str, ...]


EXAMPLES = {
    "mixed": Example(_RECITED + _NEW[_NEW.index(" and when") :], _BY_ROTE),
    "memorised": Example(_READ, _BY_ROTE),
    "new": Example(_NEW, _BY_ROTE),
    "shuffled": Example(_SHUFFLED, _BY_ROTE),
    "prose": Example(_PROSE, _MORE_TEXT),
    "chinese": Example(_CHINESE, ("journey-gru-2",)),
}
DEFAULT = "mixed"


def about(registry: Registry, text: str, names: Sequence[str], lang: Lang) -> str:
    """Return what an example shows with its models, or "" for any other text or models."""
    shown = (key for key, example in EXAMPLES.items() if example.text == text and models(registry, key) == list(names))
    key = next(shown, None)
    return tr(f"score.about.{key}", lang, n=len(_RECITED)) if key else ""


def models(registry: Registry, key: str) -> list[str]:
    """Return the models with which an example is scored, or the first three if none of them is in the registry."""
    return [name for name in EXAMPLES[key].models if registry.find(name)] or list(registry.infos)[:3]


def chosen(registry: Registry, key: str, names: Sequence[str]) -> list[str]:
    """Return the models for an example: those of the reader's own choice that fit its text, else its own.

    names: the models that are chosen now. Those of any other example are not the reader's own choice.
    """
    own = models(registry, key)
    if list(names) in [models(registry, other) for other in EXAMPLES]:
        return own
    return fitting(registry, EXAMPLES[key].text, names) or own


def first_for(registry: Registry, names: Sequence[str]) -> str:
    """Return the text of the first example that one of the models can read, or of the first of all."""
    read = (one.text for one in EXAMPLES.values() if fitting(registry, one.text, names))
    return next(read, EXAMPLES[DEFAULT].text)


def fitting(registry: Registry, text: str, names: Sequence[str]) -> list[str]:
    """Return the models that read a text with its capitals, if it has any, and know at least 95% of its characters."""

    def fits(vocab: Vocab) -> bool:
        is_read = vocab.form == "full" or text == text.lower()
        return is_read and vocab.count_unknown(text) <= MAX_UNKNOWN * len(text)

    return [name for name in names if (info := registry.find(name)) and fits(info.vocab)]


def excerpt(registry: Registry, text_of: TextOf, names: Sequence[str], key: str) -> str | None:
    """Return an excerpt of a real text, or None if the text is not on this machine.

    key: "real_train" or "real_heldout", a part of the text of the first model whose text is; "real_other", held-out
        text of another.
    """
    chosen = [info for name in names if (info := registry.find(name))]
    known = (info for info in (*chosen, *registry.infos.values()) if text_of(info) is not None)
    info = next(known, next(iter(registry.infos.values())))
    if key == "real_other":
        own = info.metrics.text.name
        others = (one for one in registry.infos.values() if one.metrics.text.name != own)
        at_hand = ((one, text) for one in others if one.vocab.form == "full" and (text := text_of(one)))
        info, text = next(at_hand, (info, None))
        part = "val"
    else:
        text, part = text_of(info), "train" if key == "real_train" else "val"
    if text is None:
        return None
    start, end = info.metrics.text.ranges[part]
    middle = (start + end) // 2
    return text[middle : min(middle + EXCERPT_CHARS, end)]


def of_excerpt(registry: Registry, text: str, names: Sequence[str]) -> list[str]:
    """Return the models for an excerpt: those of `names` that fit it, else those that show what more text brings."""
    more = fitting(registry, text, _MORE_TEXT)
    return fitting(registry, text, names) or more or list(names)
