"""The question of style: what its claim says holds for the shipped results, and the page and the overview show it."""

from dataclasses import replace

from deeprnn.experiments import questions, style
from deeprnn.experiments.authors import AUTHORS
from deeprnn.experiments.judging import METHOD, RECIPES
from deeprnn.experiments.markdown import written
from deeprnn.page.shared.figures import drawn
from deeprnn.store.results import Results
from tests.conftest import SHIPPED, shipped

RESULTS = Results.read(SHIPPED)
FOUND = questions.answers(RESULTS)["style"]


def test_the_shipped_figures_are_of_the_shipped_weights_and_of_the_present_method():
    weights = {info.name: info.weights_sha256 for info in shipped() if info.name in RECIPES}
    judged = {name: one.weights_sha256 for name, one in RESULTS.style.items()}
    assert {name: judged[name] for name in weights} == weights
    assert judged.keys() - weights <= RESULTS.runs.keys(), "the weights of some runs are not shipped"
    assert {one.method for one in (*RESULTS.style.values(), *RESULTS.style_texts.values())} == {METHOD}


def test_the_shared_model_follows_no_author_and_the_own_models_keep_to_theirs_as_the_claim_says():
    for place in ("five", "cooler"):
        assert FOUND[place].mean < FOUND["guessing"] + FOUND[place].half_width, "no more often than by chance"
    assert min(FOUND["own"].mean, FOUND["real"].mean) > 90


def test_the_shared_model_is_less_decided_and_less_steady_than_anything_beside_it_as_the_sentence_says():
    for of in ("margin", "neighbours"):
        others = [FOUND[f"{name}_{of}"] for name in ("own", "real", "mixed")]
        least = min(one.mean - one.half_width for one in others)
        assert FOUND[f"five_{of}"].mean < least
    five = FOUND["five_neighbours"]
    assert five.mean + five.half_width < FOUND["mixed_neighbours"].mean - FOUND["mixed_neighbours"].half_width


def test_little_text_and_mistakes_do_not_explain_it_as_the_sentence_says():
    few, five = (RESULTS.runs[name].elsewhere | RESULTS.runs[name].final for name in ("data-10k", "author-five"))
    assert few["test"].ppl > 1.5 * five["test"].ppl, "the same text"
    assert FOUND["few"].mean > 85
    for of in ("margin", "neighbours"):
        assert FOUND[f"few_{of}"].mean - FOUND[f"few_{of}"].half_width > FOUND[f"five_{of}"].mean * 2


def test_the_judge_knows_the_book_more_than_the_author_as_the_sentence_says():
    assert FOUND["guessing"] + FOUND["other"].half_width < FOUND["other"].mean < FOUND["real"].mean / 1.5


def test_the_chart_frames_the_author_that_was_read_and_each_row_is_of_all_its_pieces():
    chart = drawn(style.chart(RESULTS), "en")
    framed = [[cell["own"] for cell in row].index(True) for row in chart["cells"]]
    assert framed == [*range(len(AUTHORS)), *range(len(AUTHORS)), *range(len(AUTHORS)), 0]
    for name, row in zip(chart["rows"], chart["cells"], strict=True):
        assert abs(sum(int(cell["text"].removesuffix("%")) for cell in row) - 100) <= 2, name
    assert chart["cells"][1][1]["title"].endswith("%")
    assert chart["rows"][:1] + chart["rows"][-1:] == ["Wells, real text", "Wells, 10,000 characters"]


def test_the_overview_has_a_row_for_all_that_was_judged():
    lines = written(style.table(RESULTS)).splitlines()[2:]
    assert len(lines) == len(style.rows(RESULTS)) == 19
    assert lines[6].startswith("| real text, another author every 50 characters |")
    assert METHOD.mixed == 50


def test_without_the_models_real_text_is_still_shown_and_without_it_nothing():
    only_real = replace(RESULTS, style={})
    assert len(style.chart(only_real).rows) == len(AUTHORS)
    assert style.chart(only_real).title.key == "style.figure.plain"
    assert style.table(Results()) is None
