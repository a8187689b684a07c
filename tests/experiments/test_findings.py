import math
import string
from dataclasses import replace

import pytest

from deeprnn.experiments import findings
from deeprnn.store.results import Results
from tests.conftest import SHIPPED, made_figures, made_run

SHIPPED_RESULTS = Results.read(SHIPPED)


def places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", findings.SENTENCES)
def test_each_question_is_answered_from_the_shipped_results_in_both_languages(key):
    figures = findings.answers(SHIPPED_RESULTS)[key]
    english, chinese = findings.SENTENCES[key]
    assert places(english) == places(chinese) == set(figures)
    for lang in ("en", "zh"):
        said = findings.sentence(key, figures, lang)
        shown = [one for value in figures.values() for one in (value if isinstance(value, tuple) else (str(value),))]
        assert all((one if lang == "en" else findings.listed([one], lang)) in said for one in shown)
        assert "{" not in said


def test_every_question_has_a_title_and_a_sentence():
    assert findings.SENTENCES.keys() == findings.TITLES.keys() == findings.answers(SHIPPED_RESULTS).keys()


def test_no_results_answer_nothing():
    assert findings.answers(Results()) == {}


def test_authors_stand_in_the_order_in_which_they_are_read():
    assert list(findings.authors(SHIPPED_RESULTS)) == ["wells", "austen", "doyle", "dickens", "melville"]
    assert findings.authors(SHIPPED_RESULTS)["doyle"] == "sherlock_holmes"
    other = replace(
        SHIPPED_RESULTS.runs["author-austen"],
        name="author-austen-sherlock_holmes",
        train_config=SHIPPED_RESULTS.runs["author-doyle"].train_config,
    )
    more = replace(SHIPPED_RESULTS, runs=SHIPPED_RESULTS.runs | {other.name: other})
    assert findings.authors(more) == findings.authors(SHIPPED_RESULTS), "a recipe with another text is no author"


def test_an_author_read_by_a_stranger_is_taken_over_the_seeds():
    def run(seed, ppl):
        name = "author-five" + (f"-seed{seed}" if seed else "")
        return made_run(name, ppl, seed=seed, elsewhere={"book": made_figures(ppl)})

    runs = {r.name: r for r in (run(0, 2.0), run(1, 4.0), run(2, 6.0))}
    found = findings.elsewhere(Results(runs=runs), "five", "book")
    assert found.mean == 4
    assert found.half_width == pytest.approx(4.303 * 2 / math.sqrt(3), rel=1e-3)


def test_a_gap_has_the_interval_over_the_seeds_that_both_sides_have():
    def run(recipe, seed, ppl):
        name = recipe + (f"-seed{seed}" if seed else "")
        return made_run(name, ppl, seed=seed)

    runs = [run("a", 0, 2.2), run("a", 1, 2.4), run("a", 2, 2.6), run("b", 0, 2.0), run("b", 1, 2.0), run("c", 0, 1.1)]
    results = Results(runs={one.name: one for one in runs})
    gap = findings._percent(results, [(findings._held("a"), findings._held("b"))])
    assert gap.mean == pytest.approx(20), "of the means over all seeds"
    assert gap.half_width == pytest.approx(12.706 * 7.0711 / math.sqrt(2), rel=1e-3), "of 10% and 20%"
    assert findings._shown(gap) == "20.0 ± 63.5"
    alone = findings._percent(results, [(findings._held("a"), findings._held("c"))])
    assert alone.half_width is None
    assert findings._shown(alone, "+") == "+118.2"


def test_depth_is_answered_for_all_that_was_held_equal():
    found = findings.answers(SHIPPED_RESULTS)["ladder"]
    assert found["slow"][1].startswith("GRU 2 ")
    assert found["fast"][1].startswith("GRU 4 ")
    assert found["wide"][1].startswith("GRU 10 ")


def test_what_more_text_brings_is_told_whole_with_what_counting_brings():
    each = findings.answers(SHIPPED_RESULTS)["data"]["each"]
    assert len(each) == len(findings.DATA)
    assert each[-1].startswith("5,485,384 – 4.086")


def test_the_notes_question_on_gru_and_lstm_is_answered_in_the_notes_setting():
    found = findings.answers(SHIPPED_RESULTS)["gru"]
    assert (found["note_gru_epoch"], found["note_lstm_epoch"]) == (160, 260)
    assert (found["note_gru_best"], found["note_lstm_best"]) == ("9.24", "9.26")
