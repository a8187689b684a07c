import json
import math
import statistics
from dataclasses import replace

import pytest

from deeprnn.store.results import FILE, Baselines, Results, estimate, recipe_of
from tests.conftest import SHIPPED, made_run

RUNS = (made_run("a", 2.0), made_run("a-seed2", 6.0, seed=2), made_run("a-seed1", 4.0, seed=1), made_run("b", 9.0))
COUNTED = {"symbols": 5, "train_chars": 9, "heldout_chars": 9, "ngram_order": 6}
TEXT = Baselines(unigram_nats=1.5, ngram_nats=1.0, xz_bpc=2.0, **COUNTED)
RESULTS = Results(runs={run.name: run for run in RUNS}, texts={"t": TEXT})


def test_the_interval_is_students():
    """Three values 2, 4, 6: mean 4, s = 2, half width 4.303 * 2 / sqrt(3)."""
    found = estimate([2.0, 4.0, 6.0])
    assert found.mean == 4
    assert found.half_width == pytest.approx(4.968, abs=1e-3)
    assert str(found) == "4.000 ± 4.969"


def test_two_values_give_the_widest_factor():
    assert estimate([1.0, 3.0]).half_width == pytest.approx(12.706)


def test_one_seed_has_no_interval():
    assert estimate([2.5]).half_width is None
    assert str(estimate([2.5])) == "2.500"


def test_an_interval_needs_a_value_and_takes_any_number_of_them():
    with pytest.raises(ValueError, match="no value"):
        estimate([])
    for count, factor in ((12, 2.201), (100, 2.042)):
        values = [1.0, 3.0] * (count // 2)
        expected = factor * statistics.stdev(values) / math.sqrt(count)
        assert estimate(values).half_width == pytest.approx(expected)


def test_seeds_of_a_recipe_are_found_in_order():
    assert [r.name for r in RESULTS.seeds("a")] == ["a", "a-seed1", "a-seed2"]
    assert recipe_of("depth-gru-10-residual-seed12") == "depth-gru-10-residual"
    assert recipe_of("a-seeded") == "a-seeded"


def test_an_estimate_is_over_the_seeds():
    assert RESULTS.estimate("a").mean == pytest.approx(4)
    assert RESULTS.estimate("a", "train", "bpc").mean == pytest.approx((1 + 2 + math.log2(6)) / 3)


def test_an_estimate_of_what_never_came_to_an_end_is_refused():
    diverged = replace(made_run("c"), final={}, best_val=None)
    failed = Results(runs={"c": diverged})
    for name in ("c", "d"):
        with pytest.raises(ValueError, match=f"no finished run of {name}"):
            failed.estimate(name)


def test_held_out_is_the_test_part_where_there_is_one():
    assert made_run("a", 1.0, test=2.0).heldout.ppl == 2
    assert made_run("a", 1.0).heldout.ppl == 1


def test_results_survive_the_file(tmp_path):
    (tmp_path / FILE).write_text(RESULTS.to_json())
    assert Results.read(tmp_path) == RESULTS
    assert json.loads(RESULTS.to_json())["schema"] == 1


def test_the_shipped_results_are_read_whole_and_written_as_they_were():
    stored = json.loads((SHIPPED / FILE).read_text("utf-8"))
    written = json.loads(Results.read(SHIPPED).to_json())
    for name, run in stored["runs"].items():
        run["train_config"] = written["runs"][name]["train_config"] | run["train_config"]  # what is younger than it
        run.setdefault("elsewhere", {})
    assert written == stored


def test_the_file_has_a_line_for_each_run():
    assert len([line for line in RESULTS.to_json().splitlines() if '"seed"' in line]) == 4


def test_no_file_is_no_results_and_another_schema_is_refused(tmp_path):
    assert Results.read(tmp_path) == Results()
    (tmp_path / FILE).write_text('{"schema": 99}')
    with pytest.raises(ValueError, match=r"results.json: schema 99 is not 1; update deeprnn"):
        Results.read(tmp_path)
