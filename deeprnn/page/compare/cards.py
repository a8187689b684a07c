"""What the Compare view shows: the text of each model, and the words and figures around it.

Knows: checkpoints' metadata, words, what `cards.js` draws. Does not know: components.

A `Board` holds the texts; `draw` adds the words of both languages. The browser sends the drawn value back, and this
input is untrusted: `Board.read` checks it, and takes only the fields of a `Board` from it.

Each drawing has a number, its turn, which increases. `cards.js` never draws an older one over a newer one.
"""

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, Self, get_args

from deeprnn.experiments.format import BETWEEN
from deeprnn.experiments.question import Budget
from deeprnn.page import service
from deeprnn.page.compare import recordings
from deeprnn.page.service import MAX_MODELS, MAX_PROMPT_CHARS, MAX_SEED, MAX_WRITTEN_CHARS, RequestError
from deeprnn.page.shared.components import carried
from deeprnn.page.shared.poems import FREE, SHAPES, given_places, rhyming_places, settings_of, write_poems
from deeprnn.page.shared.questions import comparisons, verdict
from deeprnn.page.shared.widgets import alphabets_note, book, called, facts, perplexity, title_of
from deeprnn.page.words import table, tr
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry, is_private
from deeprnn.text.poem_form import POEM_BEFORE, PoemForm, opening_in
from deeprnn.words import Lang, in_both

State = Literal["recorded", "waiting", "writing", "stopped", "finished", "broken"]
Reading = Literal["rote", "flat", "overfit", "less", "general"]
Drawn = dict[str, Any]
_TURNS = itertools.count(time.time_ns() // 1_000_000)  # higher than all earlier ones, even after a restart
NUMBERS = {"temperature": 0.8, "top_k": 0, "top_p": 1.0, "max_chars": 300}


@dataclass(frozen=True, kw_only=True)
class Card:
    """What one model wrote after a prompt.

    speed: characters per second of the model's own time; 0: not measured. unknown: how many characters of the prompt
    are outside the model's alphabet.
    """

    model: str
    prompt: str
    text: str = ""
    state: State = "waiting"
    speed: float = 0.0
    unknown: int = 0


@dataclass(frozen=True, kw_only=True)
class Board:
    """What several models wrote after one prompt with one seed; a recording has a prompt of its own.

    sampling: temperature, top_k, top_p, max_chars. preset, budget: the comparison that it shows, and what is equal in
    it; None: it shows no comparison of a question. form: of the poems that it shows, which begin as the prompt says;
    None: texts without a form. gone: whether the card of a visitor's own model was left out because the model has been
    removed.
    """

    prompt: str
    seed: int
    sampling: dict[str, float]
    cards: tuple[Card, ...]
    preset: str | None = None
    budget: Budget | None = None
    form: PoemForm | None = None
    gone: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the models, in order."""
        return [card.model for card in self.cards]

    @classmethod
    def read(cls, registry: Registry, value: Any) -> Self:
        """Return the board in a drawn value or an export, with every field checked.

        Raises:
            RequestError: the value is not a board, or one of its models is not in the registry.
        """
        try:
            sampling = {key: _finite(value["sampling"][key]) for key in NUMBERS}
            named = value["cards"]
            there = [card for card in named if registry.find(card["model"]) or not is_private(card["model"])]
            cards = tuple(_read_card(registry, card) for card in there)
            prompt, seed = _string(value["prompt"], MAX_PROMPT_CHARS), int(value["seed"])
            form = _read_form(opening_in(prompt), **{key: value[key] for key in settings_of(None) if key in value})
            if len(cards) > MAX_MODELS or not 0 <= seed <= MAX_SEED:
                raise ValueError
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RequestError("error_file") from error
        preset, budget = value.get("preset"), value.get("budget")
        groups = getattr(comparisons(registry).get(preset), "groups", ()) if isinstance(preset, str) else ()
        if budget not in list(groups):  # a list: the value from the browser may be unhashable
            preset = budget = None
        return cls(
            prompt=prompt,
            seed=seed,
            sampling=sampling,
            cards=cards,
            preset=preset,
            budget=budget,
            form=form,
            gone=len(there) < len(named),
        )

    def stopped(self, speeds: Mapping[str, float] = MappingProxyType({})) -> Self:
        """Return the same board with all writing stopped; speeds: of the models that were writing, by name."""
        cards = (
            replace(card, state="stopped", speed=speeds.get(card.model, card.speed))
            if card.state in ("writing", "stopped")
            else card
            for card in self.cards
        )
        return replace(self, cards=tuple(cards))


def _read_card(registry: Registry, card: Any) -> Card:
    if registry.find(card["model"]) is None or card["state"] not in get_args(State):
        raise ValueError
    return Card(
        model=card["model"],
        prompt=_string(card["prompt"], MAX_PROMPT_CHARS),
        text=_string(card["text"], MAX_WRITTEN_CHARS),
        state=card["state"],
        speed=_finite(card["speed"]),
        unknown=int(card["unknown"]),
    )


def _read_form(opening: str, shape: Any = FREE, acrostic: Any = "", regulated: Any = False) -> PoemForm | None:
    if shape == FREE:
        return None
    if not isinstance(regulated, bool):
        raise TypeError
    (line_chars, lines), acrostic = SHAPES[shape], _string(acrostic, MAX_PROMPT_CHARS)
    return PoemForm(line_chars=line_chars, lines=lines, opening=opening, acrostic=acrostic, regulated=regulated)


def _string(value: Any, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise ValueError
    value.encode()  # raises UnicodeEncodeError for a lone surrogate
    return value


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError
    return value


def recorded(registry: Registry, names: Sequence[str]) -> Board:
    """Return a board of the continuations recorded when the models were trained, each after its own prompt."""
    samples = [registry.info(name).metrics.sample for name in names]
    cards = tuple(
        Card(model=name, prompt=sample.prompt, text=sample.text, state="recorded")
        for name, sample in zip(names, samples, strict=True)
    )
    if not samples:
        return Board(prompt="", seed=0, sampling=NUMBERS, cards=())
    first = samples[0]
    numbers = NUMBERS | {"temperature": first.temperature, "max_chars": first.max_chars}
    return Board(prompt=first.prompt, seed=first.seed, sampling=numbers, cards=cards)


def of_preset(registry: Registry, key: str, budget: Budget) -> Board:
    """Return the recordings of a question's models after its prompt; if one is missing, those of `recorded`."""
    preset = comparisons(registry)[key]
    board = recorded_after(registry, preset.prompt, preset.groups[budget]) or recorded(registry, preset.groups[budget])
    return replace(board, preset=key, budget=budget)


def recorded_after(registry: Registry, prompt: str, names: Sequence[str]) -> Board | None:
    """Return a board of the models' recordings after one prompt, or None if a model has none."""
    texts = [recordings.read(registry).get((prompt, name)) for name in names]
    cards = tuple(
        Card(
            model=name,
            prompt=prompt,
            text=text,
            state="recorded",
            unknown=registry.info(name).vocab.count_unknown(prompt),
        )
        for name, text in zip(names, texts, strict=True)
        if text
    )
    if not cards or len(cards) < len(names):
        return None
    made = recordings.SETTINGS
    numbers = NUMBERS | {"temperature": made["temperature"], "max_chars": made["max_chars"]}
    return Board(prompt=prompt, seed=made["seed"], sampling=numbers, cards=cards)


def _follow_the_prompt(registry: Registry, board: Board) -> bool:
    """Return whether the cards show what `recorded_after` does: recordings after the board's prompt."""
    after = recorded_after(registry, board.prompt, board.names)
    return after is not None and after.cards == board.cards


def show(registry: Registry, names: Sequence[str], board: Board) -> Board:
    """Return the board for another choice of models: written texts stay, and models that were writing have stopped.

    If all cards are recordings, every model shows its recording of that kind: its sample, or the one after the board's
    prompt if each has one. Otherwise, the card of a newly chosen model is empty, because its recording continues
    another prompt.
    """
    names = [name for name in names if registry.find(name)][:MAX_MODELS]
    if not names:
        return replace(board, cards=(), preset=None, budget=None)
    if all(card.state == "recorded" for card in board.cards):
        is_after = not board.cards or _follow_the_prompt(registry, board)
        return (recorded_after(registry, board.prompt, names) if is_after else None) or recorded(registry, names)
    written = {card.model: card for card in board.stopped().cards}
    form = board.form if write_poems(registry, names) else None
    prompt = POEM_BEFORE if form else board.prompt
    cards = tuple(written.get(name) or Card(model=name, prompt=prompt) for name in names)
    return replace(board, cards=cards, preset=None, budget=None, form=form)


def reading(info: CheckpointInfo) -> Reading:
    """Return which sentence describes the two perplexities of a model.

    "rote": below 1.2 on its training text, and worse than guessing on held-out text. "flat": on its training text,
    above 0.9 times the perplexity of letter frequencies. "overfit": on held-out text, above 1.5 times that on its
    training text. "less": above 1.15 times. "general": at most 1.15 times.
    """
    train, heldout = info.train_ppl, info.heldout_ppl
    if train < 1.2 and heldout > len(info.vocab):
        return "rote"
    if train > 0.9 * info.unigram_ppl:
        return "flat"
    if heldout > 1.5 * train:
        return "overfit"
    return "less" if heldout > 1.15 * train else "general"


def as_recorded(registry: Registry, board: Board) -> bool:
    """Return whether a question's texts are its recordings, or were written with the same settings, not continued."""
    if board.preset is None or board.budget is None or all(card.state == "recorded" for card in board.cards):
        return True
    if board.form:
        return False
    sample = of_preset(registry, board.preset, board.budget)
    continued = any(len(card.text) > sample.sampling["max_chars"] for card in board.cards)
    made = (board.prompt, board.seed, board.sampling) == (sample.prompt, sample.seed, sample.sampling)
    return made and not continued


def next_turn() -> int:
    """Return the turn of a drawing that is requested now."""
    return next(_TURNS)


class Growing:
    """The drawing of a board that is being written, as a text to which lines are only added.

    Its first line is the drawn board. Each further line is a list with one entry for each card: the characters that
    were added, or the whole card if its state has changed.
    """

    def __init__(self, registry: Registry, turn: int) -> None:
        self._registry, self._turn = registry, turn
        self._text = ""
        self._drawn: Board | None = None

    def grown(self, board: Board) -> str:
        """Add the changes of the board since the last call; return the whole text."""
        if self._drawn is None:
            self._text = carried(draw(self._registry, board, self._turn))
        else:
            pairs = zip(self._drawn.cards, board.cards, strict=True)
            if any(news := [self._news(old, card, board) for old, card in pairs]):
                self._text += "\n" + carried(news)
        self._drawn = board
        return self._text

    def _news(self, old: Card, card: Card, board: Board) -> Any:
        if card.state == old.state:
            return card.text[len(old.text) :]
        return in_both(lambda lang: _card(self._registry, card, board, lang, alone=False))


def draw(registry: Registry, board: Board, turn: int | None = None) -> Any:
    """Return what `cards.js` draws, in both languages. turn: None: the next one."""
    turn = next_turn() if turn is None else turn
    return in_both(lambda lang: _drawn(registry, board, lang, turn))


def _drawn(registry: Registry, board: Board, lang: Lang, turn: int) -> Drawn:
    """Return what `cards.js` draws in one language."""
    preset = comparisons(registry).get(board.preset or "")
    return {
        "turn": turn,
        "prompt": board.prompt,
        "seed": board.seed,
        "sampling": board.sampling,
        "after": _follow_the_prompt(registry, board),
        "preset": board.preset,
        "budget": board.budget,
        "poems": write_poems(registry, board.names),
        "lines": bool(board.cards) and all(map(registry.lines, board.names)),
        **settings_of(board.form),
        "lens": preset.highlight if preset else None,
        "verdict": verdict(registry, preset, board.budget, lang) if preset and board.budget else None,
        "elsewhere": "" if as_recorded(registry, board) else _recorded_with(registry, board, lang),
        "note": alphabets_note(registry, [registry.info(name) for name in board.names], lang),
        "cards": [_card(registry, card, board, lang, alone=not preset) for card in board.cards],
    }


def _recorded_with(registry: Registry, board: Board, lang: Lang) -> str:
    """Return the settings with which the texts of the board's question were recorded, in words."""
    if board.preset is None or board.budget is None:
        return ""
    sample = of_preset(registry, board.preset, board.budget)
    settings: dict[str, Any] = {key: f"{sample.sampling[key]:g}" for key in ("temperature", "max_chars")}
    return tr("compare.recorded_with", lang, prompt=sample.prompt.strip(), seed=sample.seed, **settings)


def labels(lang: Lang) -> dict[str, str]:
    """Return the labels that every board has."""
    others = {key: tr(key, lang) for key in ("heat_scale", "heat_scale_high")}
    return table("compare.label", lang) | others | {"stopped": tr("compare.state.stopped", lang)}


def _card(registry: Registry, card: Card, board: Board, lang: Lang, *, alone: bool) -> Drawn:
    info = registry.info(card.model)
    guess = len(info.vocab)
    train, heldout = perplexity(info.train_ppl), perplexity(info.heldout_ppl)
    return {
        "model": card.model,
        "prompt": card.prompt,
        "text": card.text,
        "state": card.state,
        "speed": card.speed,
        "unknown": card.unknown,
        "title": title_of(registry, card.model, lang),
        "cell": info.config.cell,
        "depth": info.config.num_layers,
        "meta": facts(registry, info, lang),
        "train": info.train_ppl,
        "heldout": info.heldout_ppl,
        "guess": guess,
        "train_text": train,
        "heldout_text": heldout,
        "aria": tr("compare.perplexities", lang, train=train, heldout=heldout, guess=guess),
        "short": tr("compare.short", lang, train=_rounded(info.train_ppl), heldout=_rounded(info.heldout_ppl)),
        "reading": tr(f"compare.reading.{reading(info)}", lang, guess=guess),
        "status": _status(card, board.seed, lang, alone=alone),
        **_marks_of_poems(registry, card, board.form),
    } | _analysed(registry, card, board.form, lang)


def _marks_of_poems(registry: Registry, card: Card, form: PoemForm | None) -> Drawn:
    """Return the places in a text of the characters that were given, and of those that rhyme once it is written."""
    given = [at for at in given_places(form) if at < len(card.text)] if form else []
    is_written = card.state != "writing" and write_poems(registry, [card.model])
    return {"given": given, "rhymes": rhyming_places(card.text) if is_written else []}


def _rounded(ppl: float) -> str:
    """Return a perplexity with three digits: 1.03, 17.4, 134, 1,340."""
    return f"{ppl:.3g}" if ppl < 999 else f"{ppl:,.0f}"


def _status(card: Card, seed: int, lang: Lang, *, alone: bool) -> str:
    """Return the state of a card in words; alone: no question names the prompt of a recording, so the card does."""
    if card.state == "broken":
        return tr("error_broken", lang, name=card.model)
    state = "recorded_after" if alone and card.state == "recorded" else card.state
    parts = [tr(f"compare.state.{state}", lang, seed=seed, prompt=card.prompt)]
    if card.speed:
        parts.append(tr("compare.speed", lang, n=f"{card.speed:,.0f}"))
    if card.unknown:
        parts.append(tr("compare.unread", lang, n=card.unknown))
    return " · ".join(parts)


_UNMARKED: Drawn = {"nats": None, "runs": [], "rote": "", "places": [], "quality": []}


def _analysed(registry: Registry, card: Card, form: PoemForm | None, lang: Lang) -> Drawn:
    """Return the marks of the highlights and of the rote meter; they are empty while the model writes."""
    if card.state == "writing" or not card.text:
        return _UNMARKED
    try:
        found = service.analyse(registry, card.model, card.prompt, card.text)
    except RequestError as error:  # its weights are broken: only this card shows the error
        return _UNMARKED | {"status": error.message(lang)}
    own = called(registry, card.model, lang)
    spans = [[one["start"], one["end"], _place(one, own, lang)] for one in found["runs"]]
    spans += (lines := _copied_lines(found["lines"] or [], form))
    longest = max(found["runs"], key=lambda one: one["end"] - one["start"], default=None)
    places = [one["fraction"] for one in found["runs"] if one["text"] == longest["text"]] if longest else []
    return {
        "nats": found["nats"] and [round(nats, 2) for nats in found["nats"]],  # more digits make no visible difference
        "runs": spans,
        "rote": _rote(found, longest, own, lang),
        "places": places,
        "quality": _said_of_lines(found["lines"], lines, lang)
        + (_quality(found, lang) if found["nats"] is not None else [tr("compare.unread_yet", lang)]),
    }


def _copied_lines(lines: Sequence[Drawn], form: PoemForm | None) -> list[list[Any]]:
    """Return the known lines of verse as [start, end, poem], without those of which the reader gave every character."""
    given = set(given_places(form)) if form else set()
    return [
        [one["start"], one["end"], one["source"]]
        for one in lines
        if not given.issuperset(range(one["start"], one["end"]))
    ]


def _said_of_lines(known: Sequence[Drawn] | None, lines: Sequence[Sequence[Any]], lang: Lang) -> list[str]:
    """Return how many lines of verse are copied, and from which poems; nothing if that is not known."""
    if known is None:
        return []
    poems = BETWEEN[lang].join(dict.fromkeys(source for _, _, source in lines))
    return [tr("compare.lines", lang, n=len(lines), poems=poems) if lines else tr("compare.lines_none", lang)]


def _rote(found: Drawn, longest: Drawn | None, own: str | None, lang: Lang) -> str:
    if found["copied_share"] is None:
        return tr("compare.rote_unknown", lang)
    if longest is None:
        return tr("compare.rote_none", lang)
    length, share = longest["end"] - longest["start"], f"{found['copied_share']:.0%}"
    return tr("compare.rote", lang, share=share, longest=length, place=_place(longest, own, lang))


def _place(span: Drawn, own: str | None, lang: Lang) -> str:
    """Return where a copied span stands; own: what a visitor calls the text of an own model."""
    return tr("compare.place", lang, text=own or book(span["text"], lang), percent=f"{span['fraction']:.1%}")


def _quality(found: Drawn, lang: Lang) -> list[str]:
    known = {"repetition": found["repetition"], "distinct": found["distinct"][1], "words": found["dictionary_share"]}
    return [
        tr(f"compare.quality.{key}", lang, share=f"{share:.0%}") for key, share in known.items() if share is not None
    ]
