"""What the Score view draws: a row for each model and each baseline, as plain values that grow while models read.

Knows: the service's answers, words. Does not know: components, how a row is drawn.
"""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from deeprnn.lm.evaluation import per_character
from deeprnn.page import service
from deeprnn.page.score.examples import about
from deeprnn.page.shared.widgets import book, called, title_of
from deeprnn.page.words import tr
from deeprnn.store.registry import Registry
from deeprnn.text.vocab import source_positions
from deeprnn.words import Lang, in_both

Row = dict[str, Any]
Part = dict[str, Any] | list[Any]  # a value; then what is added to its cards (see `Drawing`)
STEPS = 2**16 - 1  # a row's nats are sent as whole numbers, of which this one is the largest


def parts(registry: Registry, text: str, names: Sequence[str]) -> Iterator[Part]:
    """Return what `score.js` draws: first all that needs no model, then each row as soon as its model has read.

    Raises:
        RequestError: at once; see `service.score_as_done`.
    """
    return _grown(registry, text, names, service.score_as_done(registry, text=text, models=names))


def _grown(
    registry: Registry, text: str, names: Sequence[str], done: Iterator[tuple[int, dict[str, Any]]]
) -> Iterator[Part]:
    groups = service.alphabets(registry, names)
    averaged = [vocab for vocab, group in groups.items() if len(group) > 1]
    rows = [_model(registry, name) for name in names]
    rows += [_waiting(registry, {"kind": "mean", "model": groups[v][0], "count": len(groups[v])}) for v in averaged]
    rows += [_base(registry, base) for base in service.baselines(registry, text=text, models=names)]
    yield {
        "text": text,
        "merged": _merged(text),
        "models": list(names),
        "about": in_both(lambda lang: about(registry, text, names, lang)),
        "notes": in_both(lambda lang: _notes(registry, text, names, lang)),
        "cards": rows,
    }
    answers = []
    for place, answer in done:
        answers.append(answer)
        yield _added(len(rows), {place: _answered(registry, answer)})
    means = {registry.info(row["model"]).vocab: row for row in service.averages(registry, text=text, answers=answers)}
    for place, vocab in enumerate(averaged, len(names)):
        absent = rows[place] | {"state": "absent"}
        yield _added(len(rows), {place: _base(registry, means[vocab]) if vocab in means else absent})


def _added(count: int, rows: dict[int, Row]) -> list[Any]:
    """Return an addition to a value with `count` cards: these rows replace those at their places."""
    return [rows.get(place, "") for place in range(count)]


def _model(registry: Registry, name: str) -> Row:
    """Return the row of a model before it is there."""
    info = registry.info(name)
    return {
        "kind": "model",
        "state": "waiting",
        "title": in_both(lambda lang: title_of(registry, name, lang)),
        "name": name,
        "cell": info.config.cell,
        "form": info.vocab.form,
        "guess": len(info.vocab),
    }


def _answered(registry: Registry, answer: dict[str, Any]) -> Row:
    """Return the row of a model with its answer."""
    if "error" in answer:
        why = in_both(lambda lang: tr("error_broken", lang, name=answer["model"]))
        return _model(registry, answer["model"]) | {"state": "broken", "why": why}
    unknown = answer["unknown"]
    known = {"unknown": len(unknown), "where": _bits(unknown, len(answer["nats"]) + 1)}
    return _model(registry, answer["model"]) | _figures(answer) | known


def _waiting(registry: Registry, base: dict[str, Any]) -> Row:
    """Return the row of a baseline, or of the average of several models, without its figures."""
    info = registry.info(base["model"])

    def title(lang: Lang) -> str:
        text = called(registry, base["model"], lang) or book(info.metrics.text.name, lang)
        return tr(f"score.row.{base['kind']}", lang, n=base["count"], text=text, chars=f"{info.train_chars:,}")

    words = {"title": in_both(title), "name": "", "cell": "base", "kind": base["kind"], "count": base["count"]}
    return _model(registry, base["model"]) | words | {"of": base.get("of", [])}


def _base(registry: Registry, base: dict[str, Any]) -> Row:
    """Return the row of a baseline, or of the average of several models."""
    return _waiting(registry, base) | _figures(base)


def _figures(answer: dict[str, Any]) -> Row:
    """Return the figures of a row that is there. step: the nats of 1 in its numbers."""
    nats = np.array(answer["nats"])
    step = float(nats.max()) / STEPS or 1.0
    packed = base64.b64encode((nats / step).round().astype("<u2").tobytes()).decode()
    return {"state": "done", "ppl": answer["ppl"], "bpc": answer["bpc"], "step": step, "nats": packed}


def _bits(places: Sequence[int], length: int) -> str:
    """Return one bit for each of `length` characters, 1 at these places, as base64; "" for no place."""
    bits = np.zeros(length, bool)
    bits[list(places)] = True
    return base64.b64encode(np.packbits(bits, bitorder="little").tobytes()).decode() if places else ""


def _merged(text: str) -> list[tuple[int, int]]:
    """Return the characters after the first that are not read as one symbol: [index, number of symbols]."""
    where = source_positions(text)
    counts = per_character([1.0] * (len(where) - 1), where, len(text))
    return [(index, int(count)) for index, count in enumerate(counts, 1) if count != 1]


def _notes(registry: Registry, text: str, names: Sequence[str], lang: Lang) -> list[str]:
    infos = [registry.info(name) for name in names]
    unknown = [info for info in infos if info.vocab.count_unknown(text)]
    files = dict.fromkeys(filter(None, map(registry.broken_ngram, names)))
    said = {
        "score.forms_mixed": len({info.vocab.form for info in infos}) > 1,
        "score.unknown_counted": bool(unknown),
        "score.note_forms": any(info.vocab.form == "d2l" for info in unknown),
    }
    broken = [tr("score.ngram_broken", lang, file=file) for file in files]
    return broken + [tr(key, lang) for key, holds in said.items() if holds]
