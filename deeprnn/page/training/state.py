"""A visitor's trainings as plain values that `train.js` draws: whole, and then only what has changed.

Knows: trainings, words. Does not know: requests, components.
"""

import functools
import math
from typing import Any

from deeprnn.config import Form
from deeprnn.experiments.own import Options, Plan
from deeprnn.experiments.recipes import stack as stack_of
from deeprnn.page.shared.picker import readers
from deeprnn.page.shared.widgets import book, millions, stack
from deeprnn.page.training.process import command
from deeprnn.page.training.record import ENDED, Training
from deeprnn.page.words import SPACE, tr
from deeprnn.store.registry import Registry
from deeprnn.words import Lang, in_both

BESIDE: dict[Form, tuple[str, ...]] = {"full": ("data-book", "journey-gru-2"), "d2l": ("note-lstm-2",)}
MOST_LOSSES = 240  # points of the loss that are sent at once
SHOWN = ("epoch", "seconds", "chars_per_second", "seconds_left")  # of the progress


def estimated(plan: Plan, ngram: dict[str, float], options: Options, data: str) -> dict[str, Any]:
    """Return what is said of a training before it is started; data: what the command line calls the text."""
    return {
        "said": in_both(functools.partial(_sentence, plan, ngram)),
        "hint": in_both(lambda lang: tr(plan.hint, lang, order=ngram["order"], ngram=ngram["ppl"])),
        "hidden": plan.recipe.model.hidden_size,
        "layers": plan.recipe.model.num_layers,
        "command": command(options, data),
    }


def _sentence(plan: Plan, ngram: dict[str, float], lang: Lang) -> str:
    few = plan.seconds < 90
    time = tr("own.seconds" if few else "own.minutes", lang, n=plan.seconds if few else plan.seconds / 60)
    said = tr(
        "training.estimate",
        lang,
        epochs=plan.recipe.train.epochs,
        time=time,
        weights=millions(plan.parameters, lang),
        units=plan.recipe.model.hidden_size,
        order=ngram["order"],
        ngram=ngram["ppl"],
    )
    return SPACE[lang].join([said, *plan.what_is_left_out(lang)])


def fields(training: Training, place: int) -> dict[str, Any]:
    """Return a training without its curves; `changed` sends those of these values that differ from the last ones."""
    planned, described, latest = training.planned, training.described or {}, training.curve[-1:]
    reason, ending = training.reason, training.ending or {}
    return {
        "title": in_both(functools.partial(title, training)),
        "text": in_both(lambda lang: name_of(training, lang)),
        "source": training.source,
        "options": vars(training.options),
        "state": training.state,
        "place": place,
        "parameters": in_both(lambda lang: millions(planned["parameters"], lang)),
        "epochs": described.get("epochs", planned["epochs"]),
        "seconds": planned["seconds"],
        "ngram": described.get("ngram") or planned["ngram"],
        "progress": {name: training.progress[name] for name in SHOWN} if training.progress else None,
        "sample": [latest[0]["epoch"], latest[0]["written"]["drawn"]] if latest else None,
        "reason": in_both(lambda lang: tr(reason[0], lang, **reason[1])) if reason else None,
        "resumable": (training.resumable or training.state == "stopped") and not training.spent,
        "reached": {name: ending[name] for name in ("train_ppl", "heldout_ppl", "best_epoch") if name in ending},
        "command": command(training.options, data_of(training)),
    }


def title(training: Training, lang: Lang) -> str:
    """Return a training's title: its stack, and its width if the visitor has chosen it."""
    options, planned = training.options, training.planned
    model = stack_of(options.cell, planned["layers"], planned["hidden"], residual=planned["residual"])
    parts = [stack(model, lang), tr("model.units", lang, n=planned["hidden"])]
    return " · ".join([*parts, *(["d2l"] if options.form == "d2l" else [])])


def name_of(training: Training, lang: Lang) -> str:
    """Return what the visitor calls the text, or the title of the book."""
    return book(training.source, lang) if training.text == training.source else training.title


def data_of(training: Training) -> str:
    """Return what a command line calls the text of a training."""
    return training.source if training.text == training.source else own_file(training.title)


def own_file(title: str) -> str:
    """Return the name of the file of a visitor's text, which is its title if it has one."""
    return title or "book.txt"


class News:
    """What one page has been sent, so that it is sent only what has changed since.

    local: whether only this machine reaches the server, so that a model can be kept.
    """

    def __init__(self, registry: Registry, *, local: bool) -> None:
        self._registry, self._local = registry, local
        self._begun = False
        self._sent: dict[str, dict[str, Any]] = {}
        self._counts: dict[str, tuple[int, int]] = {}  # points of the curve and of the losses

    def changed(self, found: list[tuple[Training, int]]) -> dict[str, Any]:
        """Return what is new of a visitor's trainings; {} if nothing is.

        trainings: by key the changed fields, and the new points of `curve` (epoch, seconds, training and held-out
        perplexity) and `losses` (epoch, seconds, perplexity); `anew`: the points replace those sent before. gone: the
        keys of those that were removed. whole: those that are not named are not there; so it is the first time.
        """
        whole = {} if self._begun else {"whole": True}
        self._begun = True
        news = {training.key: one for training, place in found if (one := self._of(training, place))}
        gone = [key for key in self._sent if key not in {training.key for training, _ in found}]
        for key in gone:
            del self._sent[key], self._counts[key]
        return whole | ({"trainings": news} if news else {}) | ({"gone": gone} if gone else {})

    def _of(self, training: Training, place: int) -> dict[str, Any]:
        before = self._sent.get(training.key, {})
        now = fields(training, place) | self._model(training, before)
        self._sent[training.key] = now
        news = {name: value for name, value in now.items() if name not in before or before[name] != value}
        curve, losses = self._counts.get(training.key, (0, 0))
        anew = not before or len(training.curve) < curve or len(training.losses) < losses
        if anew:
            curve = losses = 0
        self._counts[training.key] = len(training.curve), len(training.losses)
        step = math.ceil(max(len(training.losses) - losses, 1) / MOST_LOSSES)
        points = [_point(record) for record in training.curve[curve:]]
        lost = [
            [epoch, seconds, round(math.exp(min(nats, 20)), 2)]
            for epoch, seconds, nats in training.losses[losses::step]
        ]
        added = {name: value for name, value in (("curve", points), ("losses", lost), ("anew", anew)) if value}
        return news | added

    def _model(self, training: Training, before: dict[str, Any]) -> dict[str, Any]:
        """Return the name of the model, and of a shipped one to put beside it, None until there is one.

        keepable: whether it can be kept, and is not yet.
        """
        info = self._registry.find(training.name)
        if info is None:
            return {"model": None, "beside": None, "keepable": False}
        kept = any(one.info.weights_sha256 == info.weights_sha256 for one in self._registry.own(None))
        keepable = {"keepable": self._local and not kept}
        if before.get("model"):
            return {"model": training.name, "beside": before["beside"]} | keepable
        text = training.curve[-1]["written"]["drawn"] if training.curve else ""
        found = readers(self._registry, text, [], first=BESIDE[info.vocab.form])
        return {"model": training.name, "beside": found[0] if found else None} | keepable


def _point(record: dict[str, Any]) -> list[float]:
    return [record["epoch"], record["seconds"], round(record["train_ppl"], 3), round(record["val_ppl"], 3)]


def is_active(trainings: list[tuple[Training, int]]) -> bool:
    """Return whether any of these trainings waits or runs."""
    return any(training.state not in ENDED for training, _ in trainings)
