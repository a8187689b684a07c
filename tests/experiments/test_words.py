"""The words of the questions: every one is used, and none is missing."""

import dataclasses
import itertools
import re

from deeprnn.experiments.charts import Word
from deeprnn.experiments.format import template
from deeprnn.experiments.question import Budget, Figures, Question
from deeprnn.experiments.questions import QUESTIONS
from deeprnn.experiments.words import WORDS
from deeprnn.store.results import Results
from tests.conftest import ROOT, SHIPPED, with_every_recipe

SHIPPED_RESULTS = Results.read(SHIPPED)
RESULTS = with_every_recipe(SHIPPED_RESULTS)
ONE_SEED = {name: run for name, run in SHIPPED_RESULTS.runs.items() if run.seed == 0}
OF_ONE_SEED = dataclasses.replace(SHIPPED_RESULTS, runs=ONE_SEED)
DRAWING = (ROOT / "deeprnn/page/shared/figures.py").read_text("utf-8")
OPTIONAL = ("found", "each", "timed")  # what a comparison may say besides


def of_answer(key: str, figures: Figures) -> set[str]:
    return {f"{key}.{part}" for part in ("title", "sentence", "claim")} | {
        template(key, at) for at, one in figures.items() if isinstance(one, list)
    }


def of_group(budget: Budget) -> tuple[str, str]:
    return f"{budget}.takeaway", f"{budget}.rest"


def of_question(question: Question) -> set[str]:
    found = {f"{question.key}.{part}" for part in ("asked", "method") if question.answers}
    for answer in question.answers:
        found |= of_answer(f"{question.key}.answer.{answer.key}", answer.figures(RESULTS))
    for one in question.comparisons:
        said = f"{question.key}.comparison.{one.key}"
        found |= {f"{said}.{part}" for part in ("asked", *itertools.chain(*map(of_group, one.groups)))}
        optional = (*OPTIONAL, *(f"{budget}.close" for budget in one.groups))
        found |= {f"{said}.{part}" for part in optional if f"{said}.{part}" in WORDS}
    return found


def inside(value: object) -> set[str]:
    """The keys of all words in a chart."""
    if isinstance(value, Word):
        return {value.key} | inside(list(value.values.values()))
    if dataclasses.is_dataclass(value):
        return inside([getattr(value, field.name) for field in dataclasses.fields(value)])
    return set().union(*map(inside, value)) if isinstance(value, list | tuple) else set()


def test_every_word_of_a_question_is_used_and_none_is_missing():
    used = set().union(*map(of_question, QUESTIONS))
    charts = [
        list(question.charts(results))
        for question in QUESTIONS
        for results in (RESULTS, SHIPPED_RESULTS, OF_ONE_SEED, Results())
    ]
    drawn = set().union(*map(inside, charts))
    drawn |= set(re.findall(r'"(charts\.[\w.]+)"', DRAWING))
    drawn |= {key.removesuffix("_close") for key in drawn}  # if seeds tell apart what they do not now
    known = {question.key for question in QUESTIONS} | {"charts"}
    assert used | {key for key in drawn if key.partition(".")[0] in known} == {
        key
        for key in WORDS
        if not key.startswith(("own.", "markdown."))  # see test_own.py and the next test
    }


def test_every_word_of_the_tables_in_markdown_is_used():
    source = (ROOT / "deeprnn/experiments/markdown.py").read_text("utf-8")
    for key in (key.removeprefix("markdown.") for key in WORDS if key.startswith("markdown.")):
        table, name = key.split(".")
        assert f'"{key}"' in source or (f'f"{table}.{{' in source and f'"{name}"' in source), key
