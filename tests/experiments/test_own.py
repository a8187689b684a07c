"""The recipe that is made from any text."""

import json
import random
import re
from dataclasses import replace

import pytest
import torch

from deeprnn.config import ModelConfig, TrainConfig
from deeprnn.experiments import own
from deeprnn.experiments.own import Machine, Options, OwnTextError, plan
from deeprnn.experiments.words import WORDS
from deeprnn.measure import baselines
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN
from deeprnn.page.training.answers import _OPTIONS
from deeprnn.text.splits import prepare
from deeprnn.text.vocab import normalize
from tests.conftest import ROOT

CPU = torch.device("cpu")
WORDLIST = ("the", "of", "and", "to", "in", "a", "is", "it", "you", "that", "he", "was", "for", "with", "they", "one")


def english(chars: int) -> str:
    draw = random.Random(chars)
    return " ".join(draw.choice(WORDLIST) for _ in range(chars // 3))[:chars]


def chinese(chars: int, symbols: int = 2_000) -> str:
    draw = random.Random(chars)
    return "".join(chr(0x4E00 + min(int(draw.expovariate(5 / symbols)), symbols)) for _ in range(chars))


def made(text, **options):
    return plan(text, "place", "book", Options(**options))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("chars", [own.LEAST_CHARS, 667, 2_000, 9_000, 30_000, 170_000])
@pytest.mark.parametrize("write", [english, chinese])
def test_any_text_of_any_length_gives_a_recipe_that_fits_it(cell, chars, write, tmp_path):
    text = write(chars)
    (tmp_path / "book.txt").write_text(text)
    found = plan(text, str(tmp_path / "book.txt"), "book", Options(cell=cell, minutes=3))
    data = prepare(found.recipe.train, CPU)  # refuses a text that is too short for the lanes and windows
    with torch.device("meta"):
        model = CharRNN(found.recipe.model, len(data.vocab))
    assert (found.symbols, found.train_chars) == (len(data.vocab), len(data.parts["train"]))
    assert found.parameters == model.num_params
    assert {len(data.parts[part]) > 1 for part in ("val", "test")} == {True}
    assert 1 < found.ngram["ppl"] < found.symbols * 3
    assert 1 < found.ngram["val_ppl"] < found.symbols * 3
    for config in (found.recipe.model, found.recipe.train):
        assert type(config).from_dict(config.to_dict()) == config


def test_the_curve_is_beside_an_n_gram_of_the_part_that_it_is_measured_on():
    found = made("ab" * 4_500 + "abcd" * 125 + "dcba" * 125)
    ngram = baselines.NGram.build(found.parts["train"], found.symbols, 6)
    for part, key in (("val", "val_ppl"), ("test", "ppl")):
        assert found.ngram[key] == pytest.approx(float(ngram.nats(found.parts[part]).mean().exp()))
    assert found.ngram["val_ppl"] != found.ngram["ppl"]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_slow_machine_with_little_time_still_reads_a_window_of_each_lane(cell, tmp_path):
    text = english(500_000)
    (tmp_path / "book.txt").write_text(text)
    options = Options(cell=cell, layers=10, hidden=512, minutes=0.5)
    found = plan(text, str(tmp_path / "book.txt"), "book", options, Machine(ratio=0.4))
    prepare(found.recipe.train, CPU)  # refuses what has no window
    assert found.train_chars < 5_000


def test_what_is_asked_for_is_what_is_made():
    found = made(english(5_000), cell="gru", layers=4, hidden=24, residual=False, form="d2l", epochs=7, seed=3)
    assert replace(found.recipe.model, dropout=0, head_dropout=0) == ModelConfig(
        cell="gru", hidden_size=24, num_layers=4, embedding_size=24, locked_dropout=True
    )
    assert (found.recipe.train.form, found.recipe.train.epochs, found.recipe.train.seed) == ("d2l", 7, 3)
    assert isinstance(found.recipe.train, TrainConfig)


def test_the_width_is_chosen_for_the_lanes_that_are_read():
    """Of few lanes every step is of few characters, so that a wide network could not read the text in time."""
    widths = [made(english(400_000), cell="gru", batch=batch).recipe.model.hidden_size for batch in (1, 32)]
    assert widths[0] < widths[1]


def test_what_a_command_line_asks_for_besides_replaces_what_would_follow_from_the_text():
    found = made(english(9_000), lr=0.001, batch=3, window=20, max_chars=4_000, prompt="Once")
    train = found.recipe.train
    assert (train.learning_rate, train.batch_size, train.window, train.max_train_chars) == (0.001, 3, 20, 4_000)
    assert found.recipe.sample_prompt == "Once"
    assert (found.train_chars, len(found.sentences("en"))) == (4_000, 3)  # none says that the time is short
    assert made(english(9_000), max_chars=9_000).recipe.train.max_train_chars is None


def test_stacks_are_residual_and_one_layer_is_plain_unless_asked():
    text = english(5_000)
    assert [made(text, layers=layers).recipe.model.residual for layers in (1, 2, 10)] == [False, True, True]
    assert made(text, layers=10, residual=False).recipe.model.residual is False


def test_more_time_gives_a_wider_model_or_more_epochs_and_never_less_of_both():
    text, before = english(300_000), (0, 0)
    for minutes in (1, 2, 5, 10, 30):
        found = made(text, minutes=minutes)
        now = (found.recipe.model.hidden_size, found.recipe.train.epochs)
        assert now[0] > before[0] or (now[0] == before[0] and now[1] >= before[1])
        assert found.seconds <= 61 * minutes
        before = now


def test_a_slower_machine_takes_a_smaller_model_or_fewer_epochs_for_the_same_minutes():
    text = english(300_000)
    fast, slow = (plan(text, "p", "b", Options(minutes=3), Machine(ratio=ratio)) for ratio in (1.0, 0.1))
    assert slow.recipe.model.hidden_size <= fast.recipe.model.hidden_size
    assert slow.recipe.train.epochs * slow.parameters < fast.recipe.train.epochs * fast.parameters
    assert slow.seconds <= 180


def test_of_a_text_that_is_too_long_for_the_time_the_first_part_is_read_once_and_it_says_so():
    found = made(english(2_000_000), minutes=0.5, layers=10, cell="gru")
    assert found.recipe.train.epochs == 1
    assert found.recipe.train.max_train_chars == found.train_chars < 1_000_000
    assert f"{found.train_chars:,}" in found.sentences("en")[2]


def test_a_short_text_takes_seconds_however_many_minutes_there_are():
    assert made(english(3_000), minutes=10).seconds < 60


def test_a_large_alphabet_loses_its_rare_characters_and_a_small_one_keeps_them():
    assert made(chinese(100_000, 20_000)).symbols < made(chinese(100_000, 20_000) * 2).symbols < 20_000
    text = english(5_000) + "æ"
    assert "æ" not in text[:4_000]
    assert made("æ" + english(5_000)).symbols == len(set(english(4_000))) + 2


def test_two_sets_of_options_never_share_a_name():
    some = [
        *(Options(cell=cell) for cell in CELLS),
        *(Options(layers=layers) for layers in (1, 2, 10)),
        *(Options(cell="gru", hidden=hidden) for hidden in (16, 128)),
        *(Options(residual=residual) for residual in (True, False)),
        Options(form="d2l"),
        Options(minutes=2.5),
        Options(epochs=30),
        Options(lr=0.003),
        Options(batch=4),
        Options(window=20),
        Options(max_chars=2_000),
        Options(prompt="Once"),
        Options(cell="gru", layers=3, hidden=64, residual=False, form="d2l", epochs=30),
    ]
    assert len({one.name for one in some}) == len(some)
    assert Options().name == "my-book"
    assert some[-1].name == "my-book-gru-layers3-hidden64-as-plain-epochs30-d2l"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cell": "transformer"}, "choose one of rnn, gru"),
        ({"layers": 11}, "from 1 to 10, not 11"),
        ({"layers": True}, "from 1 to 10, not True"),
        ({"hidden": 4}, "leave it out to have one chosen"),
        ({"minutes": float("nan")}, "not nan"),
        ({"minutes": 0}, "minutes, not 0"),
        ({"epochs": 0}, "not 0"),
        ({"form": "raw"}, "choose one of d2l, full"),
        ({"seed": -1}, "not -1"),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy_in_both_languages(options, said):
    with pytest.raises(OwnTextError, match=said) as refused:
        Options(**options)
    assert WORDS.tr(refused.value.key, "zh", **refused.value.values)


def test_a_text_that_is_too_short_in_its_form_is_refused_with_the_remedy():
    with pytest.raises(OwnTextError, match="has 499 characters in this form, and a model needs 500"):
        made(english(499))
    with pytest.raises(OwnTextError, match="letters a-z"):
        made(normalize(chinese(5_000), "d2l"), form="d2l")


@pytest.mark.parametrize(
    ("chars", "hint"), [(3_000, "tiny"), (30_000, "small"), (170_000, "book"), (1_000_000, "long")]
)
def test_it_says_what_can_be_learned_from_so_much_text(chars, hint):
    found = made(english(chars))
    assert found.hint == f"own.hint.{hint}"
    for lang in ("en", "zh"):
        assert f"{found.ngram['ppl']:.2f}" in found.sentences(lang)[1]
        assert len(found.sentences(lang)) == 3


def test_of_a_text_too_long_to_be_counted_no_n_gram_is_told(monkeypatch):
    monkeypatch.setattr(baselines, "MAX_COUNTED", 10_000)
    found = made(english(30_000))
    assert found.ngram is None
    assert json.loads(json.dumps(found.figures, allow_nan=False))["ngram"] is None
    for lang in ("en", "zh"):
        assert len(found.sentences(lang)) == 2
        assert not any("nan" in one for one in found.sentences(lang))


def test_every_word_is_used_and_none_is_missing():
    written = set(re.findall(r'"(own\.[\w.]+)"', (ROOT / "deeprnn/experiments/own.py").read_text("utf-8")))
    options = _OPTIONS - {"residual"}
    used = written | {f"own.refused.{name}" for name in options} | {f"own.hint.{name}" for _, name in own.LENGTHS}
    assert used == {key for key in WORDS if key.startswith("own.")}


def test_a_short_text_of_many_symbols_keeps_its_alphabet_and_what_is_unknown_is_said():
    once = "".join(chr(0x4E00 + n) for n in range(1_000))
    assert made(once).symbols == 801, "each character of the training part, and the unknown one"
    short, long = made(chinese(1_500)), made(chinese(400_000))
    assert short.recipe.train.min_count == 1
    assert long.recipe.train.min_count == 3
    assert short.unknown > 0.05 > 0.01 > long.unknown
    assert any(f"{100 * short.unknown:.0f}% of the held-out text" in said for said in short.sentences("en"))
    assert not any("of the held-out text" in said for said in long.sentences("en"))
    assert short.figures["unknown"] == pytest.approx(short.unknown, abs=1e-4)
