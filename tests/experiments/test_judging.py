"""Judging whom the texts of real runs sound like, with made authors; `tests/measure/test_style.py` has the judge."""

import itertools
import shutil
from dataclasses import replace

import pytest
import torch

from deeprnn.config import ModelConfig, Recipe, TrainConfig
from deeprnn.experiments import judging
from deeprnn.experiments.gather import gather
from deeprnn.store import checkpoint
from deeprnn.store.results import Results
from deeprnn.store.style import MIXED, StyleMethod
from deeprnn.train.loop import train
from deeprnn.train.run import Job
from tests.conftest import made_run

METHOD = StyleMethod(
    order=3, judge_chars=4_000, piece=60, stretch=10, mixed=20, before=30, pieces=4, prompt="\n\n", free_pieces=3
)
pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("author-five", True), ("shelf-austen", True), ("author-five-marked", False), ("data-book", False)],
)
def test_only_models_of_one_author_or_of_all_are_judged(name, expected):
    assert judging.has_style(made_run(name)) == expected
    assert not judging.has_style(replace(made_run(name), final={})), "nor is a run that did not finish"


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    """A folder with the results of a run on a text of one of two authors, and of one that has lost its weights."""
    top = tmp_path_factory.mktemp("style")
    (top / "austen.txt").write_text("the cat sat on the mat. " * 300)
    (top / "wells.txt").write_text("no dog ran to my sun; " * 300)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "OWN_TEXT", {name: str(top / f"{name}.txt") for name in ("austen", "wells")})
        patch.setattr(judging, "METHOD", METHOD)
        config = TrainConfig(
            text=str(top / "austen.txt"), form="full", epochs=8, learning_rate=0.01, optimizer="adamw", batch_size=4
        )
        model = ModelConfig(cell="gru", hidden_size=16, num_layers=1)
        recipe = Recipe(name="author-austen", model=model, train=config)
        train(Job(recipe=recipe, out=top / "runs", command="x"), device=torch.device("cpu"))
        broken = top / "runs" / "author-five"
        shutil.copytree(top / "runs" / "author-austen", broken)
        (broken / "model.safetensors").unlink()
        metrics = (broken / "metrics.json").read_text("utf-8")
        (broken / "metrics.json").write_text(metrics.replace('"author-austen"', '"author-five"'), "utf-8")
        (top / "ship").mkdir()
        judging._judge.cache_clear()
        yield top, *gather([top / "runs"], top / "ship", [top / "austen.txt"])
        judging._judge.cache_clear()


def test_what_a_run_writes_is_judged_and_recorded_beside_it(gathered):
    top, results, left_out = gathered
    assert set(results.style) == {"author-austen"}
    (sentence,) = left_out
    assert sentence.startswith(f"whom the texts of {top / 'runs' / 'author-five'} sound like is not measured: ")
    assert Results.read(top / "ship") == results
    found = results.style["author-austen"]
    assert (found.method, [one.temperature for one in found.samples]) == (METHOD, [1.0, 0.8])
    assert found.at(0.8).free.given == {"austen": METHOD.free_pieces, "wells": 0}, "it has read Austen alone"
    assert {author: sum(one.given.values()) for author, one in found.at(1.0).after.items()} == {"austen": 4, "wells": 4}


def test_a_piece_is_what_the_model_generates_after_the_held_out_text_each_with_a_seed_of_its_own(gathered):
    top, results, _ = gathered
    lm = checkpoint.load(top / "runs" / "author-austen")
    for first, author in ((0, "austen"), (METHOD.pieces, "wells")):
        heldout = judging._parts(author)["heldout"]
        befores = [before for before, _ in judging.passages(heldout, METHOD)]
        written = [lm.generate(one, METHOD.piece, 1.0, seed=seed) for seed, one in enumerate(befores, start=first)]
        assert results.style["author-austen"].at(1.0).after[author] == judging._judge(METHOD).judge(written)


def test_real_pieces_are_from_the_held_out_part_and_given_to_their_author(gathered):
    _, results, _ = gathered
    assert set(results.style_texts) == {"austen", "wells", MIXED}, "no other books: these texts are of no catalogue"
    assert results.style_texts["wells"].judged.given == {"austen": 0, "wells": 4}
    assert len(results.style_texts[MIXED].judged.margins) == 8
    assert max(results.style_texts[MIXED].judged.margins) < min(results.style_texts["austen"].judged.margins)


def test_gathering_again_judges_nothing_again_and_keeps_what_has_no_run_any_more(gathered, monkeypatch):
    top, results, _ = gathered
    monkeypatch.setattr(judging, "_judge", lambda _: pytest.fail("judged again"))
    assert gather([top / "runs"], top / "ship", [top / "austen.txt"])[0] == results
    assert gather([], top / "ship") == (results, [])


def test_other_weights_or_another_method_are_judged_anew(gathered, monkeypatch):
    top, results, _ = gathered
    info, known = checkpoint.read_info(top / "runs" / "author-austen"), results.style["author-austen"]
    stale = replace(known, weights_sha256="0" * 64, samples=known.samples[::-1])
    assert judging.style_of(info, stale) == known
    assert judging.style_of(info, replace(known, samples=known.samples[:1])) == known, "and what lacks a temperature"
    monkeypatch.setattr(judging, "METHOD", replace(METHOD, pieces=2, free_pieces=1))
    assert len(judging.style_of(info, known).at(1.0).free.margins) == 1
    assert len(judging.style_of_texts(results.style_texts)["austen"].judged.margins) == 2


def test_passages_have_equal_distances_and_do_not_overlap():
    text = "".join(chr(0x4E00 + i) for i in range(500))
    found = judging.passages(text, METHOD)
    places = [text.index(piece) for _, piece in found]
    assert [text.index(before) + METHOD.before for before, _ in found] == places
    assert {b - a for a, b in itertools.pairwise(places)} == {(500 - METHOD.before) // METHOD.pieces}
    with pytest.raises(ValueError, match="269 characters are too few for 4 pieces of 60"):
        judging.passages(text[:269], METHOD)


def test_a_mixed_piece_changes_its_author_and_stays_at_its_place():
    assert judging.mixed({"austen": ["aaaa", "bbbb"], "wells": ["cccc", "dddd"]}, 2) == ["aacc", "ccaa", "bbdd", "ddbb"]
