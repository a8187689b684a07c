"""What is shown of a model while it learned: its texts, what is copied, its best moment, its story."""

import dataclasses
import json

import pytest

from deeprnn.experiments.rote import FEW, NOTE
from deeprnn.measure.metrics import Metrics, Moment
from deeprnn.measure.novelty import Fingerprint, copied_share, maximal
from deeprnn.page.shared.components import carried
from deeprnn.page.shared.widgets import Translations
from deeprnn.page.watch import view
from deeprnn.page.watch.moments import best_of, covered, kind_of, moments, spans_of, story
from deeprnn.store import checkpoint
from deeprnn.store.registry import Registry
from tests.page.conftest import spoken
from tests.page.watch.conftest import RUNS

RECITER = NOTE[-1]
GENERAL = (RECITER, FEW)


@pytest.fixture(scope="module")
def models(learned):
    return Registry(learned)


@pytest.fixture(scope="module")
def records(models):
    """The records of a model's curve as they are in its file."""
    path = models.infos[RECITER].path / checkpoint.METRICS
    return json.loads(path.read_text("utf-8"))["curve"]


def test_every_measurement_of_the_run_is_shown_with_its_texts(models, records):
    shown = moments(models, RECITER)
    epochs, every = RUNS[RECITER]
    assert shown["epoch"] == [*(1, 2, 4), *range(every, epochs + 1, every)]
    for name, key in (("chars", "chars"), ("seconds", "seconds")):
        assert shown[name] == [record[key] for record in records]
    assert shown["train"] == pytest.approx([record["train_ppl"] for record in records], abs=1e-4)
    assert shown["heldout"] == pytest.approx([record["val_ppl"] for record in records], abs=1e-4)
    for kind in ("drawn", "greedy"):
        assert shown["texts"][kind] == [record["written"][kind] for record in records]
    assert shown["prompt"] == models.infos[RECITER].metrics.sample.prompt
    assert shown["heldout"][shown["best"]] == min(shown["heldout"])


def test_what_is_marked_is_what_novelty_finds(models):
    shown, known = moments(models, RECITER), models.fingerprints(RECITER)
    for kind in ("drawn", "greedy"):
        for text, spans in zip(shown["texts"][kind], shown["copied"][kind], strict=True):
            runs = maximal(run for one in known for run in one.runs(text))
            assert covered(spans, text) == pytest.approx(copied_share(runs, len(text)))
            assert all(start < end for start, end in spans)
            assert sorted(spans) == spans
    assert any(shown["copied"]["greedy"]), "it recites at least when it is greedy"


def test_copies_that_touch_or_overlap_are_one():
    text = "the quick brown fox jumps over the lazy dog while it rains in the old town"
    known = [Fingerprint.build("one", "full", text[:45]), Fingerprint.build("other", "full", text[30:])]
    assert spans_of(known, text) == [[0, len(text)]]
    assert covered([[0, len(text)]], text) == 1
    assert spans_of(known, "nothing of this is in any of these two books") == []
    assert covered([], "") == 0


def test_a_question_is_offered_if_all_of_its_models_recorded_what_they_wrote(models, registry):
    assert view.questions(models) == {"general": GENERAL}
    for key, names in view.questions(registry).items():  # of the shipped ones, those that were trained again
        assert all(registry.infos[name].metrics.moments for name in names), key


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_value_is_plain_and_says_each_model_once(models, lang):
    value = json.loads(carried(view.watched(models)))
    said = spoken(value, lang)
    assert said["marked"]
    assert list(said["models"]) == list(GENERAL)
    (question,) = said["questions"]
    assert question["colours"] == ["gru", "spare-1"]
    assert (
        question["title"]
        == {"en": "The same 10,000 characters, without rote", "zh": "同样一万个字符，不靠死记硬背"}[lang]
    )
    for name in GENERAL:
        assert said["models"][name]["title"].startswith({"en": "GRU × 1", "zh": "1 层 GRU"}[lang])
        assert said["models"][name]["story"]


def test_the_page_does_not_wait_for_what_is_copied(models):
    models.ready.clear()
    try:
        value = view.watched(models)
    finally:
        models.ready.set()
    assert not value["marked"]
    assert {one["copied"] for one in value["models"].values()} == {None}
    assert view.asked_for(models, {"models": [FEW]})["found"][FEW]["copied"]


def test_models_that_an_address_names_are_shown_if_they_recorded_what_they_wrote(models, registry):
    found = view.asked_for(models, {"models": [FEW, RECITER, FEW]})
    assert found["models"] == [FEW, RECITER]
    assert found["found"] == {name: moments(models, name) for name in found["models"]}
    silent = next(name for name, info in registry.infos.items() if not info.metrics.moments)
    assert view.asked_for(registry, {"models": [silent]}) == {"models": [], "colours": [], "found": {}}
    with pytest.raises(ValueError, match=f"{silent} did not record"):
        moments(registry, silent)


def test_a_visitors_own_model_is_shown_to_who_knows_its_name_and_in_no_question(learned):
    models, name = Registry(learned), "mine-" + "0" * 16
    models.add(learned / FEW, name, visitor="ann", called="secret")
    found = view.asked_for(models, {"models": [name]})["found"][name]
    assert found["title"]["en"] == "GRU × 1 · secret"
    assert found["texts"] == moments(models, FEW)["texts"]
    assert name not in carried(view.watched(models))
    models.remove(name)
    assert "error" in view.asked_for(models, {"models": [name]})


@pytest.mark.parametrize("ask", [None, 7, [], {}, {"models": None}, {"models": "few-lstm-2"}, {"models": [7]}])
def test_a_request_for_nothing_is_refused_in_both_languages(models, ask):
    assert view.asked_for(models, ask)["error"].keys() == {"en", "zh"}


def test_a_folder_without_such_models_shows_none(save_tiny, tmp_path):
    save_tiny(tmp_path / "tiny")
    value = view.watched(Registry(tmp_path))
    assert (value["questions"], value["models"], value["command"]) == ([], {}, f"python train.py {FEW}")


def test_the_board_is_fetched_when_the_view_is_opened(models):
    words = Translations()
    view.build(models, words)
    (board,) = (board for board, *_ in words.fixed)
    words.draw()
    (content,) = words.files.values()
    assert json.loads(content)["value"]["questions"]
    assert board.get_config()["value"] == ""


def moment(epoch, val, train=2.0, text="abc"):
    return Moment(epoch=epoch, chars=epoch, seconds=epoch, train_ppl=train, val_ppl=val, drawn=text, greedy=text)


def of(models, *record):
    """A model's description with another record; its training text's letters alone give a perplexity above 10."""
    info = models.infos[FEW]
    assert info.unigram_ppl > 10
    return dataclasses.replace(info, metrics=dataclasses.replace(info.metrics, moments=record))


TURNED = (moment(1, 12.0, 11.0), moment(80, 9.5, 6.0), moment(300, 90.0, 1.02))


@pytest.mark.parametrize(
    ("record", "shares", "kind"),
    [
        (TURNED, (0, 0, 0.87), "recites"),
        (TURNED, (0, 0, 0.49), "turns"),
        (TURNED, (), "turns"),
        ((moment(1, 12.0), moment(2, 8.0), moment(3, 9.2)), (0, 0, 1), "level"),
        ((moment(1, 12.0), moment(2, 8.0)), (0, 1), "end"),
        ((moment(1, 12.0),), (0,), "end"),
        ((moment(1, 17.0, 17.5), moment(2, 18.0, 17.4)), (0, 0), "frequencies"),
    ],
)
def test_a_story_is_that_of_the_numbers(models, record, shares, kind):
    info = of(models, *record)
    assert kind_of(info, shares) == kind
    for lang in ("en", "zh"):
        assert "{" not in story(info, shares, lang)


def test_the_story_of_a_reciter_says_when_it_was_best_and_since_when_it_recites(models):
    info = of(models, *TURNED[:2], moment(200, 40.0), moment(250, 60.0), TURNED[2])
    shares = (0, 0.6, 0.2, 0.7, 0.87)
    assert best_of(info.metrics.moments) == 1
    assert story(info, shares, "en") == (
        "Best on held-out text after epoch 80, at 9.5. From epoch 250 on it recites: in the end 87% of what it writes "
        "is copied, and held-out text is at 90."
    )
    assert "第 80 个迭代周期时最好，困惑度 9.5；从第 250 个起就在背书" in story(info, shares, "zh")


def test_a_record_is_read_strictly_and_a_curve_without_texts_has_no_moments(models, records):
    values = json.loads((models.infos[FEW].path / checkpoint.METRICS).read_text("utf-8"))

    def read(curve):
        return Metrics.from_dict(values | {"curve": curve}).moments

    assert read([]) == ()
    assert read([{"epoch": 1}]) == ()
    assert len(read(records)) == len(records)
    for changed, message in (
        ([records[1], records[0]], "curve must be records in the order of their epochs"),
        ([records[0], records[0]], "curve must be records in the order of their epochs"),
        ([records[0], {**records[1], "written": {"drawn": "a"}}], r"curve\[1\].written lacks 'greedy'"),
        ([{**records[0], "val_ppl": 0}], r"curve\[0\].val_ppl must be a number from 1"),
        ([{**records[0], "written": None}], r"curve\[0\].written"),
        (7, "curve must be a list"),
    ):
        with pytest.raises(ValueError, match=message):
            read(changed)
