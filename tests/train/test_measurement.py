import math
from dataclasses import replace

import pytest
import torch

from deeprnn.config import ModelConfig, TrainConfig
from deeprnn.lm.evaluation import nats_per_char
from deeprnn.nn.model import CharRNN
from deeprnn.text.splits import prepare
from deeprnn.train import measurement
from deeprnn.train.measurement import (
    EVAL_WINDOW,
    cold_nats,
    measure,
    measure_elsewhere,
    rounding_ppl_ratio,
    scored_nats,
    val_nats_of,
)

CPU = torch.device("cpu")
TEXT = "The quick brown fox jumps over the lazy dog.\n\nIt sleeps.\n\n" * 60
NO_MARKS = torch.empty(0, dtype=torch.long)

pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.fixture
def config(tmp_path):
    (tmp_path / "book.txt").write_text(TEXT)
    return TrainConfig(
        text=str(tmp_path / "book.txt"), form="full", epochs=1, batch_size=2, window=10, learning_rate=0.1
    )


def model_for(vocab_size):
    model = CharRNN(ModelConfig(cell="gru", hidden_size=8, num_layers=2), vocab_size).double()
    model.reset_parameters("uniform", torch.Generator().manual_seed(0))
    return model


@pytest.mark.parametrize("length", [2, 200, 256, 257, 258, 513, 1000, 256 * 33 + 1])
def test_cold_windows_each_begin_with_a_zero_state(length):
    model = model_for(11)
    ids = torch.randint(11, (length,), generator=torch.Generator().manual_seed(1))
    by_hand = torch.cat([nats_per_char(model, ids[start : start + 257]) for start in range(0, length - 1, 256)])
    found = cold_nats(model, ids, NO_MARKS)
    assert len(found) == length - 1
    torch.testing.assert_close(found, by_hand, rtol=1e-10, atol=1e-12)


def test_marks_are_read_and_never_scored(config):
    plain, marked = prepare(config, CPU), prepare(replace(config, mark_texts=True), CPU)
    model = model_for(len(marked.vocab))
    for part in ("val", "test"):
        ids = marked.parts[part]
        scored = scored_nats(model, ids, marked.marks)
        every = nats_per_char(model, ids)
        is_mark = torch.isin(ids[1:], marked.marks)
        assert is_mark.any()
        assert torch.equal(scored, every[~is_mark])
        assert len(cold_nats(model, ids, marked.marks)) == len(scored)
    figures = measure(model, marked, config)
    # the first character of a marked part is scored: its mark is before it
    assert figures["val"]["chars"] == len(plain.parts["val"])


def test_cold_windows_are_those_of_the_test_part_or_validation_where_there_is_none(config):
    for fraction, part in ((0.05, "test"), (0.1, "val")):
        data = prepare(replace(config, val_fraction=fraction), CPU)
        model = model_for(len(data.vocab))
        figures = measure(model, data, config)
        assert figures["cold_256"]["chars"] == len(data.parts[part]) - 1
        assert figures["cold_256"]["nats"] == pytest.approx(
            cold_nats(model, data.parts[part], data.marks).mean().item(), rel=1e-12
        )


@pytest.mark.parametrize("lanes", [1, 2, 32])
def test_a_validation_part_too_short_for_the_lanes_is_read_in_as_many_as_it_fills(config, lanes):
    data = prepare(config, CPU)
    assert len(data.parts["val"]) < 32 * EVAL_WINDOW
    model = model_for(len(data.vocab))
    assert val_nats_of(model, data, lanes) == pytest.approx(val_nats_of(model, data, 1), rel=0.01)


def test_a_window_longer_than_the_characters_that_are_measured_is_measured_too(config, monkeypatch):
    monkeypatch.setattr(measurement, "TRAIN_CHARS", 500)
    config = replace(config, batch_size=1, window=300)
    data = prepare(config, CPU)
    assert measure(model_for(len(data.vocab)), data, config)["train"].keys() >= {"ppl"}


def test_what_rounding_costs_is_the_perplexity_of_the_stored_weights_over_that_of_the_exact_ones(config):
    data = prepare(config, CPU)
    exact, stored = model_for(len(data.vocab)), model_for(len(data.vocab))
    with torch.no_grad():
        stored.head.weight *= 3
    ratios = rounding_ppl_ratio(exact, stored, data)
    assert ratios.keys() == {"train", "val", "test"}
    for name, ids in data.parts.items():
        starts = range(0, len(ids) - 1, 256)
        after, before = (
            torch.cat([nats_per_char(model, ids[start : start + 257]) for start in starts]).mean().exp()
            for model in (stored, exact)
        )
        assert ratios[name] == pytest.approx(float(after / before))
    assert all(ratio > 1.1 for ratio in ratios.values())


def test_other_texts_are_scored_whole_with_carried_state(config, tmp_path):
    (tmp_path / "other.txt").write_text(TEXT[::-1])
    data = prepare(replace(config, score_on=(str(tmp_path / "other.txt"),)), CPU)
    model = model_for(len(data.vocab))
    ((name, ids),) = data.elsewhere.items()
    figures = measure_elsewhere(model, data)[name]
    nats = nats_per_char(model, ids).mean().item()
    assert figures["nats"] == pytest.approx(nats, rel=1e-12)
    assert figures["ppl"] == pytest.approx(math.exp(nats), rel=1e-12)
    assert figures["chars"] == len(ids) - 1
