import copy
import io
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import safetensors.torch
import torch

from deeprnn.config import ModelConfig
from deeprnn.lm.evaluation import nats_per_char
from deeprnn.lm.language_model import LanguageModel
from deeprnn.nn.model import CharRNN
from deeprnn.store import checkpoint
from deeprnn.text.vocab import Vocab

D2L = Vocab(form="d2l", characters=" etaoinshrdlcumwfgypbvkxjqz")
FULL = Vocab(form="full", characters=" etaoinshrdlcumwfgypbvkxjqzTHE\n.,'-")


def make_lm(vocab=D2L, cell="lstm", **config):
    model = CharRNN(ModelConfig(**({"cell": cell, "hidden_size": 8, "num_layers": 2} | config)), len(vocab))
    model.reset_parameters("uniform", torch.Generator().manual_seed(1))
    with torch.no_grad():  # far from uniform: choices must matter
        model.head.weight.mul_(8)
    return LanguageModel(name="tiny", model=model, vocab=vocab)


PROMPTS = {
    "plain": "time traveller",
    "empty": "",
    "unknown only": "1234567890",
    "emoji": "hello \N{GRINNING FACE}\N{ZERO WIDTH JOINER}\N{GRINNING FACE}",
    "chinese": "时间旅行者说",
    "line breaks": "one\r\ntwo\n\n",
    "a lone surrogate": "a\ud800b",
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("vocab", [D2L, FULL], ids=["d2l", "full"])
def test_generate_returns_exactly_max_chars_of_the_alphabet(vocab, prompt):
    lm = make_lm(vocab)
    for max_chars in (0, 1, 12):
        text = lm.generate(prompt, max_chars=max_chars, temperature=1.0)
        assert len(text) == max_chars
        assert set(text) <= set(vocab.characters)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_stream_joined_equals_generate(cell):
    lm = make_lm(cell=cell)
    settings = {"max_chars": 30, "temperature": 1.2, "top_k": 20, "top_p": 0.95, "seed": 4}
    pieces = list(lm.stream("time", **settings))
    assert all(len(piece) == 1 for piece in pieces)
    assert "".join(pieces) == lm.generate("time", **settings)


@pytest.mark.parametrize("prompt", ["", "time", "the time traveller for so it will be convenient to speak of him " * 2])
@pytest.mark.parametrize("temperature", [0.0, 1.2])
def test_texts_written_together_are_each_what_generate_writes_for_its_seed(prompt, temperature):
    lm, seeds = make_lm(), [5, 0, 5, 7]
    for max_chars in (0, 1, 16, 40):
        expected = [lm.generate(prompt, max_chars, temperature, seed=seed) for seed in seeds]
        assert lm.generate_each(prompt, seeds, max_chars, temperature) == expected
    assert lm.generate_each(prompt, []) == []
    limits = {"top_k": 3, "top_p": 0.8}
    expected = [lm.generate(prompt, 16, temperature, seed=seed, **limits) for seed in seeds]
    assert lm.generate_each(prompt, seeds, 16, temperature, **limits) == expected


def test_texts_written_together_are_cut_before_their_first_end():
    lm, seeds = make_lm(), range(12)
    whole = [lm.generate("time", 60, 1.5, seed=seed) for seed in seeds]
    for end in ("e", whole[3][20:22], "9"):
        assert lm.generate_each("time", seeds, 60, 1.5, end) == [text.partition(end)[0] for text in whole]
    assert lm.generate_each("time", seeds) == [lm.generate("time", seed=seed) for seed in seeds]


@pytest.mark.parametrize(
    "wrong", [{"max_chars": -1}, {"max_chars": 10**9}, {"temperature": -1.0}, {"seeds": [0, -1]}], ids=str
)
def test_settings_outside_their_range_are_refused_for_many_texts_too(wrong):
    with pytest.raises(ValueError, match=r"must be"):
        make_lm().generate_each("time", **({"seeds": [0]} | wrong))


def test_the_defaults_of_stream_are_those_of_generate():
    lm = make_lm()
    assert "".join(lm.stream("time")) == lm.generate("time")
    assert len(lm.generate("time")) == 200


def test_every_sampling_value_reaches_the_sampler():
    lm = make_lm()
    plain = lm.generate("time", 30, 1.5)
    assert lm.generate("time", 31, 1.5)[:30] == plain
    assert lm.generate("time", 30, 1.5, seed=1) != plain
    assert lm.generate("time", 30, 0.1) != plain
    assert lm.generate("time", 30, 1.5, top_k=2) != plain
    assert lm.generate("time", 30, 1.5, top_p=0.3) != plain


@pytest.mark.parametrize(("vocab", "start"), [(D2L, " "), (FULL, "\n")], ids=["d2l", "full"])
def test_an_empty_prompt_is_read_as_a_line_break_or_else_a_space(vocab, start):
    lm = make_lm(vocab)
    assert lm.generate("", 40, 1.0) == lm.generate(start, 40, 1.0)


def test_an_alphabet_without_white_space_still_takes_an_empty_prompt():
    assert len(make_lm(Vocab(form="d2l", characters="abc")).generate("", max_chars=5)) == 5


def test_upper_case_equals_lower_case_for_a_d2l_alphabet():
    lm = make_lm()
    assert lm.generate("TIME Traveller", 40, 1.0) == lm.generate("time traveller", 40, 1.0)
    assert lm.score("TIME Traveller").nats == lm.score("time traveller").nats


def test_upper_case_differs_from_lower_case_for_a_full_alphabet():
    lm = make_lm(FULL)
    assert lm.score("THE").nats != lm.score("the").nats


def test_a_prompt_of_a_hundred_thousand_characters_is_read_to_its_end():
    lm = make_lm(num_layers=1)
    long = "the time traveller " * 5264
    assert len(long) > 100_000
    text = lm.generate(long, max_chars=20, temperature=1.0)
    # A model of 8 units forgets what is 3,000 characters back; its last words it must know.
    assert text == lm.generate(long[-3_040:], max_chars=20, temperature=1.0)
    assert text != lm.generate(long[:-1], max_chars=20, temperature=1.0)


def test_score_names_the_positions_of_unknown_characters_and_counts_them():
    lm = make_lm()
    score = lm.score("1ab!c中\N{GRINNING FACE}\n")
    assert score.unknown == [0, 3, 5, 6]  # the line break is read as a space
    assert len(score.nats) == 7
    ids = torch.tensor([0, *D2L.encode("ab"), 0, *D2L.encode("c"), 0, 0, *D2L.encode(" ")])
    assert score.nats == nats_per_char(lm.decoder, ids).tolist()
    assert score.mean_nats == pytest.approx(math.fsum(score.nats) / 7, rel=1e-15)


def test_a_known_text_has_no_unknown_positions():
    assert make_lm().score("the time traveller").unknown == []


@pytest.mark.parametrize("text", ["", "a", "\N{GRINNING FACE}"])
def test_fewer_than_two_characters_cannot_be_scored(text):
    with pytest.raises(ValueError, match="at least two characters"):
        make_lm().score(text)


@pytest.mark.parametrize("method", ["stream", "generate"])
@pytest.mark.parametrize(
    "values", [{"temperature": -1.0}, {"top_k": -1}, {"top_p": 0.0}, {"seed": -1}, {"max_chars": -1}], ids=str
)
def test_a_value_out_of_range_is_refused_at_the_call(method, values):
    lm = make_lm()
    with pytest.raises(ValueError, match=next(iter(values))):
        getattr(lm, method)("time", **values)  # a stream is refused before its first character is asked for


def test_threads_that_share_a_model_get_what_they_would_get_alone():
    lm = make_lm()
    tasks = [(prompt, seed) for seed in range(4) for prompt in ("time", "TRAVELLER", "")]

    def work(task):
        prompt, seed = task
        return lm.generate(prompt, max_chars=20, temperature=1.0, seed=seed), lm.score("the " + prompt).nats

    alone = [work(task) for task in tasks]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, tasks)) == alone
    assert len({text for text, _ in alone}) >= 4  # at least one text a seed


def test_a_loaded_checkpoint_generates_and_scores(save_tiny, tmp_path):
    lm = checkpoint.load(save_tiny(tmp_path / "tiny", cell="lstm"))
    assert lm.name == "tiny"
    assert lm.config == ModelConfig(cell="lstm", hidden_size=8, num_layers=2)
    assert len(lm.generate("abc", max_chars=12)) == 12
    assert len(lm.score("abc").nats) == 2


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("prompt", ["time", ""])
def test_a_text_goes_on_as_if_it_had_never_stopped(cell, prompt):
    lm = make_lm(cell=cell)
    whole = lm.generate(prompt, max_chars=60, seed=3)
    for at in (1, 30, 59):
        assert "".join(lm.stream(prompt, 60 - at, seed=3, written=whole[:at])) == whole[at:]


def test_next_char_gives_the_likeliest_characters_of_the_model_first():
    lm = make_lm()
    found = lm.next_char("time", k=len(D2L.characters))
    logits = lm.model(torch.tensor([D2L.encode("time")]), lm.model.initial_state(1))[0][0, -1].double()
    expected = logits[1:].softmax(0)  # id 0 is the unknown character, which is never written
    assert sorted(c for c, _ in found) == sorted(D2L.characters)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    for character, p in found:
        assert p == pytest.approx(expected[D2L.characters.index(character)].item())
    assert lm.next_char("time", k=3) == found[:3]


def test_next_char_needs_a_number_of_them():
    with pytest.raises(ValueError, match="k must be 1 or more"):
        make_lm().next_char("a", k=0)


def test_surprise_is_the_score_of_what_follows_the_prompt():
    lm = make_lm()
    assert lm.surprise("the time", " traveller") == lm.score("the time traveller").nats[7:]
    assert len(lm.surprise("", "abc")) == 3
    assert lm.surprise("abc", "") == []


CHANGES = {
    "in place": lambda model: model.head.weight.data.mul_(0.5),
    "under no_grad": lambda model: torch.no_grad()(model.head.weight.mul_)(0.5),
    "a bias": lambda model: model.layers()[1].bias_hh.data.add_(1.0),
    "loaded": lambda model: model.load_state_dict({k: v / 2 for k, v in model.state_dict().items()}),
    "assigned": lambda model: model.load_state_dict({k: v / 2 for k, v in model.state_dict().items()}, assign=True),
    "rows changed places": lambda model: model.head.weight.data.copy_(model.head.weight.data.flip(0)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_said_follows_the_weights(change):
    lm = make_lm()
    ids = torch.tensor(D2L.encode("the time traveller"))
    before = lm.score("the time traveller").nats
    lm.generate("the", 3)
    change(lm.model)
    found = lm.score("the time traveller").nats
    assert found == pytest.approx(nats_per_char(lm.model, ids).tolist(), abs=1e-4)
    assert found != pytest.approx(before, abs=1e-3)
    fresh = LanguageModel(name="fresh", model=copy.deepcopy(lm.model), vocab=D2L)
    assert lm.generate("the", 30) == fresh.generate("the", 30)
    assert lm.next_char("the") == fresh.next_char("the")


def test_a_model_is_pickled_copied_and_saved_after_it_wrote_as_before():
    lm = make_lm()
    text = lm.generate("the", 20)
    saved = safetensors.torch.load(safetensors.torch.save(lm.model.state_dict()))
    assert all(torch.equal(saved[name], weight) for name, weight in lm.model.state_dict().items())
    for other in (pickle.loads(pickle.dumps(lm)), copy.copy(lm), copy.deepcopy(lm)):
        assert other.generate("the", 20) == text
    file = io.BytesIO()
    torch.save(lm, file)


def test_a_score_shows_its_figures_not_its_lists():
    assert len(repr(make_lm().score("the time traveller " * 50))) < 100


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda lm: lm.generate("a", top_k=2.5), "top_k"),
        (lambda lm: lm.generate("a", seed=1.5), "seed"),
        (lambda lm: lm.generate("a", seed=True), "seed"),
        (lambda lm: lm.generate("a", seed=10**400), "seed"),
        (lambda lm: lm.generate("a", max_chars=1.0), "max_chars"),
        (lambda lm: lm.generate("a", max_chars=10**400), "max_chars"),
        (lambda lm: lm.generate("a", temperature="1"), "temperature"),
        (lambda lm: lm.generate("a", temperature=10**400), "temperature"),
        (lambda lm: lm.generate("a", top_p=math.nan), "top_p"),
        (lambda lm: lm.generate("a", top_p=None), "top_p"),
        (lambda lm: lm.generate(b"x"), "prompt"),
        (lambda lm: lm.stream(None), "prompt"),
        (lambda lm: lm.stream("a", written=3), "written"),
        (lambda lm: lm.next_char("a", k=1.5), "k"),
        (lambda lm: lm.next_char(3), "prompt"),
        (lambda lm: lm.surprise("a", None), "text"),
        (lambda lm: lm.surprise(["a"], "b"), "prompt"),
        (lambda lm: lm.score(None), "text"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused_by_its_name(call, name):
    with pytest.raises((ValueError, TypeError), match=f"^{name} must be"):
        call(make_lm())


def test_numbers_of_numpy_are_numbers():
    lm = make_lm()
    values = {"max_chars": np.int64(9), "temperature": np.float32(0.5), "top_k": np.int32(4), "seed": np.uint8(3)}
    assert lm.generate("the", **values) == lm.generate("the", 9, 0.5, 4, 1.0, 3)
    assert len(lm.generate("the", 3, top_k=10**400)) == 3


@pytest.mark.parametrize("vocab", [D2L, FULL], ids=["d2l", "full"])
@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("one\rtwo", "one\ntwo"),
        ("one\N{EM DASH}two", "one--two"),
        ("\N{EM DASH}one\r\n\r\n", "--one\n\n"),
        ("\r\none", "\none"),
    ],
)
def test_line_ends_and_dashes_cost_what_they_cost_in_training(vocab, given, plain):
    lm = make_lm(vocab)
    found, expected = lm.score(given), lm.score(plain)
    assert found.ppl == pytest.approx(expected.ppl, rel=1e-12)
    assert found.symbols == len(plain) - 1
    assert len(found.nats) == len(given) - 1
    assert lm.generate(given, 20) == lm.generate(plain, 20)
    assert len(lm.surprise("a", given)) == len(given)
    assert math.fsum(lm.surprise("a", given)) == pytest.approx(math.fsum(lm.surprise("a", plain)))


def test_nats_and_unknown_positions_are_those_of_the_text_as_given():
    lm = make_lm()
    nats, plain = lm.score("a\r\nb\N{EM DASH}1").nats, lm.score("a\nb--1")
    n = plain.nats
    assert nats == pytest.approx([n[0], 0.0, n[1], n[2] + n[3], n[4]])
    assert lm.score("a\r\nb\N{EM DASH}1").unknown == [4, 5]


def test_a_model_whose_weights_overflow_is_said_to_be_broken():
    lm = make_lm()
    with torch.no_grad():
        lm.model.head.weight.mul_(1e38 / lm.model.head.weight.abs().mean()).clamp_(-3e38, 3e38)
        lm.model.head.bias.copy_(3e38 * lm.model.head.bias.sign())
    for call in (lambda: lm.score("the time"), lambda: lm.generate("the", 9), lambda: lm.next_char("the")):
        with pytest.raises(ValueError, match="tiny is broken"):
            call()
