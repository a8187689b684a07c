import math
import re
import string
from dataclasses import replace

import pytest

from deeprnn.config import ModelConfig
from deeprnn.experiments import authors, depth, gru, questions
from deeprnn.experiments.charts import Word
from deeprnn.experiments.format import claim, figure, sentence, template
from deeprnn.experiments.gaps import heldout, percent_above, told_apart
from deeprnn.experiments.question import Comparison
from deeprnn.experiments.words import WORDS
from deeprnn.nn.cells import CELLS
from deeprnn.page.shared.figures import drawn
from deeprnn.store.estimates import Estimate
from deeprnn.store.results import Results, Runs
from tests.conftest import SHIPPED, made_by, made_figures, made_run, of_seed, with_every_recipe

SHIPPED_RESULTS = Results.read(SHIPPED)
COMPLETE = with_every_recipe(SHIPPED_RESULTS)
ANSWERS = [(question, answer) for question in questions.QUESTIONS for answer in question.answers]
KEYS = [answer.key for _, answer in ANSWERS]


def places(text):
    return {name.partition(".")[0] for _, name, _, _ in string.Formatter().parse(text) if name}


def answered(key, results=SHIPPED_RESULTS):
    return questions.answers(results)[key]


def figures_of(answer):
    """The figures of the shipped results; of an optional answer whose runs are not shipped, made-up ones."""
    runs_missing = answer.optional and answer.key not in questions.answers(SHIPPED_RESULTS)
    return answer.figures(COMPLETE if runs_missing else SHIPPED_RESULTS)


@pytest.mark.parametrize(("question", "answer"), ANSWERS, ids=KEYS)
def test_each_question_is_answered_from_the_shipped_results_in_both_languages(question, answer):
    said, figures = f"{question.key}.answer.{answer.key}", figures_of(answer)
    for lang in ("en", "zh"):
        assert places(WORDS[f"{said}.sentence"][lang]) | places(WORDS[f"{said}.claim"][lang]) == set(figures)
        for place, several in figures.items():
            if isinstance(several, list):
                assert {frozenset(one) for one in several} <= {frozenset(places(WORDS[template(said, place)][lang]))}
        assert "{" not in sentence(said, figures, lang)


@pytest.mark.parametrize(("question", "answer"), ANSWERS, ids=KEYS)
def test_an_answer_is_of_numbers_that_nobody_wrote_out(question, answer):
    def plain(name, value):
        if isinstance(value, list):
            return all(plain(place, inner) for one in value for place, inner in one.items())
        return name == "cell" or value is None or isinstance(value, int | float | Estimate)

    assert question in questions.QUESTIONS
    assert all(plain(place, value) for place, value in figures_of(answer).items())


@pytest.mark.parametrize(("question", "answer"), ANSWERS, ids=KEYS)
def test_an_answer_has_a_claim_of_one_sentence_with_at_most_three_kinds_of_rounded_figures(question, answer):
    """A figure is a computed number or a range of them; an n-gram's order, and what the runs were given, are none."""
    said, figures = f"{question.key}.answer.{answer.key}", figures_of(answer)
    told = [claim(said, figures, lang) for lang in ("en", "zh")]
    ranges = re.compile(r"(\d[\d.]*) (?:to|到) (\d[\d.]*)")
    given = re.compile(r"6-gram|6 元语法|0\.00\d|from \d[\d.]* to")
    found = [sorted(re.findall(r"\d[\d.,]*\d|\d", given.sub("", ranges.sub(r"\1", one)))) for one in told]
    assert all(1 <= len(one) <= 3 for one in found), found
    assert all(len(number) <= 4 for one in found for number in one)
    assert all("±" not in one and one.count("。") + len(re.findall(r"\.(?:\s|$)", one)) == 1 for one in told)


def by_layers(experiment):
    """The mean perplexities of residual stacks on held-out text, by cell and number of layers."""
    return {
        cell: {
            n: depth.stacks(SHIPPED_RESULTS, experiment, cell, n, residual=True).figure().mean
            for n in depth.depths(SHIPPED_RESULTS, experiment)
        }
        for cell in depth.cells(SHIPPED_RESULTS, experiment)
    }


@pytest.mark.parametrize("question", questions.QUESTIONS, ids=lambda question: question.key)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_charts_of_a_figure_have_names_of_their_own(question, lang):
    for charts in question.charts(SHIPPED_RESULTS):
        names = [drawn(chart, lang)["name"] for chart in charts]
        assert len(set(names)) == len(names), names


def test_the_deepest_stacks_are_the_best_at_equal_width_as_the_claim_says():
    assert all(min(ppls, key=ppls.__getitem__) == max(ppls) for ppls in by_layers("width").values())


def test_ten_layers_profit_most_from_the_higher_rate_as_the_claim_says():
    found = answered("ladder")
    assert found["ten_low"] > found["two_low"]
    assert found["ten_high"] > found["two_high"]
    assert answered("rate")["most"] < answered("depth")["behind"]
    (goal,) = depth.QUESTION.goals
    assert answered("depth")["behind"] > goal.limit, "which the goal says of the lower rate"


def test_ten_plain_layers_are_the_worst_of_every_cell_as_the_claim_says():
    found = answered("depth")
    assert found["plain_low"] > 1.5 * max(ppl for ppls in by_layers("depth").values() for ppl in ppls.values())


def test_counting_is_ahead_where_the_claims_say_so():
    each = answered("data")["each"]
    assert [one["ngram"] < one["ppl"].mean for one in each][:: len(each) - 1] == [True, True]
    assert answered("rote")["ngram"] < answered("rote")["few"].mean, "of the note's text"
    few = [run for run in SHIPPED_RESULTS.runs.values() if run.train_config.max_train_chars == 10_000 and run.final]
    assert min(few, key=lambda run: run.heldout.ppl).recipe == "few-lstm-2"
    assert answered("rote")["new_low"] > answered("rote")["symbols"]


def test_the_gru_is_level_then_ahead_as_the_claim_says():
    found = answered("gru")
    assert found["note_gru_best"].mean < 1.01 * found["note_lstm_best"].mean
    assert found["note_gru_train"].mean == pytest.approx(found["note_lstm_train"].mean, rel=0.01)
    assert found["gru"].mean < found["lstm"].mean
    for cell in ("gru", "lstm"):
        (run,) = SHIPPED_RESULTS.where(recipe=f"note-{cell}-2", seed=0)
        assert run.best_val.epoch < 0.6 * found[f"note_{cell}_epoch"], "it turned long before"


def test_the_higher_rate_lessens_the_grus_lead_as_the_answer_says():
    found = answered("gru")
    assert found["lstm_faster"].mean / found["gru_faster"].mean < found["lstm"].mean / found["gru"].mean


def test_who_leads_at_the_higher_rate_and_in_equal_time_is_said_in_one_way_each():
    found = answered("gru")
    assert sum(len(found[place]) for place in ("too", "behind", "level")) == 1
    found = answered("speed")
    assert sum(len(found[place]) for place in ("timed_leads", "timed_trails", "timed_level")) == 1


@pytest.mark.parametrize(("factor", "expected"), [(0.9, ["faster_is_lower"]), (1, ["faster_is_level"]), (1.1, [])])
def test_the_higher_rate_is_said_to_do_better_than_equal_time_only_where_seeds_tell_so(factor, expected):
    def scaled(run):
        return replace(run, final={part: replace(of, ppl=factor * of.ppl) for part, of in run.final.items()})

    runs = SHIPPED_RESULTS.runs
    changed = {name: scaled(run) for name, run in runs.items() if run.recipe == "rate-gru-2-residual"}
    found = answered("speed", replace(SHIPPED_RESULTS, runs=runs | changed))
    assert [place for place in ("faster_is_lower", "faster_is_level") if found[place]] == expected


def test_the_cells_of_a_seed_took_as_long_as_each_other_to_a_tenth():
    assert answered("speed")["uneven"] < 10
    seeds = {run.seed for run in SHIPPED_RESULTS.where(experiment="time")}
    assert all(len(SHIPPED_RESULTS.where(experiment="time", seed=seed)) == len(CELLS) for seed in seeds)


def test_a_shared_state_that_is_updated_comes_as_far_as_two_layers_of_their_own_in_training():
    found = answered("scratch")
    assert found["kinder"].mean == pytest.approx(found["right"].mean, rel=0.01)
    assert found["wrong"].mean > 10 * found["kinder"].mean


def test_seeds_of_one_depth_differ_almost_as_much_as_depths_do_and_rhyme_little_more_than_by_chance():
    found = answered("poems")
    shaped = [one["shaped"].mean for one in found["shaped"]]
    assert found["spread"] > 0.75 * (max(shaped) - min(shaped))
    rhymed = max(one["couplets_rhymed"].mean for one in found["couplets_rhymed"])
    assert rhymed < found["rhymed_by_chance"].mean + 5 < found["couplets_rhymed_real"].mean / 10


def test_the_larger_network_of_eight_books_is_five_times_as_large_and_the_others_read_about_five_million():
    runs = SHIPPED_RESULTS.runs
    assert runs["wells-lstm-2"].num_params / runs["data-wells-8"].num_params == pytest.approx(5, abs=0.3)
    for name in ("data-10k", "data-book", "data-wells-8"):
        assert 4e6 < runs[name].curve.chars[-1] < 5.5e6
    assert runs["wells-lstm-2"].curve.chars[-1] > 4 * runs["data-wells-8"].curve.chars[-1]
    assert runs["wells-lstm-2"].text_key == runs["data-wells-8"].text_key
    found = answered("larger")
    assert found["large"].mean < min(found["small"].mean, found["ngram"]), "as the claim says"


def test_wells_own_model_reads_the_same_text_more_often_where_the_answer_says_that_steps_do_much():
    few, more = (SHIPPED_RESULTS.runs[name] for name in ("shelf-wells", "author-wells"))
    assert few.text_key == more.text_key
    found = answered("shelf")
    assert found["more"].mean < 0.95 * found["few"].mean


def test_figures_are_told_apart_by_an_interval_of_their_difference_that_leaves_out_none():
    def of(recipe, *ppls):
        runs = [of_seed(made_run(recipe, ppl), seed) for seed, ppl in enumerate(ppls)]
        return heldout(Runs(runs))

    low = of("a", 4.5, 4.6, 4.7)
    assert told_apart(low, of("b", 4.7, 4.8, 4.9)), "whatever both share by seed"
    assert not told_apart(low, of("b", 4.7, 4.5, 5.0))
    assert not told_apart(low, of("b", 9.0)), "one seed says nothing of others"


@pytest.mark.parametrize(("half_width", "apart"), [(0.4, 1), (0.6, 0)])
def test_a_figure_names_the_lowest_cell_and_how_many_others_seeds_tell_from_it(half_width, apart):
    def runs(cell, ppl, spread):
        recipe = replace(depth.at_equal_parameters(cell, 2, residual=True), name=f"time-{cell}", experiment="time")
        made = [made_by(recipe, ppl + spread * at) for at in (-1, 0, 1)]
        return [of_seed(run, seed) for seed, run in enumerate(made)]

    spread = half_width / 2.484 / 2  # of three seeds: the interval of the difference is as wide
    made = [*runs("gru", 4.0, spread), *runs("lstm", 4.5, -spread)]
    found = gru.chart(Results(runs={run.name: run for run in made}), "time", "time").title
    assert found.values["ppl"] == pytest.approx(4.0)
    assert found.values["told"].values == {"tested": 1, "apart": apart}
    alone = [run for run in made if run.seed == 0]
    found = gru.chart(Results(runs={run.name: run for run in alone}), "time", "time").title
    assert found.values["told"] == Word(key="gru.figure.single")


def test_ten_plain_layers_of_which_each_seed_still_learned_when_training_ended_are_named():
    falling = {one["cell"] for one in answered("depth")["falling"]}
    assert falling == {"minGRU"}, "of the RNN one seed of three did"


def test_two_layers_with_more_epochs_come_within_a_twentieth_of_the_best_depth_at_the_higher_rate():
    found = answered("ladder")
    fast = {one["cell"]: one["ppl"].mean for one in found["fast"]}
    assert {one["cell"]: one["ppl"].mean / fast[one["cell"]] for one in found["longer"]} == {
        cell: pytest.approx(1, abs=0.05) for cell in ("RNN", "LSTM", "minGRU", "minLSTM")
    }


def test_no_results_answer_nothing():
    assert questions.answers(Results()) == {}


@pytest.mark.parametrize("question", questions.QUESTIONS, ids=lambda question: question.key)
def test_a_question_of_which_nothing_was_run_still_draws_and_tabulates(question):
    assert all(not chart.table.rows for charts in question.charts(Results()) for chart in charts)
    assert all(not table.table(Results()) or not table.table(Results()).rows for table in question.tables)


def test_what_a_question_refers_to_exists():
    recipes = questions.all_recipes()
    compared = {one.key: one for one in questions.comparisons()}
    assert len(compared) == sum(len(question.comparisons) for question in questions.QUESTIONS)
    assert len(set(KEYS)) == len(KEYS)
    for one in compared.values():
        assert {name for names in one.groups.values() for name in names} <= recipes.keys()
    for question in questions.QUESTIONS:
        assert not question.comparison or question.comparison in compared
        assert not question.answers or (question.example in recipes and question.key in KEYS)
    assert {*questions.FIRST_COMPARED} <= compared.keys()


def test_a_comparison_begins_with_its_first_group():
    made_up = Comparison(key="x", groups={"time": ("a",), "width": ("b",)})
    assert made_up.budget == "time"


def test_another_result_is_another_answer_and_a_missing_run_takes_away_its_answers_alone():
    runs = SHIPPED_RESULTS.runs
    run = runs["rate-gru-10-residual"]
    changed = replace(run, final={part: replace(of, ppl=9.9) for part, of in run.final.items()})
    before, after = answered("rate"), answered("rate", Results(runs=runs | {run.name: changed}))
    assert before["most"] < 5 < after["most"]
    (gru,) = (one for one in after["residual"] if one["cell"] == "GRU")
    assert gru["ppl"].mean > 6, "one of three seeds is"
    lacking = replace(SHIPPED_RESULTS, runs={name: one for name, one in runs.items() if one.recipe != run.recipe})
    assert questions.answers(SHIPPED_RESULTS).keys() - questions.answers(lacking).keys() == {"rate", "ladder"}


def test_a_run_is_of_a_question_by_what_it_records_not_by_its_name():
    run = SHIPPED_RESULTS.runs["depth-gru-10-residual"]
    named = {run.name: run, "tower-of-ten": replace(run, name="tower-of-ten", recipe="tower-of-ten")}
    renamed = Results(runs={"tower-of-ten": named["tower-of-ten"]})
    assert depth.stacks(renamed, "depth", "gru", 10, residual=True).figure().mean == run.heldout.ppl
    stranger = replace(run, experiment="")
    assert not depth.stacks(Results(runs={run.name: stranger}), "depth", "gru", 10, residual=True)


def test_authors_stand_in_the_order_in_which_they_are_read():
    own = authors.own_texts(SHIPPED_RESULTS, "author")
    assert list(own) == ["wells", "austen", "doyle", "dickens", "melville"]
    assert own["doyle"] == "sherlock_holmes"
    other = replace(
        SHIPPED_RESULTS.runs["author-austen"],
        name="author-austen-sherlock_holmes",
        recipe="author-austen-sherlock_holmes",
        experiment="",
        train_config=SHIPPED_RESULTS.runs["author-doyle"].train_config,
    )
    more = replace(SHIPPED_RESULTS, runs=SHIPPED_RESULTS.runs | {other.name: other})
    assert authors.own_texts(more, "author") == own, "a recipe with another text is no author"


def test_an_author_read_by_a_stranger_is_taken_over_the_seeds():
    def run(seed, ppl):
        return of_seed(made_run("author-five", ppl, elsewhere={"book": made_figures(ppl)}), seed)

    runs = {r.name: r for r in (run(0, 2.0), run(1, 4.0), run(2, 6.0))}
    found = authors.perplexity(Results(runs=runs), "author", "five", "book")
    assert found.mean == 4
    assert found.half_width == pytest.approx(4.303 * 2 / math.sqrt(3), rel=1e-3)


def test_a_gap_has_the_interval_over_the_seeds_that_both_sides_have():
    def run(recipe, seed, ppl):
        return of_seed(made_run(recipe, ppl), seed)

    runs = [run("a", 0, 2.2), run("a", 1, 2.4), run("a", 2, 2.6), run("b", 0, 2.0), run("b", 1, 2.0), run("c", 0, 1.1)]
    results = Results(runs={one.name: one for one in runs})
    a, b, c = (heldout(results.where(recipe=recipe)) for recipe in "abc")
    gap = percent_above([(a, b)])
    assert gap.mean == pytest.approx(15), "of the seeds that both have"
    assert gap.half_width == pytest.approx(12.706 * 7.0711 / math.sqrt(2), rel=1e-3), "of 10% and 20%"
    assert figure(gap, ".1f") == "15.0 ± 63.5"
    alone = percent_above([(a, c)])
    assert (alone.half_width, alone.num_seeds) == (None, 1), "of the one seed that both have"
    assert figure(alone, "+.1f") == "+100.0"
    apart = percent_above([(a, heldout(Results(runs={"d": of_seed(made_run("d", 1.2), 7)}).where(recipe="d")))])
    assert (figure(apart, "+.1f"), apart.num_seeds) == ("+100.0", 0), "of the means over the seeds of each"


def test_a_figure_is_written_with_its_interval_where_it_has_one():
    assert figure(Estimate(mean=4.0, half_width=4.9686, num_seeds=3)) == "4.000 ± 4.969"
    assert figure(Estimate(mean=2.5, half_width=None, num_seeds=1)) == "2.500"
    assert (figure(None, ".3f"), figure(6_852, ","), figure("GRU")) == ("–", "6,852", "GRU")


def test_depth_is_answered_for_all_that_was_held_equal():
    found = answered("ladder")
    best = {place: {one["cell"]: one["layers"] for one in found[place]}["GRU"] for place in ("slow", "fast", "wide")}
    assert best == {"slow": 2, "fast": 2, "wide": 10}


def test_what_more_text_brings_is_told_whole_with_what_counting_brings():
    each = answered("data")["each"]
    assert len(each) == 6
    assert each[-1]["chars"] == 5_485_384
    assert each[-1]["ppl"].mean == pytest.approx(4.118, abs=5e-4)


def test_the_notes_question_on_gru_and_lstm_is_answered_in_the_notes_setting():
    found = answered("gru")
    assert (found["note_gru_epoch"], found["note_lstm_epoch"]) == (170, 260)
    lowest = (found["note_gru_best"].mean, found["note_lstm_best"].mean)
    assert lowest == pytest.approx((9.11, 9.31), abs=5e-3)


def test_a_made_up_set_of_stacks_has_the_best_depth_that_its_figures_say():
    runs = [made_by(depth.at_equal_parameters("gru", n, residual=True), 5.0 + abs(n - 4)) for n in (1, 2, 4, 6)]
    results = Results(runs={run.name: run for run in runs})
    layers, best = depth.best_depth(results, "depth", "gru")
    assert (layers, best.mean) == (4, 5.0)
    tested = {run.name: replace(run, final=run.final | {"test": replace(run.heldout, ppl=9.0)}) for run in runs}
    assert depth.best_depth(Results(runs=tested), "depth", "gru")[1].mean == 9.0, "chosen on the validation part"
    assert runs[0].model_config == ModelConfig.from_dict(runs[0].model_config.to_dict())
    with pytest.raises(ValueError, match="not the runs of one recipe"):
        depth.best_depth(results, "depth", "lstm")


def test_a_wider_network_on_chinese_gains_next_to_nothing_and_counting_is_behind_as_the_claim_says():
    found = answered("chinese")
    assert 0.98 < found["wide"].mean / found["narrow"].mean < 1
    assert found["wide_train"].mean < 0.9 * found["narrow_train"].mean
    assert found["ngram"] > 1.1 * found["narrow"].mean
    assert found["byte"] == pytest.approx(2.2, abs=0.1), "an English book of one author: 2.0 to 2.2 bits a character"


def test_of_ten_layers_two_by_two_those_with_residual_connections_learn_and_cannot_be_told_apart():
    neither, norm, residual, both = (
        SHIPPED_RESULTS.where(recipe=name).figure()
        for name in ("depth-lstm-10-plain", "ten-layer-norm", "ten-residual", "depth-lstm-10-residual")
    )
    assert min(neither.mean, norm.mean) > 4 * max(residual.mean, both.mean)
    assert abs(residual.mean - both.mean) < residual.half_width + both.half_width
