import json
import math
from dataclasses import replace

import pytest

from deeprnn.experiments.judging import METHOD
from deeprnn.measure.style import Judged
from deeprnn.measure.verse import Count, Known, count
from deeprnn.store.results import FILE, Baselines, Results
from deeprnn.store.style import RealStyle, Style, StyleSample
from deeprnn.store.verse import Sampled, Verse, VerseNGram, VerseText
from tests.conftest import SHIPPED, made_run

RUNS = (made_run("a", 2.0), made_run("a-seed2", 6.0, seed=2), made_run("a-seed1", 4.0, seed=1), made_run("b", 9.0))
COUNTED = {"symbols": 5, "train_chars": 9, "heldout_chars": 9, "ngram_order": 6}
TEXT = Baselines(unigram_nats=1.5, ngram_nats=1.0, xz_bpc=2.0, **COUNTED)
RESULTS = Results(runs={run.name: run for run in RUNS}, texts={"t": TEXT})


def test_runs_are_found_by_what_they_record_and_never_by_their_names():
    odd = made_run(
        "rate-lstm-2-plain", experiment="depth", model_config={"cell": "gru", "hidden_size": 8, "num_layers": 4}
    )
    results = replace(RESULTS, runs=RESULTS.runs | {odd.name: odd})
    assert results.where(experiment="depth", cell="gru", num_layers=4, residual=False) == (odd,)
    assert results.where(text="python-docs", learning_rate=1.0, cell="gru", num_layers=4) == (odd,)
    assert results.where(experiment="rate") == results.where(cell="lstm") == ()
    with pytest.raises(AttributeError):
        results.where(depth=4)


def test_seeds_of_a_recipe_are_found_in_order():
    assert [run.name for run in RESULTS.where(recipe="a")] == ["a", "a-seed1", "a-seed2"]
    assert made_run("a-seeded").recipe == "a-seeded"
    assert made_run("a-seed3").recipe == "a-seed3", "its record says seed 0"


def test_an_estimate_is_over_the_seeds():
    assert RESULTS.where(recipe="a").figure().mean == pytest.approx(4)
    assert RESULTS.where(recipe="a").figure("train", "bpc").mean == pytest.approx((1 + 2 + math.log2(6)) / 3)


def test_runs_of_two_recipes_have_no_estimate():
    with pytest.raises(ValueError, match=r"not the runs of one recipe: \['a', 'b'\]"):
        RESULTS.where(cell="gru").figure()


def test_an_estimate_of_what_never_came_to_an_end_is_refused():
    diverged = replace(made_run("c"), final={}, best_val=None)
    failed = Results(runs={"c": diverged})
    for name, why in (("c", "no finished run of c"), ("d", "not the runs of one recipe")):
        with pytest.raises(ValueError, match=why):
            failed.where(recipe=name).figure()


def test_held_out_is_the_test_part_where_there_is_one():
    assert made_run("a", 1.0, test=2.0).heldout.ppl == 2
    assert made_run("a", 1.0).heldout.ppl == 1


def test_results_survive_the_file(tmp_path):
    (tmp_path / FILE).write_text(RESULTS.to_json())
    assert Results.read(tmp_path) == RESULTS
    assert json.loads(RESULTS.to_json())["schema"] == 1


POEM = "白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。"
COUNTED_POEMS = count([POEM, POEM[:12]], Known.of([POEM]))
WRITTEN = (Sampled(temperature=1.0, counts=COUNTED_POEMS), Sampled(temperature=0.8, counts=count([POEM], Known.of([]))))
VERSE = Verse(weights_sha256="0" * 64, prompt="\n\n", max_chars=100, samples=WRITTEN)
VERSE_TEXT = VerseText(
    heldout=COUNTED_POEMS, variants=Count(kept=0, of=1), ngrams=(VerseNGram(order=3, nats=4.9, samples=WRITTEN),)
)


def test_the_form_of_poems_survives_the_file_and_is_found_by_temperature(tmp_path):
    results = replace(RESULTS, verse={"a": VERSE}, verse_texts={"t": VERSE_TEXT})
    (tmp_path / FILE).write_text(results.to_json())
    found = Results.read(tmp_path)
    assert found == results
    assert found.verse["a"].at(1.0).shaped == COUNTED_POEMS.shaped
    assert found.verse_texts["t"].ngrams[0].at(0.8).shaped.of == 1
    with pytest.raises(LookupError, match=r"no poems at temperature 0\.5, only at \[1\.0, 0\.8\]"):
        found.verse["a"].at(0.5)


def test_results_without_poems_say_nothing_of_them():
    assert set(json.loads(RESULTS.to_json())) == {"schema", "runs", "texts", "novelty"}


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (
            ("verse", "a", "samples", 0, "counts", "rhymed"),
            {"kept": 2, "of": 1},
            r"rhymed\.kept must be a whole number",
        ),
        (("verse", "a", "samples", 0, "counts", "toned"), 0.5, r"toned must be a JSON object"),
        (("verse", "a", "samples", 0, "counts", "shapes"), [1, 2], r"shapes must be 4 whole numbers"),
        (("verse", "a", "samples", 0, "counts", "distinct_characters"), 1_001, r"must be a number from 0 to 1000"),
        (("verse", "a", "samples", 0, "temperature"), -1, r"samples\[0\]\.temperature must be"),
        (("verse", "a", "weights_sha256"), "0", r"verse\.a\.weights_sha256 must be"),
        (("verse_texts", "t", "heldout", "shaped"), {"kept": 0}, r"verse_texts\.t\.heldout\.shaped lacks 'of'"),
        (("verse_texts", "t", "ngrams", 0, "order"), 0, r"ngrams\[0\]\.order must be"),
        (("verse",), [], r"verse must be a JSON object"),
    ],
)
def test_a_wrong_count_of_poems_is_refused_by_its_path(path, value, why):
    values = json.loads(replace(RESULTS, verse={"a": VERSE}, verse_texts={"t": VERSE_TEXT}).to_json())
    place = values
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=why):
        Results.from_dict(values)


JUDGED = Judged(given={"ann": 1, "bob": 1}, margins=(0.1, 0.2), neighbours=(-0.5, 1.0))
STYLE = Style(
    weights_sha256="0" * 64,
    method=METHOD,
    samples=(StyleSample(temperature=0.8, free=JUDGED, after={"ann": JUDGED, "bob": JUDGED}),),
)
STYLED = replace(RESULTS, style={"a": STYLE}, style_texts={"ann": RealStyle(method=METHOD, judged=JUDGED)})


def test_whom_texts_sound_like_survives_the_file_and_is_found_by_temperature(tmp_path):
    (tmp_path / FILE).write_text(STYLED.to_json())
    found = Results.read(tmp_path)
    assert found == STYLED
    assert found.style["a"].at(0.8).after["bob"] == JUDGED
    with pytest.raises(LookupError, match=r"no texts at temperature 1\.0, only at \[0\.8\]"):
        found.style["a"].at(1.0)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("style", "a", "weights_sha256"), "0", r"style\.a\.weights_sha256 must be"),
        (("style", "a", "method", "order"), "5", r"style\.a\.method: order must be int"),
        (("style", "a", "samples", 0, "temperature"), -1, r"samples\[0\]\.temperature must be"),
        (("style", "a", "samples", 0, "free", "given"), {"ann": 1}, r"free\.margins must be one for each piece"),
        (
            ("style", "a", "samples", 0, "after", "ann", "neighbours"),
            [0, 2],
            r"neighbours\[1\] must be a number",
        ),
        (("style_texts", "ann", "judged", "neighbours"), [0.5], r"ann\.judged\.margins must be one for each piece"),
        (("style_texts", "ann", "judged"), {"given": {}, "margins": [], "neighbours": []}, r"must be one for each"),
        (("style_texts",), [], r"style_texts must be a JSON object"),
    ],
)
def test_a_wrong_record_of_style_is_refused_by_its_path(path, value, why):
    values = json.loads(STYLED.to_json())
    place = values
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=why):
        Results.from_dict(values)


def test_the_shipped_results_are_read_whole_and_written_as_they_were():
    stored = json.loads((SHIPPED / FILE).read_text("utf-8"))
    written = json.loads(Results.read(SHIPPED).to_json())
    for name, run in stored["runs"].items():
        for config in ("model_config", "train_config"):  # what is younger than it
            run[config] = written["runs"][name][config] | run[config]
        run.setdefault("elsewhere", {})
    assert written == stored


def test_the_file_has_a_line_for_each_run():
    assert len([line for line in RESULTS.to_json().splitlines() if '"seed"' in line]) == 4


def test_no_file_is_no_results_and_another_schema_is_refused(tmp_path):
    assert Results.read(tmp_path) == Results()
    (tmp_path / FILE).write_text('{"schema": 99}')
    with pytest.raises(ValueError, match=r"results.json: schema 99 is not 1; update deeprnn"):
        Results.read(tmp_path)
