"""Whatever value of a checkpoint's files is changed: it is left out by name and reason, or every view shows it."""

import json
import random
import shutil

import pytest
from starlette.responses import PlainTextResponse

from deeprnn.page import links, service
from deeprnn.page.checkpoints import view as checkpoints
from deeprnn.page.compare import cards, export
from deeprnn.page.inside import view as inside
from deeprnn.page.learn import view as learn
from deeprnn.page.score.examples import REAL, excerpt
from deeprnn.page.score.rows import parts
from deeprnn.page.server import downloads
from deeprnn.page.shared import picker
from deeprnn.page.shared.components import carried
from deeprnn.page.shared.questions import comparisons, verdict
from deeprnn.page.watch import view as watch
from deeprnn.store import checkpoint
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED
from tests.store.hostile import Gone, changed

MODELS = ("note-rnn-2", "author-five")
FILES = (checkpoint.METRICS, checkpoint.CONFIG)
VALUES = (
    *(Gone, None, True, "", "x", "\ud800", "\u202e\n", "y" * 100_000, [], [1], {}, {"a": 1}),
    *(0, 1, -1, 0.5, 1e308, -1e308, 10**400, 2**53, float("nan"), float("inf")),
)
SAMPLED = 60  # of the changes to each file; `python -m pytest -m slow` tries them all
TEXT = "the time traveller"


def places(value, path=()):
    """The path of every value inside another; of a list the first and the last."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    known = [*inside] if isinstance(value, dict) else [*inside][:1] + [*inside][1:][-1:]
    for key, one in known:
        yield (*path, key)
        yield from places(one, (*path, key))


def mutants(model, file):
    values = json.loads((SHIPPED / model / file).read_text("utf-8"))
    return [(path, to) for path in places(values) for to in VALUES]


def show_everywhere(folder, name):
    """Ask of a checkpoint what every view asks; what is not yet there to be drawn is made."""
    models = Registry(folder)
    for lang in ("en", "zh"):
        shown = [checkpoints.listing(models, lang), learn.lesson(models, lang)]
        shown += [service.list_models(models), picker.choices(models, lang), picker.readers(models, TEXT, [name])]
        shown += [checkpoints.card(models, {"name": name}), watch.asked_for(models, {"models": [name]})]
        shown += [verdict(models, one, budget, lang) for one in comparisons(models).values() for budget in one.groups]
        shown += [excerpt(models, lambda info: "a" * info.metrics.text.chars, [name], key) for key in REAL]
        for one in shown:
            json.loads(carried(one))
    drawn = cards.draw(models, cards.recorded(models, [name]))
    for one in (drawn, *parts(models, TEXT, [name]), inside.pictures(models, [name], TEXT)):
        json.loads(carried(one))
    shown = cards.Board.read(models, drawn)
    for kind in ("json", "csv", "md"):
        export.export(models, shown, kind)
    asked = links.parse(models, {"models": name, "view": "checkpoints"}, "en")
    assert asked.models == (name,)
    assert not isinstance(downloads.answer(models, f"{name}.zip"), PlainTextResponse)


@pytest.fixture
def folder(tmp_path):
    """Copies of the checkpoints that are changed."""
    for model in MODELS:
        shutil.copytree(SHIPPED / model, tmp_path / model)
    return tmp_path


def check(folder, model, file, path, to):
    """One change: the checkpoint is left out by its file's name, or shown everywhere; whether it is shown."""
    values = json.loads((SHIPPED / model / file).read_text("utf-8"))
    (folder / model / file).write_text(json.dumps(changed(values, path, to)), encoding="utf-8")
    models = Registry(folder)
    if model in models.infos:
        show_everywhere(folder, model)
        return True
    assert models.left_out[model].startswith((file, checkpoint.WEIGHTS))
    return False


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("model", MODELS)
def test_a_changed_value_is_refused_by_name_or_every_view_shows_the_checkpoint(folder, model, file):
    sampled = random.Random(0).sample(mutants(model, file), SAMPLED)
    shown = [check(folder, model, file, path, to) for path, to in sampled]
    assert any(shown)
    assert not all(shown)


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("model", MODELS)
def test_every_changed_value_is_refused_by_name_or_every_view_shows_the_checkpoint(folder, model, file):
    shown = [check(folder, model, file, path, to) for path, to in mutants(model, file)]
    assert any(shown)
    assert not all(shown)
