import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deeprnn.config import ModelConfig, Recipe, TrainConfig
from deeprnn.documents import lock
from deeprnn.experiments.format import figure
from deeprnn.experiments.gather import (
    Texts,
    expected_minutes,
    gather,
    listing,
    scored_on_more,
    with_experiment,
    with_known_scores,
    write_lines,
)
from deeprnn.experiments.markdown import refresh
from deeprnn.experiments.questions import all_recipes
from deeprnn.measure.lines import LineIndex, filename
from deeprnn.measure.novelty import FINGERPRINTS, TextPart
from deeprnn.store import checkpoint
from deeprnn.store.checkpoint import own_files, read_info
from deeprnn.store.registry import Registry
from deeprnn.store.results import Results
from deeprnn.text.corpora import load_corpus, own_name
from deeprnn.text.poem_form import BREAK
from deeprnn.train.loop import train
from deeprnn.train.measurement import remeasure
from deeprnn.train.run import DivergedError, Job
from tests.conftest import made_by, made_run, save_tiny_checkpoint

TEXT = "The quick brown fox jumps over the lazy dog.\n\nIt sleeps.\n\n" * 400  # 23,200 characters
OUTSIDE_DATA = os.environ.get("DEEPRNN_DATA")  # read before any test replaces it

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder to ship, with one model, and another of runs: two more seeds, and one that diverged."""
    top = tmp_path_factory.mktemp("report")
    (top / "book.txt").write_text(TEXT)
    (top / "README.md").write_text("Before\n<!-- claims -->\nold\n<!-- /claims -->\nAfter\n")
    config = TrainConfig(text=str(top / "book.txt"), form="full", epochs=1, learning_rate=1.0, batch_size=4, window=50)
    recipe = Recipe(
        name="tiny", experiment="mine", model=ModelConfig(cell="gru", hidden_size=8, num_layers=1), train=config
    )
    for seed, folder in enumerate(("ship", "runs", "runs")):
        one = replace(recipe, train=replace(config, seed=seed))
        train(Job(recipe=one, out=top / folder, command="x"), device=torch.device("cpu"))
    wild = replace(recipe, name="wild", train=replace(config, learning_rate=1e37, clip_norm=1e37))
    with pytest.raises(DivergedError):
        train(Job(recipe=wild, out=top / "runs", command="x"), device=torch.device("cpu"))
    return top


def smoke_of(text, out):
    """A job of a second or so on another text."""
    config = TrainConfig(text=text, form="full", epochs=1, learning_rate=1.0, max_train_chars=5_000, batch_size=4)
    model = ModelConfig(cell="gru", hidden_size=8, num_layers=1)
    return Job(recipe=Recipe(name="docs", model=model, train=config), out=out, command="x")


@pytest.fixture(scope="module")
def gathered(folders):
    broken = folders / "runs" / "broken"
    broken.mkdir()
    (broken / "metrics.json").write_text("{}")
    results, left_out = gather([folders / "runs"], folders / "ship", [folders / "book.txt"])
    assert len(left_out) == 1
    assert left_out[0].startswith(f"{broken} is left out: ")
    return results


def test_what_is_shown_comes_before_a_run_of_its_name_elsewhere_which_is_told(folders, tmp_path):
    """Whatever the folders are called: their order decides, not the alphabet."""
    for called in ("a", "z"):
        ship, runs = tmp_path / f"{called}-ship", tmp_path / f"m-runs-{called}"
        shutil.copytree(folders / "ship" / "tiny", ship / "tiny")
        shutil.copytree(folders / "runs" / "tiny-seed1", runs / "tiny")
        for path in (ship, runs):
            shutil.copytree(folders / "runs" / "tiny-seed2", path / "tiny-seed2")
        metrics = json.loads((runs / "tiny" / "metrics.json").read_text())
        (runs / "tiny" / "metrics.json").write_text(json.dumps(metrics | {"name": "tiny", "seed": 0}))
        results, left_out = gather([runs], ship, [folders / "book.txt"])
        shown = json.loads((ship / "tiny" / "metrics.json").read_text())
        assert results.runs["tiny"].final["train"].nats == shown["final"]["train"]["nats"]
        (said,) = left_out
        assert said == (
            f"{runs / 'tiny'} is left out: {ship / 'tiny'} is a run of the same name with other figures; "
            "keep one of them."
        )


def test_what_is_not_finished_is_not_gathered(folders, tmp_path):
    shutil.copytree(folders / "ship" / "tiny", tmp_path / ".tiny.saving-1")
    stopped = shutil.copytree(folders / "runs" / "tiny-seed1", tmp_path / "tiny-seed1")
    metrics = json.loads((stopped / "metrics.json").read_text())
    (stopped / "metrics.json").write_text(json.dumps(metrics | {"stopped_after": 0}))
    results, (said,) = gather([tmp_path], tmp_path, [folders / "book.txt"])
    assert results.runs == {}
    assert said == f"{stopped} is left out: it was stopped before its end; continue it with --resume."
    checkpoint.record_outcome(stopped, {"status": "diverged", "reason": "the loss became inf"})
    _, (said,) = gather([tmp_path], tmp_path, [folders / "book.txt"])
    assert said.startswith(f"{stopped} is left out: it was stopped, and diverged when it went on; remove it")


def test_every_run_is_gathered_with_its_outcome(gathered):
    assert set(gathered.runs) == {"tiny", "tiny-seed1", "tiny-seed2", "wild"}
    assert gathered.runs["wild"].outcome.status == "diverged"
    assert gathered.runs["tiny"].outcome.status == "learned"
    assert gathered.where(recipe="tiny").figure().num_seeds == 3


def test_a_run_records_its_recipe_and_experiment_when_it_is_trained(gathered, folders):
    metrics = json.loads((folders / "runs" / "tiny-seed1" / "metrics.json").read_text())
    assert (metrics["name"], metrics["recipe"], metrics["experiment"]) == ("tiny-seed1", "tiny", "mine")
    assert [run.name for run in gathered.where(experiment="mine", recipe="tiny")] == [
        "tiny",
        "tiny-seed1",
        "tiny-seed2",
    ]


def test_what_is_written_is_read_again(gathered, folders):
    assert Results.read(folders / "ship") == gathered


def test_baselines_stand_once_for_each_text(gathered):
    (text,) = gathered.texts.values()
    assert {run.text_key for run in gathered.runs.values()} == set(gathered.texts)
    assert text.train_chars == int(0.9 * len(TEXT))
    assert 0 < text.ngram_nats < text.unigram_nats


def test_a_shipped_models_novelty_is_measured_against_its_fingerprint(gathered, folders):
    assert set(gathered.novelty) == {"tiny"}
    novelty = gathered.novelty["tiny"]
    assert novelty.heldout.copied_share == 1  # this text repeats itself
    assert 0 <= novelty.sample.copied_share < 0.2
    (path,) = (folders / "ship" / "tiny").glob("*.fp")
    assert path.name == f"{own_name(folders / 'book.txt')}.full.0-{int(0.9 * len(TEXT))}.fp"


def test_gathering_again_changes_nothing_and_needs_no_text(gathered, folders):
    written = {path: path.read_bytes() for path in (folders / "ship").rglob("*") if path.is_file()}
    assert gather([], folders / "ship") == (gathered, [])
    assert {path: path.read_bytes() for path in (folders / "ship").rglob("*") if path.is_file()} == written


@pytest.mark.usefixtures("gathered")
def test_a_text_of_ones_own_that_is_not_given_again_leaves_out_its_own_runs_alone(folders, tmp_path):
    shutil.copytree(folders / "ship" / "tiny", tmp_path / "ship" / "tiny")
    train(smoke_of("python-docs", tmp_path / "ship"), device=torch.device("cpu"))
    results, left_out = gather([], tmp_path / "ship")
    assert list(results.runs) == list(results.novelty) == ["docs"]
    assert len(left_out) == 1
    assert f"{own_name(folders / 'book.txt')} is a text of your own: name its file with --data" in left_out[0]
    results, left_out = gather([], tmp_path / "ship", [folders / "book.txt"])
    assert set(results.runs) == set(results.novelty) == {"docs", "tiny"}
    assert left_out == []


def test_a_run_on_text_with_noise_is_gathered_apart_from_clean_ones_and_its_copies_are_not_measured(tmp_path):
    clean = smoke_of("python-docs", tmp_path)
    config = replace(clean.recipe.train, max_train_chars=3_000, noise="shuffled", noisy_chars=2_000)
    noisy = replace(clean, recipe=replace(clean.recipe, name="noisy", train=config))
    for job in (clean, noisy):
        train(job, device=torch.device("cpu"))
    results, (sentence,) = gather([], tmp_path)
    assert "noisy copies is not measured: python-docs was read with noise (shuffled)" in sentence
    keys = [results.runs[name].text_key for name in ("docs", "noisy")]
    assert keys[0].startswith("full python-docs:5000 val ")
    assert keys[1].startswith("full python-docs:3000+python-docs:3000-5000 (shuffled) val ")
    plain, mixed = (results.texts[key] for key in keys)
    assert (plain.train_chars, plain.mixed_in_nats) == (mixed.train_chars, None)
    assert mixed.mixed_in_nats > mixed.ngram_nats > plain.ngram_nats, "of the noise alone, with clean text, all clean"
    assert Results.read(tmp_path) == results
    assert remeasure(tmp_path / "noisy") == json.loads((tmp_path / "noisy" / "metrics.json").read_text())["final"]
    assert "*python-docs* + *python-docs* (shuffled)" in (tmp_path / "noisy" / "README.md").read_text()
    assert Registry(tmp_path).fingerprints("noisy") == []
    assert Registry(tmp_path).ngram("noisy") is None, "of several texts"


@pytest.mark.usefixtures("gathered")
def test_one_models_trouble_does_not_end_the_gathering(folders, tmp_path):
    shutil.copytree(folders / "ship", tmp_path / "ship")
    shutil.copytree(tmp_path / "ship" / "tiny", tmp_path / "ship" / "tiny-seed1")
    weights = tmp_path / "ship" / "tiny-seed1" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"oops")
    results, left_out = gather([], tmp_path / "ship", [folders / "book.txt"])
    assert set(results.novelty) == {"tiny"}
    (sentence,) = left_out
    assert sentence.startswith(f"what {tmp_path / 'ship' / 'tiny-seed1'} copies is not measured: ")


def test_a_model_of_ones_own_text_has_its_fingerprint_and_n_gram_wherever_it_is_put(folders, tmp_path):
    shutil.copytree(folders / "ship" / "tiny", tmp_path / "renamed")
    models = Registry(tmp_path)
    (print_,) = models.fingerprints("renamed")
    (run,) = print_.runs("\0" * 5 + TEXT[:100] + "\0" * 5)
    assert run.end - run.start >= 100
    ngram = models.ngram("renamed")
    assert ngram.vocab_size == len(models.infos["renamed"].vocab)
    assert [path.name for path in own_files(tmp_path / "renamed")] == [
        *("README.md", "config.json", "metrics.json", "model.safetensors")
    ], "neither pushed nor downloaded"


def test_the_overview_shows_the_interval_and_the_failure(gathered, folders):
    overview = (folders / "ship" / "README.md").read_text()
    train = figure(gathered.where(recipe="tiny").figure("train"))
    assert f"| `tiny` | 3 | {gathered.runs['tiny'].num_params:,} | {train}" in overview
    assert "| `wild` | 1 |" in overview
    assert "| diverged | diverged |" in overview
    assert "[`tiny`](tiny/README.md) | 1 x GRU 8, plain" in overview


def test_only_what_is_between_the_marks_is_rewritten(gathered, folders):
    assert "old" in (folders / "README.md").read_text(), "gathering itself leaves it alone"
    refresh(folders, gathered)
    readme = (folders / "README.md").read_text()
    assert readme.startswith("Before\n<!-- claims -->\n")
    assert readme.endswith("\n<!-- /claims -->\nAfter\n")
    assert "old" not in readme


def test_the_list_shows_measured_minutes_and_marks_expected_ones():
    recipes = all_recipes()
    run = made_run("smoke", train_seconds=150.0)
    lines = listing(recipes.values(), Results(runs={"smoke": run})).splitlines()
    assert len(lines) == len(recipes)
    (smoke,) = (line for line in lines if line.startswith("smoke "))
    (book,) = (line for line in lines if line.startswith("book-lstm-2 "))
    assert "   2.5 min" in smoke
    assert f"~{expected_minutes(recipes['book-lstm-2']):5.1f} min" in book
    assert "2 x LSTM 384, residual" in book


def test_twice_the_epochs_are_expected_to_take_twice_the_time():
    recipe = all_recipes()["book-lstm-2"]
    longer = replace(recipe, train=replace(recipe.train, epochs=2 * recipe.train.epochs))
    assert expected_minutes(longer) == pytest.approx(2 * expected_minutes(recipe))


def test_results_are_strict_json(gathered):
    json.loads(gathered.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_a_run_that_recorded_no_experiment_has_that_of_the_recipe_that_made_it():
    recipes = all_recipes()
    recipe = recipes["depth-gru-2-residual"]
    old = replace(made_by(recipe, seed=0), experiment="")
    assert with_experiment(old, recipes).experiment == "depth"
    emulated = replace(old, seed=1, train_config=replace(recipe.train, seed=1, precision="float32"))
    assert with_experiment(emulated, recipes).experiment == "depth"
    scored = replace(old, train_config=replace(recipe.train, score_on=("alice",)))
    assert with_experiment(scored, recipes).experiment == "depth"
    for other in (
        replace(old, train_config=replace(recipe.train, text="emma")),
        replace(old, model_config=replace(recipe.model, dropout=0.5)),
        replace(old, recipe="depth-of-mine"),
    ):
        assert with_experiment(other, recipes) == other


def test_a_run_is_scored_once_on_a_text_that_its_recipe_names_later(folders, tmp_path):
    run = Results.read(folders / "ship").runs["tiny"]
    (tmp_path / "other.txt").write_text("It was a dark night.\n\n" * 900)
    texts = Texts([folders / "book.txt", tmp_path / "other.txt"])
    other = own_name(tmp_path / "other.txt")
    recipe = Recipe(
        name="tiny", experiment="mine", model=run.model_config, train=replace(run.train_config, score_on=(other,))
    )
    scored = scored_on_more(run, folders / "ship" / "tiny", recipe, texts)
    assert list(scored.elsewhere) == [other]
    assert scored.elsewhere[other].ppl > run.heldout.ppl
    assert scored.elsewhere[other].chars == 989, "of its last twentieth"
    assert replace(scored, elsewhere={}) == run
    known = with_known_scores(run, scored)
    assert scored_on_more(known, tmp_path / "no such folder", recipe, texts) == scored, "not scored again"
    assert with_known_scores(run, replace(scored, final={})) == run, "another run"
    assert scored_on_more(run, tmp_path, replace(recipe, experiment="of another"), texts) == run
    with pytest.raises(ValueError, match="no such folder"):
        scored_on_more(run, tmp_path / "no such folder", recipe, texts)


def test_a_further_seed_is_scored_too_and_keeps_its_scores_when_its_weights_are_gone(folders, tmp_path, monkeypatch):
    (tmp_path / "other.txt").write_text("It was a dark night.\n\n" * 900)
    own, other = [folders / "book.txt", tmp_path / "other.txt"], own_name(tmp_path / "other.txt")
    folder = tmp_path / "runs" / "tiny-seed1"
    shutil.copytree(folders / "ship" / "tiny", folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    named = {"name": "tiny-seed1", "recipe": "tiny", "experiment": "mine"}
    (folder / "metrics.json").write_text(json.dumps(metrics | named))
    run = Results.read(folders / "ship").runs["tiny"]
    train = replace(run.train_config, score_on=(other,))
    recipe = Recipe(name="tiny", experiment="mine", model=run.model_config, train=train)
    monkeypatch.setattr("deeprnn.experiments.gather.all_recipes", lambda: {"tiny": recipe})
    out = tmp_path / "out"
    out.mkdir()
    scored, _ = gather([tmp_path / "runs"], out, own)
    assert list(scored.runs["tiny-seed1"].elsewhere) == [other]
    (folder / "model.safetensors").unlink()
    again, _ = gather([tmp_path / "runs"], out, own)
    assert again.runs["tiny-seed1"] == scored.runs["tiny-seed1"]


@pytest.mark.skipif(
    not (OUTSIDE_DATA and (Path(OUTSIDE_DATA) / "tang").is_dir()), reason="DEEPRNN_DATA names no folder with the poems"
)
def test_of_poems_an_index_of_their_lines_is_written_once(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPRNN_DATA", OUTSIDE_DATA)
    text = load_corpus("tang_poems", "full").text
    info = read_info(save_tiny_checkpoint(tmp_path / "tiny", text="tang_poems"))
    record = replace(info.metrics.text, chars=len(text), ranges={"train": (0, text.index(BREAK, 5_000) + len(BREAK))})
    info = replace(info, metrics=replace(info.metrics, texts=(record,)))
    write_lines(info)
    source = TextPart.from_record(record)
    path = tmp_path / FINGERPRINTS / filename(source)
    found = LineIndex.load(path, source).found(text[:60])
    assert next((text[one.start : one.end], one.source) for one in found) == ("雁塞日初晴", "李端《度关山》")
    before = path.stat().st_mtime_ns
    write_lines(info)
    assert path.stat().st_mtime_ns == before
    write_lines(read_info(save_tiny_checkpoint(tmp_path / "letters")))
    assert len(list((tmp_path / FINGERPRINTS).iterdir())) == 1


@pytest.mark.usefixtures("gathered")
def test_a_damaged_checkpoint_keeps_what_it_was_measured_to_copy_and_is_told(folders, tmp_path):
    shutil.copytree(folders / "ship", tmp_path / "ship")
    config = tmp_path / "ship" / "tiny" / "config.json"
    config.write_text(config.read_text()[:100])
    results, (sentence,) = gather([], tmp_path / "ship", [folders / "book.txt"])
    assert set(results.novelty) == {"tiny"}
    assert sentence.startswith(f"what {tmp_path / 'ship' / 'tiny'} copies is not measured: ")


def test_a_run_on_another_text_of_the_same_name_and_length_is_left_out(folders, tmp_path):
    shutil.copytree(folders / "ship" / "tiny", tmp_path / "tiny")
    path = tmp_path / "tiny" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["text"]["sha256"] = "0" * 64
    path.write_text(json.dumps(metrics))
    results, left_out = gather([], tmp_path, [folders / "book.txt"])
    assert results.runs == {}
    assert f"is not the text {tmp_path / 'tiny'} was trained on" in left_out[0]


def test_two_gatherings_into_one_folder_are_not_at_once(folders, tmp_path):
    held = lock(tmp_path / ".gathering", create=True)
    with pytest.raises(ValueError, match="another process adds runs"):
        gather([folders / "runs"], tmp_path, [folders / "book.txt"])
    os.close(held)
    results, _ = gather([folders / "runs"], tmp_path, [folders / "book.txt"])
    assert results.runs
    assert not (tmp_path / ".gathering").exists()


def test_a_catalogued_name_beside_ones_own_texts_is_found_as_ever(tmp_path):
    train(smoke_of("python-docs", tmp_path), device=torch.device("cpu"))
    results, left_out = gather([], tmp_path, [Path("python-docs")])
    assert (list(results.runs), left_out) == (["docs"], [])
