import re
from dataclasses import replace

import pytest

from deeprnn.experiments import depth
from deeprnn.experiments.markdown import answers, claims_table, goals_table, refreshed, written
from deeprnn.experiments.questions import all_recipes
from deeprnn.nn.cells import CELLS
from deeprnn.store.results import Curve, Outcome, Results
from tests.conftest import SHIPPED, made_by, made_run


def depth_results(ppl):
    """Made-up depth runs: perplexity by (cell, depth, wiring)."""
    runs = {}
    for recipe in all_recipes().values():
        if recipe.experiment == "depth":
            model = recipe.model
            value = ppl(model.cell, model.num_layers, "residual" if model.residual else "plain")
            runs[recipe.name] = made_by(recipe, value)
    return Results(runs=runs)


def section(title, results):
    """What is answered below a title."""
    return next(part for part in answers(results, "en").split("### ") if part.startswith(f"{title}\n"))


def test_the_verdict_on_depth_follows_the_figures():
    made_up = depth_results(lambda _, n, wiring: 20.0 + n if wiring == "plain" else 5.0 + abs(n - 4) / 10)
    sentence = section("Depth", made_up)
    plain = ", ".join(f"{cell.label} 30.000" for cell in CELLS.values())
    assert f"far behind after 10 epochs: {plain}." in sentence
    assert "best depth: RNN 5.600 (+12.0%), GRU 5.600 (+12.0%)" in sentence


def test_the_verdict_on_cells_tells_what_equal_time_makes_of_them():
    made_up = depth_results(lambda cell, *_: 5.0 if cell == "gru" else 6.0)
    for cell, seconds in (("gru", 100.0), ("lstm", 110.0)):
        run = made_up.runs[f"depth-{cell}-2-residual"]
        for kind in ("time", "rate"):
            name = f"{kind}-{cell}-2-residual"
            made_up.runs[name] = replace(run, name=name, recipe=name, experiment=kind, train_seconds=seconds)
        made_up.runs[f"note-{cell}-2"] = replace(
            run,
            name=f"note-{cell}-2",
            recipe=f"note-{cell}-2",
            experiment="note",
            num_params=300 if cell == "gru" else 400,
            curve=Curve(epoch=(10, 20), train_ppl=(1.2, 1.05)),
        )
    sentence = section("GRU for LSTM", made_up)
    assert "the GRU has 25% fewer parameters" in sentence
    assert "after 20 epochs (LSTM: 20)" in sentence
    assert "the GRU reaches 5.000 (residual, which here includes LayerNorm before each layer)" in sentence
    sentence = section("GRU for LSTM: speed", made_up)
    assert "(at most 10% apart): the GRU comes to 5.000 in 100 s, the LSTM, which reads 1.00 times as many" in sentence
    assert "to 6.000 in 110 s." in sentence


def test_a_goal_is_met_by_what_was_measured_and_missed_otherwise():
    made_up = depth_results(lambda *_: 5.0)
    for name, ppl, val in (("few-lstm-2", 7.9, 9.0), ("book-a", 3.0, 5.0), ("book-b", 4.2, 4.0)):
        made_up.runs[name] = made_run(name, val, train=2.0, test=ppl, experiment=name.partition("-")[0])
    few, book = goals_table(made_up).splitlines()[2:]
    assert few.endswith("| 8.00 | 7.900 | yes | `python train.py few-lstm-2` |")
    assert book.endswith("| 3.95 | 4.200 | no | `python train.py book-b` |"), "chosen by its validation part"


def test_a_question_that_was_not_measured_has_no_verdict():
    assert answers(Results(), "en") == ""
    assert len(claims_table(Results(), "zh").splitlines()) == 2


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_answer_is_its_title_its_claim_and_its_figures(lang):
    results = Results.read(SHIPPED)
    blocks = answers(results, lang).split("\n\n")
    claims = [row.split(" | ", 1) for row in claims_table(results, lang).splitlines()[2:]]
    titles = [re.match(r"\| \[(.+)\]\(docs/", title)[1] for title, _ in claims]
    assert blocks[0::3] == [f"### {title}" for title in titles]
    assert blocks[1::3] == [f"**{claim.removesuffix(' |')}**" for _, claim in claims]
    assert all(len(sentence) > 100 for sentence in blocks[2::3])


def test_a_run_that_never_learned_is_marked_in_its_table():
    made_up = depth_results(lambda *_: 5.0)
    fallen = Outcome(status="never learned", reason="...")
    made_up.runs["depth-gru-10-plain"] = replace(made_up.runs["depth-gru-10-plain"], outcome=fallen)
    (row,) = (line for line in written(depth.table(made_up, "depth")).splitlines() if line.startswith("| GRU | plain"))
    assert row == "| GRU | plain | 5.000 | 5.000 | 5.000 | 5.000 | 5.000 *never learned* |"


def test_every_claim_and_answer_is_in_both_languages():
    results = Results.read(SHIPPED)
    for make in (claims_table, answers):
        english, chinese = (make(results, lang).splitlines() for lang in ("en", "zh"))
        assert len(english) == len(chinese) > 5
        assert all(re.search("[一-鿿]", line) for line in chinese if line and "---" not in line)


def test_a_page_without_marks_is_not_changed():
    text = "No marks.\n<!-- claims --> alone\n"
    assert refreshed(text, Results(), "en") == text
