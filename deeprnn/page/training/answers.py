"""What the server answers to the Train view: texts, estimates, and what becomes of a visitor's trainings.

Knows: trainings, the texts of this machine. Does not know: HTTP, components.
"""

import functools
import json
import threading
from collections.abc import Callable
from typing import Any

from deeprnn.documents import printable
from deeprnn.experiments.own import Options, OwnTextError
from deeprnn.page.service.asked import RequestError
from deeprnn.page.shared.widgets import book
from deeprnn.page.training.jobs import Trainings
from deeprnn.page.training.keeping import keep
from deeprnn.page.training.state import News, estimated, is_active, own_file
from deeprnn.page.training.texts import LEAST_BYTES, MOST_BYTES
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import Registry, private_name
from deeprnn.text import python_docs
from deeprnn.text.gutenberg import without_gutenberg
from deeprnn.text.vocab import normalize
from deeprnn.words import in_both

OPENING_CHARS = 400  # of a text at hand, which are shown
SHORT_CHARS = 80
_OPTIONS = {"cell", "layers", "hidden", "residual", "form", "minutes", "epochs", "seed"}  # that the view has


class Answers:
    """The answers to the requests of one visitor at a time; they raise `RequestError` with the words of a refusal.

    text_of: returns the main text of a model if it is on this machine. local: whether only this machine reaches the
    server, so that a model can be kept.
    """

    def __init__(
        self,
        registry: Registry,
        trainings: Trainings,
        text_of: Callable[[CheckpointInfo], str | None],
        *,
        local: bool,
    ) -> None:
        self.trainings, self.local = trainings, local
        self.registry, self._text_of = registry, text_of
        self._ngrams: dict[tuple[str, str, int], dict[str, float]] = {}
        self._computing = threading.Lock()  # one estimate at a time; those of long texts take a second

    @functools.cached_property
    def books(self) -> dict[str, str]:
        """The texts that are on this machine and not too long, by name: of the catalogue, and Python's reference."""
        if not self.trainings.minutes:
            return {}
        infos = {info.metrics.text.name: info for info in self.registry.infos.values() if info.vocab.form == "full"}
        found = {name: self._text_of(info) for name, info in sorted(infos.items())}
        found[python_docs.NAME] = normalize(python_docs.read(), "full")
        return {name: text for name, text in found.items() if text and LEAST_BYTES <= len(text.encode()) <= MOST_BYTES}

    def state(self, visitor: str | None) -> dict[str, Any]:
        """Return everything that the view shows of a visitor, and the texts at hand."""
        found = self.trainings.of(visitor) if visitor else []
        books = [
            {
                "name": name,
                "title": in_both(functools.partial(book, name)),
                "chars": len(text),
                "opening": text[:OPENING_CHARS],
            }
            for name, text in self.books.items()
        ]
        return {"books": books, "active": is_active(found), **self.news().changed(found)}

    def news(self) -> News:
        """Return what tells a page, that has been told nothing yet, what has changed."""
        return News(self.registry, local=self.local)

    def bring(self, visitor: str | None, body: bytes) -> dict[str, Any]:
        """Keep the text in the body of a request; return its key and its length in characters.

        Project Gutenberg's header and footer are left out of it.
        """
        try:
            text = without_gutenberg(body.decode())
        except UnicodeDecodeError:
            raise RequestError("training.refused.text") from None
        return {"source": self.trainings.bring(_known(visitor), text), "chars": len(text)}

    def ask(self, visitor: str | None, body: bytes) -> dict[str, Any]:
        """Do what a request asks for: estimate, start, stop, resume, remove, keep."""
        try:
            values = json.loads(body)
            do = values["do"]
        except (ValueError, RecursionError, TypeError, KeyError):
            raise RequestError("error_request") from None
        if do in ("estimate", "start"):
            options = _options(values.get("options"), self.trainings.minutes)
            source, title = _short(values, "source"), _title(values)
            return getattr(self, do)(_known(visitor), source, title, options)
        if do in ("stop", "resume", "remove"):
            getattr(self.trainings, do)(_known(visitor), _short(values, "key"))
            return {}
        if do == "keep":
            return {"kept": self.keep(_known(visitor), _short(values, "key"))}
        raise RequestError("error_request")

    def keep(self, visitor: str, key: str) -> str:
        """Keep a visitor's own model; return its name."""
        name = private_name(key)
        added = self.registry.added(name)
        if added is None or added.visitor != visitor:
            raise RequestError("training.refused.unknown")
        return keep(self.registry, name, local=self.local)

    def estimate(self, visitor: str, source: str, title: str, options: Options) -> dict[str, Any]:
        """Return what a training of a text would be."""
        text = self._text(visitor, source)
        with self._computing:
            plan = self.trainings.estimate(text, options)
            counted = source, options.form, plan.train_chars
            if counted not in self._ngrams:
                assert plan.ngram is not None, "a visitor's text is shorter than what is counted at most"
                self._ngrams = {**dict(list(self._ngrams.items())[-63:]), counted: plan.ngram}
        return estimated(plan, self._ngrams[counted], options, source if source in self.books else own_file(title))

    def start(self, visitor: str, source: str, title: str, options: Options) -> dict[str, Any]:
        """Queue a training."""
        text, named = self._text(visitor, source), source if source in self.books else None
        return {"key": self.trainings.submit(visitor, text, title, options, book=named)}

    def _text(self, visitor: str, source: str) -> str:
        return self.books[source] if source in self.books else self.trainings.text_of(visitor, source)


def _known(visitor: str | None) -> str:
    if visitor is None:
        raise RequestError("training.refused.cookie")
    return visitor


def _short(values: dict[str, Any], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str) or len(value) > SHORT_CHARS:
        raise RequestError("error_request")
    return value


def _title(values: dict[str, Any]) -> str:
    """Return what the visitor calls a text: often the name of a file, so whatever it holds, it can be shown."""
    title = _short(values, "title")
    return printable(title, SHORT_CHARS) if title else ""


def _options(value: Any, minutes: int) -> Options:
    """Read the options of a request; minutes: the most of a training.

    Raises:
        RequestError: they are no options, or outside their ranges.
    """
    if (
        not isinstance(value, dict)
        or not value.keys() <= _OPTIONS
        or not isinstance(value.get("residual"), bool | None)
    ):
        raise RequestError("error_request")
    try:
        return Options(**value)
    except OwnTextError as error:
        if error.key == "own.refused.minutes":  # the most of a training here is less than that of one in a terminal
            raise RequestError("training.refused.range", **error.values | {"most": minutes}) from error
        raise RequestError(error.key, **error.values) from error
