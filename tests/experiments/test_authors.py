"""What merging authors costs by itself, and how an author whom none has read is read: what the figures say is said."""

from dataclasses import replace

import pytest

from deeprnn.experiments import authors
from deeprnn.experiments.format import claim, sentence
from deeprnn.experiments.markdown import written
from deeprnn.experiments.questions import all_recipes
from deeprnn.measure.metrics import Figures
from deeprnn.page.shared.figures import drawn
from deeprnn.store.results import Results
from tests.conftest import made_by, made_figures, of_seed

RECIPES = all_recipes()
OTHER = 9.0  # of a model that reads another author


def made(name, own, ppl, seed=0, unseen=None):
    """A made-up run of an author's model, or of the shared one (own: all texts), as it reads every author."""
    ppls = {text: ppl if text in own else OTHER for text in authors.FIVE} | ({authors.UNSEEN: unseen} if unseen else {})
    run = made_by(RECIPES[name], ppl, elsewhere={text: made_figures(of) for text, of in ppls.items()})
    return of_seed(run, seed)


def results_of(full=4.0, little=5.0, five=(4.5,), unseen=None):
    """Results with each author's own models of all and of a fifth of the text, and seeds of the shared model."""
    runs = []
    for seed, ppl in enumerate(five):
        runs.append(made("author-five", authors.FIVE, ppl, seed, unseen))
        for who, text in authors.OWN_TEXT.items():
            runs.append(made(f"author-{who}", [text], full, seed, unseen and unseen + 1))
            runs.append(made(f"author-93k-{who}", [text], little, seed, unseen and unseen + 2))
    return Results(runs={run.name: run for run in runs})


def without(results, name):
    return replace(results, runs={key: run for key, run in results.runs.items() if run.recipe != name})


def said(key, results, lang="en"):
    answers = {answer.key: answer for answer in authors.QUESTION.answers}
    figures = answers[key].figures(results)
    return claim(f"authors.answer.{key}", figures, lang), sentence(f"authors.answer.{key}", figures, lang)


def texts_of(recipe):
    return recipe.train.text, *recipe.train.more_texts


def test_a_model_of_little_text_is_the_authors_own_with_less_of_the_same_and_as_many_characters_read():
    for who, text in authors.OWN_TEXT.items():
        full, little = RECIPES[f"author-{who}"], RECIPES[f"author-93k-{who}"]
        assert little.model == full.model
        assert (little.train.text, little.train.more_texts, little.train.max_train_chars) == (text, (), 93_000)
        assert little.train.epochs * 93_000 == full.train.epochs * 465_000
    assert RECIPES["author-five"].train.max_train_chars == 93_000
    trained = {text for one in RECIPES.values() if authors.UNSEEN in one.train.score_on for text in texts_of(one)}
    assert authors.UNSEEN not in trained


@pytest.mark.parametrize(
    ("five", "verdict"),
    [
        (
            (4.5,),
            "-10% from there: sharing itself is neither a gain nor a loss that these seeds can show (one seed each).",
        ),
        ((5.5, 5.52, 5.51), "+10% from there: sharing itself is a loss."),
        ((4.5, 4.52, 4.51), "-10% from there: sharing itself is a gain."),
        ((4.6, 5.6), "+2% from there: sharing itself is neither a gain nor a loss that these seeds can show."),
    ],
)
def test_sharing_is_a_gain_or_a_loss_as_the_figures_and_their_interval_say(five, verdict):
    told, _ = said("split", results_of(five=five))
    assert told.startswith(
        "Trained on a fifth of the text, each author's own model changes in perplexity by +25% on average;"
    )
    assert told.endswith(verdict)


def test_the_two_parts_in_nats_add_up_to_what_the_shared_model_loses():
    found = authors.answer_split(results_of(five=(4.5, 4.7, 4.6)))
    assert found["less"].mean + found["sharing"].mean == pytest.approx(found["total"].mean)
    assert found["sharing"].num_seeds == 3
    assert "nats a character" in said("split", results_of())[1]


def test_the_two_are_not_told_apart_until_every_author_has_a_model_of_little_text():
    results = results_of()
    whole = said("authors", results)[1]
    assert (
        "a fifth as much of each, which alone changes the perplexity of each author's own model by +25.0%; sharing"
        in whole
    )
    assert "not told apart" not in whole
    lacking = without(results, "author-93k-melville")
    assert "a fifth as much of each, and that is not told apart from sharing here." in said("authors", lacking)[1]
    with pytest.raises(LookupError, match="with little text"):
        authors.answer_split(lacking)


def test_what_is_there_of_the_models_of_little_text_is_drawn_and_tabulated():
    chart = drawn(authors.split_chart(without(results_of(), "author-93k-wells")), "en")
    assert chart["columns"] == ["Austen", "Doyle", "Dickens", "Melville"]
    assert [row[0]["text"] for row in chart["cells"]] == ["+0%", "+25%", "+12%"]
    rows = written(authors.split_table(results_of())).splitlines()[2:]
    assert rows[0] == "| Wells | +25.0 | -10.0 |"
    assert rows[-1] == "| on average | +25.0 | -10.0 |"
    nothing = replace(results_of(), runs={})
    assert authors.split_table(nothing) is None
    assert authors.split_chart(nothing).table.rows == []


def test_an_author_whom_none_has_read_has_a_column_as_soon_as_one_model_was_scored_on_it():
    assert "Carroll" not in drawn(authors.ppl_chart(results_of()), "en")["columns"]
    with pytest.raises(ValueError, match="recipe"):
        authors.answer_unseen(results_of())
    results = without(results_of(unseen=5.0), "author-dickens")
    doyle = results.runs["author-doyle"]
    results.runs["author-doyle"] = replace(doyle, elsewhere={text: doyle.elsewhere[text] for text in authors.FIVE})
    chart = drawn(authors.ppl_chart(results), "en")
    column = {name: row[-1]["text"] for name, row in zip(chart["rows"], chart["cells"], strict=True)}
    assert chart["columns"][-1] == "Carroll"
    assert (column["Wells"], column["Doyle"], column["all five"], column["Wells, a fifth"]) == (
        "6.00",
        "–",
        "5.00",
        "7.00",
    )
    told, whole = said("unseen", results)
    assert "the model of five authors has a perplexity of 5.0, below each of the 3 single-author models" in told
    assert told.endswith("with as many characters in all that were scored, 6.0 to 6.0 (one seed each).")
    assert "Austen 6.000 (seeds: 1), Melville 6.000 (seeds: 1). Models of 93,000 characters of one author" in whole
    assert whole.endswith(": Wells 7.000, Austen 7.000, Doyle 7.000, Dickens 7.000, Melville 7.000.")


def test_it_is_said_if_the_authors_nearest_to_the_unseen_one_were_not_scored_on_him():
    results = results_of(unseen=5.0)
    for name in ("doyle", "dickens"):
        run, little = results.runs[f"author-{name}"], results.runs[f"author-93k-{name}"]
        results.runs[run.name] = replace(run, elsewhere={text: run.elsewhere[text] for text in authors.FIVE})
        near = little.elsewhere | {authors.UNSEEN: Figures(**made_figures(6.5))}
        results.runs[little.name] = replace(little, elsewhere=near)
    assert said("unseen", results)[0].endswith("; those of the authors nearest to him were not scored.")


def test_the_claim_on_the_unseen_author_follows_the_figures():
    results = results_of(unseen=5.0)
    five = results.runs["author-five"]
    worse = five.elsewhere | {authors.UNSEEN: Figures(**made_figures(8.0))}
    results.runs["author-five"] = replace(five, elsewhere=worse)
    assert (
        "the model of five authors has a perplexity of 8.0, above each of the 5 single-author models"
        in said("unseen", results)[0]
    )
