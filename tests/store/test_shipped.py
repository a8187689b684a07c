"""The checkpoints in the repository: complete, small enough, loadable, and as good as they say."""

import json
import os
import shutil
import unicodedata
from dataclasses import asdict, replace

import pytest

from deeprnn import load
from deeprnn.experiments.gather import FINGERPRINTS
from deeprnn.experiments.markdown import PAGES, language_of, overview, refreshed
from deeprnn.experiments.questions import all_recipes
from deeprnn.measure.baselines import NGRAMS
from deeprnn.measure.novelty import TextPart, load_all
from deeprnn.store import checkpoint
from deeprnn.store.card import model_card
from deeprnn.store.results import FILE, Results
from deeprnn.train.measurement import remeasure
from tests.conftest import ROOT, SHIPPED, shipped

NOTE = ["note-gru-2", "note-lstm-10", "note-lstm-10-residual", "note-lstm-2", "note-rnn-2", "note-rnn-2-shared"]
RESULTS = Results.read(SHIPPED)
INFOS = shipped()
# Train perplexity of a first pass with the note's recipes; the shipped runs agree within 3%.
REFERENCE = {
    "note-rnn-2": 1.035,
    "note-lstm-2": 1.028,
    "note-gru-2": 1.021,
    "note-lstm-10": 17.5,
    "note-lstm-10-residual": 1.037,
    "note-rnn-2-shared": 17.4,
}
each = pytest.mark.parametrize("info", INFOS, ids=lambda info: info.name)


def raw(info):
    """All that a checkpoint's metrics hold."""
    return json.loads((info.path / checkpoint.METRICS).read_text("utf-8"))


def test_what_users_train_and_put_beside_the_shipped_ones_is_not_taken_for_one_of_them(tmp_path, save_tiny):
    shutil.copy(SHIPPED / FILE, tmp_path / FILE)
    for name in ("note-gru-2", "smoke", "note-gru-2-my-book-0a1b2c3d"):
        save_tiny(tmp_path / name)
    assert [info.name for info in shipped(tmp_path)] == ["note-gru-2"]


def test_the_notes_six_runs_are_shipped():
    assert [info.name for info in INFOS if info.name.startswith("note-")] == NOTE


@each
def test_a_checkpoint_loads_and_writes_its_recorded_sample_again(info):
    sample = asdict(info.metrics.sample)
    text = sample.pop("text")
    assert load(info.path).generate(**sample) == text


@each
def test_a_shipped_model_writes_no_symbol_that_its_texts_do_not_hold(info):
    private = [c for c in info.vocab.characters if unicodedata.category(c) == "Co"]
    assert private == [], "marks of texts, which it may write and which nobody can type"


@each
def test_a_checkpoint_is_what_its_recipe_says(info):
    recipe = all_recipes()[info.name]
    assert RESULTS.runs[info.name].experiment == recipe.experiment
    assert info.config == recipe.model
    trained = info.metrics.train_config
    assert set(trained.score_on) <= set(recipe.train.score_on), "texts that came later say nothing about the training"
    assert trained.precision in (recipe.train.precision, "float32"), "which a processor without bfloat16 takes"
    assert trained == replace(recipe.train, score_on=trained.score_on, precision=trained.precision)
    assert raw(info)["storage"] == recipe.storage


@each
def test_a_model_card_says_what_the_metrics_say(info):
    lm = load(info.path)
    card = model_card(info.name, lm.model, lm.vocab, info.metrics)
    assert (info.path / checkpoint.CARD).read_text("utf-8") == card


@pytest.mark.parametrize("name", REFERENCE)
def test_train_perplexity_agrees_with_the_first_pass(name):
    (info,) = (info for info in INFOS if info.name == name)
    assert info.train_ppl == pytest.approx(REFERENCE[name], rel=0.03)


def test_every_file_is_under_10_mb_and_all_are_under_95():
    folders = [*(info.path for info in INFOS), SHIPPED, SHIPPED / NGRAMS, SHIPPED / FINGERPRINTS]
    sizes = {path: path.stat().st_size for folder in folders for path in folder.iterdir() if path.is_file()}
    assert max(sizes.values()) < 10_000_000
    assert sum(sizes.values()) < 95_000_000


def test_no_machines_path_stands_in_a_metrics_file():
    for info in INFOS:
        assert "/" not in json.dumps({k: v for k, v in raw(info).items() if k not in ("sample",)})


@each
def test_the_results_say_what_a_checkpoint_says(info):
    run = RESULTS.runs[info.name]
    for key in ("final", "num_params", "command", "train_config"):
        assert getattr(run, key) == getattr(info.metrics, key), key
    assert run.storage == raw(info)["storage"]
    assert RESULTS.novelty[info.name].weights_sha256 == info.weights_sha256


@each
def test_a_checkpoint_ships_with_the_fingerprints_of_its_texts(info):
    records = info.metrics.texts
    found = load_all(SHIPPED / FINGERPRINTS, map(TextPart.from_record, records))
    assert len(found) == len(records)


def test_the_overview_the_claims_and_the_answers_are_those_of_the_results():
    assert (SHIPPED / "README.md").read_text("utf-8") == overview(RESULTS, SHIPPED)
    for page in (ROOT / name for name in PAGES):
        text = page.read_text("utf-8")
        assert refreshed(text, RESULTS, language_of(page)) == text


@each
@pytest.mark.slow
def test_a_checkpoint_measures_again_to_its_recorded_figures(info):
    if "DEEPRNN_DATA" not in os.environ:
        pytest.skip("needs the book: name a folder that holds it in DEEPRNN_DATA")
    measured = remeasure(info.path)
    for part, figures in info.metrics.final.items():
        assert measured[part]["ppl"] == pytest.approx(figures.ppl, rel=1e-5)
