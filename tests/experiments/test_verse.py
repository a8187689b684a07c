"""Counting the poems of real runs; `tests/measure/test_verse.py` has the rules."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deeprnn.config import ModelConfig, Recipe, TrainConfig
from deeprnn.experiments import verse
from deeprnn.experiments.gather import gather
from deeprnn.measure.verse import Known, count
from deeprnn.store import checkpoint
from deeprnn.store.results import Results
from deeprnn.text.corpora import load_corpus
from deeprnn.text.poem_form import BREAK, POEM_BEFORE
from deeprnn.train.loop import train
from deeprnn.train.run import Job
from tests.conftest import made_run

OUTSIDE_DATA = os.environ.get("DEEPRNN_DATA")  # read before any test replaces it
CONFIG = TrainConfig(
    text="tang_poems", form="full", epochs=1, learning_rate=1.0, max_train_chars=20_000, min_count=10, batch_size=4
)
POEMS = 12
pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"form": "d2l"}, False),
        ({"text": "journey_to_the_west"}, False),
        ({"text": "my-poems-01234567"}, False),
        ({"text": "journey_to_the_west", "more_texts": ("tang_poems",)}, False),
    ],
)
def test_only_runs_whose_main_text_is_one_of_poems_write_some(change, expected):
    run = replace(made_run("a"), train_config=replace(CONFIG, **change))
    assert verse.is_verse(run) == expected
    assert not verse.is_verse(replace(run, final={})), "nor does a run that did not finish"


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    """A folder with the results of a run on poems, and of one that has lost its weights."""
    if not (OUTSIDE_DATA and (Path(OUTSIDE_DATA) / "tang").is_dir()):
        pytest.skip("DEEPRNN_DATA names no folder with the poems")
    top = tmp_path_factory.mktemp("verse")
    model = ModelConfig(cell="gru", hidden_size=16, num_layers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPRNN_DATA", OUTSIDE_DATA)
        patch.setattr(verse, "POEMS", POEMS)
        recipe = Recipe(name="poems", model=model, train=CONFIG, sample_prompt="")
        train(Job(recipe=recipe, out=top / "runs", command="x"), device=torch.device("cpu"))
        shutil.copytree(top / "runs" / "poems", top / "runs" / "broken")
        (top / "runs" / "broken" / "model.safetensors").unlink()
        path = top / "runs" / "broken" / "metrics.json"
        path.write_text(path.read_text("utf-8").replace('"poems"', '"broken"'), "utf-8")
        (top / "ship").mkdir()
        yield top, *gather([top / "runs"], top / "ship")


@pytest.mark.slow
def test_the_poems_of_a_run_are_counted_and_recorded_beside_it(gathered):
    top, results, left_out = gathered
    assert set(results.runs) == {"poems", "broken"}
    assert set(results.verse) == {"poems"}
    (sentence,) = left_out
    assert sentence.startswith(f"the form of the poems of {top / 'runs' / 'broken'} is not counted: ")
    assert Results.read(top / "ship") == results
    found = results.verse["poems"]
    assert [one.temperature for one in found.samples] == [1.0, 0.8]
    assert {one.counts.shaped.of for one in found.samples} == {POEMS}


@pytest.mark.slow
def test_the_poems_are_those_that_the_model_generates_for_the_seeds_after_a_break(gathered):
    top, results, _ = gathered
    lm = checkpoint.load(top / "runs" / "poems")
    text = checkpoint.read_info(top / "runs" / "poems").metrics.text
    training = Known.of(load_corpus("tang_poems", "full").text[: text.ranges["train"][1]].split(BREAK))
    for temperature in verse.TEMPERATURES:
        texts = [lm.generate(POEM_BEFORE, verse.MAX_CHARS, temperature, seed=seed) for seed in range(POEMS)]
        poems = [text.partition(BREAK)[0] for text in texts]
        assert results.verse["poems"].at(temperature) == count(poems, training)


@pytest.mark.slow
def test_real_poems_and_n_grams_are_counted_once_for_a_text(gathered):
    _, results, _ = gathered
    (key,) = results.verse_texts
    assert key == results.runs["poems"].text_key
    found = results.verse_texts[key]
    assert found.heldout.shaped.of == 1_830, "the test part"
    assert found.heldout.rhymed.kept / found.heldout.rhymed.of > 0.94
    assert found.heldout.poems_copied.kept == 0
    assert [one.order for one in found.ngrams] == [3, 5]
    assert {one.at(1.0).shaped.of for one in found.ngrams} == {POEMS}
    assert all(0 < one.nats < results.texts[key].unigram_nats for one in found.ngrams)


@pytest.mark.slow
def test_gathering_again_writes_no_poem_again_and_keeps_those_whose_run_is_gone(gathered, monkeypatch):
    top, results, _ = gathered
    monkeypatch.setattr(verse, "count", lambda *_: pytest.fail("counted again"))
    monkeypatch.setattr(verse, "POEMS", POEMS)
    again, _ = gather([top / "runs"], top / "ship")
    assert again == results
    assert gather([], top / "ship") == (results, [])


@pytest.mark.slow
def test_other_weights_or_another_number_of_poems_are_counted_anew(gathered, monkeypatch):
    top, results, _ = gathered
    info, known = checkpoint.read_info(top / "runs" / "poems"), results.verse["poems"]
    monkeypatch.setattr(verse, "POEMS", 3)
    assert verse.verse_of(info, known).at(1.0).shaped.of == 3
    monkeypatch.setattr(verse, "POEMS", POEMS)
    stale = replace(known, weights_sha256="0" * 64, samples=known.samples[::-1])
    assert verse.verse_of(info, stale) == known
