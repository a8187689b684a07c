"""A results.json that is damaged, or lacks runs: one sentence in place of its answers, and the rest as it was."""

import gc
import json
import shutil
from dataclasses import replace

import pytest

from deeprnn.page.app import launch
from deeprnn.page.experiments import view as experiments
from deeprnn.page.learn import view as learn
from deeprnn.page.shared.questions import comparisons, verdict
from deeprnn.page.words import tr
from deeprnn.store.registry import Registry
from deeprnn.store.results import FILE
from tests.conftest import SHIPPED, WAIT

ASKED = {question.key: f"{question.key}.answer.{question.key}.title" for question in experiments.ANSWERED}
TAUGHT = {"mistake": "learn.short.mistake", "ppl": "learn.short.ppl"}
RUN = "note-lstm-2"
KEY = json.loads((SHIPPED / FILE).read_text("utf-8"))["runs"][RUN]["text_key"]


def changed(*path, to):
    """The file with one value set to another, or taken out by None."""

    def damage(values):
        *way, last = path
        inside = values
        for key in way:
            inside = inside[key]
        if to is None:
            del inside[last]
        else:
            inside[last] = to
        return json.dumps(values)

    return damage


DAMAGES = {
    "truncated": lambda values: json.dumps(values)[:-100],
    "empty": lambda _: "",
    "no object": lambda _: "[]",
    "another schema": changed("schema", to=99),
    "no runs": changed("runs", to=None),
    "runs in a list": changed("runs", to=[]),
    "a run that is a number": changed("runs", RUN, to=7),
    "no perplexity": changed("runs", RUN, "final", "val", "ppl", to=None),
    "a perplexity in words": changed("runs", RUN, "final", "val", "ppl", to="low"),
    "a perplexity that is not a number": changed("runs", RUN, "final", "train", "ppl", to=float("nan")),
    "a perplexity of 10^400": changed("runs", RUN, "final", "train", "ppl", to=10**400),
    "no lowest perplexity": changed("runs", RUN, "best_val", to=None),
    "no curve": changed("runs", RUN, "curve", to={}),
    "a curve of uneven columns": changed("runs", RUN, "curve", "chars", to=[1]),
    "an unknown cell": changed("runs", RUN, "model_config", "cell", to="transformer"),
    "an empty name": changed("runs", RUN, "name", to=""),
    "a recipe without a name": changed("runs", RUN, "recipe", to=7),
    "an experiment in a list": changed("runs", RUN, "experiment", to=["note"]),
    "a text that is not there": changed("texts", KEY, to=None),
    "nats of 10^6": changed("texts", KEY, "ngram_nats", to=10**6),
    "a novelty without figures": changed("novelty", RUN, "sample", to={}),
    "a style of more pieces than were judged": changed("style_texts", "wells", "judged", "margins", to=[0.1]),
}


@pytest.fixture
def folder(tmp_path):
    """Two checkpoints that a question needs."""
    for name in ("note-rnn-2", "note-rnn-2-shared"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_costs_a_sentence_that_names_it_and_the_remedy(folder, caplog, damage):
    (folder / FILE).write_text(DAMAGES[damage](json.loads((SHIPPED / FILE).read_text("utf-8"))))
    models = Registry(folder)
    for lang in ("en", "zh"):
        shown, taught = experiments.sections(models, lang), learn.lesson(models, lang)
        assert shown["sections"] == []
        assert [one["key"] for one in taught["sections"]] == ["stack", "note", "scratch", "cells", "d2l"]
        for note in (shown["note"], taught["note"]):
            assert FILE in note
            assert "python train.py --gather" in note
        assert verdict(models, comparisons(models)["mistake"], "recipe", lang)
    (line,) = caplog.messages
    assert str(folder / FILE) in line


# What each question, and Learn, say less without a run.
LACKING = {
    "note-rnn-2": ({"scratch", "rote"}, {"mistake"}),
    "note-rnn-2-shared": ({"scratch"}, {"mistake"}),
    "note-rnn-2-shared-updated": ({"scratch"}, {"mistake"}),
    "note-lstm-2": ({"gru", "rote"}, {"ppl"}),
    "few-lstm-2": ({"rote"}, set()),
    "depth-gru-2-residual": ({"gru", "depth"}, set()),
    "depth-rnn-10-plain": ({"depth"}, set()),
    "width-lstm-10-residual": ({"depth"}, set()),
    "rate-gru-4-residual": ({"depth"}, set()),
    "time-gru-2-residual": ({"gru"}, set()),
    "data-10k": ({"data", "style"}, set()),
    "author-five": ({"authors", "style"}, set()),
    "shelf-five": ({"authors"}, set()),
}


@pytest.mark.parametrize("recipe", LACKING)
@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_what_a_missing_run_leaves_unanswered_is_said_and_the_rest_is_answered(folder, registry, recipe, lang, caplog):
    models, results = Registry(folder), registry.results
    models.results = replace(results, runs={name: run for name, run in results.runs.items() if run.recipe != recipe})
    shown, taught = experiments.sections(models, lang), learn.lesson(models, lang)
    for view, named, lacking in zip((shown, taught), (ASKED, TAUGHT), LACKING[recipe], strict=True):
        assert {key for key, title in named.items() if tr(title, lang) in view["note"]} == lacking
        assert bool(lacking) == (FILE in view["note"])
    whole = {one["key"] for one in experiments.sections(registry, lang)["sections"]}
    assert {one["key"] for one in shown["sections"]} >= whole - LACKING[recipe][0]
    assert len(caplog.messages) <= 1


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_sentence_is_shown_in_both_views(chromium, folder):
    (folder / FILE).write_text("{")
    app, url, _ = launch(Registry(folder), prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
    try:
        with chromium.new_context(locale="zh-CN") as context:
            context.set_default_timeout(1_000 * WAIT)
            page = context.new_page()
            for view, where in (("experiments", ".experiments .empty"), ("learn", ".learn > .note")):
                page.goto(f"{url}?view={view}")
                page.locator(where).get_by_text(f"{FILE} 无法读取").wait_for()
    finally:
        app.get_blocks().close()
        del app
        gc.collect()  # here, where its warnings are ignored
