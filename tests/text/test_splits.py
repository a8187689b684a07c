from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deeprnn.config import TrainConfig
from deeprnn.measure.metrics import read_texts
from deeprnn.text import splits
from deeprnn.text.corpora import Corpus, own_name
from deeprnn.text.noise import noisy
from deeprnn.text.splits import FIRST_MARK, prepare, without_paths
from deeprnn.text.vocab import UNKNOWN_ID

CPU = torch.device("cpu")
BOOK = "The quick brown fox jumps over the lazy dog.\n\nIt sleeps.\n\n" * 8  # 464 characters
OTHER = "Zwei Boxkämpfer jagen Eva quer durch Sylt.\n\nEnde!\n\n" * 9


@pytest.fixture
def config(tmp_path):
    for name, text in (("book", BOOK), ("other", OTHER)):
        (tmp_path / f"{name}.txt").write_text(text)
    return TrainConfig(
        text=str(tmp_path / "book.txt"),
        more_texts=(str(tmp_path / "other.txt"),),
        form="full",
        epochs=1,
        batch_size=2,
        window=10,
        learning_rate=0.1,
    )


def decode(data, part):
    return data.vocab.decode(data.parts[part].tolist())


def test_more_texts_add_to_the_training_part_and_its_alphabet_alone(config):
    alone, both = prepare(replace(config, more_texts=()), CPU), prepare(config, CPU)
    assert decode(both, "train") == decode(alone, "train") + OTHER[: int(0.9 * len(OTHER))]
    assert decode(both, "val") == decode(alone, "val")
    assert decode(both, "test") == decode(alone, "test")
    assert set(both.vocab.characters) == set(BOOK) | set(OTHER)


def test_a_limit_holds_for_each_text(config):
    data = prepare(replace(config, max_train_chars=50), CPU)
    assert decode(data, "train") == BOOK[:50] + OTHER[:50]
    assert [source.ranges["train"] for source in data.sources] == [(0, 50), (0, 50)]


def test_a_limit_cuts_no_unit_of_a_text_in_two(config, monkeypatch):
    poems = "".join(f"{n} is a poem\n\n" for n in range(100, 300))
    corpus = Corpus(name="poems", form="full", text=poems, unit="\n\n")
    monkeypatch.setattr(splits, "load_corpus", lambda *_: corpus)
    (source,) = prepare(replace(config, text="poems", more_texts=(), max_train_chars=500), CPU).sources
    train = source.cut("train")
    assert train.endswith("\n\n")
    assert 500 <= len(train) < 500 + len("100 is a poem\n\n")


def test_further_texts_may_have_a_limit_of_their_own(config):
    data = prepare(replace(config, max_train_chars=50, max_more_chars=90), CPU)
    assert decode(data, "train") == BOOK[:50] + OTHER[:90]
    assert [source.ranges["train"] for source in data.sources] == [(0, 50), (0, 90)]
    alone = prepare(replace(config, max_train_chars=50, max_more_chars=90, more_texts=()), CPU)
    assert decode(alone, "train") == BOOK[:50]


@pytest.mark.parametrize("noise", ["mistyped-20", "shuffled"])
def test_noise_is_made_of_what_follows_the_clean_characters_and_the_held_out_parts_stay_clean(config, noise):
    clean = prepare(replace(config, max_train_chars=100), CPU)
    data = prepare(replace(config, max_train_chars=100, noise=noise, noisy_chars=150), CPU)
    made = noisy(BOOK[100:250], noise)
    assert made != BOOK[100:250]
    assert decode(data, "train") == BOOK[:100] + made + OTHER[:100], "clean, noisy, other texts"
    assert [decode(data, part) for part in ("val", "test")] == [decode(clean, part) for part in ("val", "test")]


def test_a_record_says_which_characters_were_read_with_which_noise_and_names_the_clean_text(config):
    config = replace(config, max_train_chars=100, noise="shuffled", noisy_chars=150)
    data = prepare(config, CPU)
    main, noisy_part, other = (source.record() for source in data.sources)
    assert noisy_part == main | {"ranges": {"train": [100, 250]}, "noise": "shuffled"}
    assert (main["ranges"]["train"], other["ranges"]["train"]) == ([0, 100], [0, 100])
    assert "noise" not in main
    texts = read_texts({"text": main, "more_texts": [noisy_part, other]})
    assert [text.noise for text in texts] == ["none", "shuffled", "none"]
    with pytest.raises(ValueError, match=r"noise must be one of .*, not 'louder'"):
        read_texts({"text": main | {"noise": "louder"}})
    assert without_paths(config, data)["more_texts"] == [other["name"]], "the noisy part is no further text"


def test_noise_needs_enough_characters_before_the_held_out_part(config):
    most = int(0.9 * len(BOOK)) - 100
    assert len(prepare(replace(config, max_train_chars=100, noise="shuffled", noisy_chars=most), CPU).sources) == 3
    with pytest.raises(ValueError, match=rf"has 417 characters to train on, too few for 100 clean ones and {most + 1}"):
        prepare(replace(config, max_train_chars=100, noise="shuffled", noisy_chars=most + 1), CPU)


def test_of_a_long_held_out_part_only_the_first_characters_are_read_and_the_ranges_say_so(config, monkeypatch):
    monkeypatch.setattr(splits, "MAX_HELDOUT", 15)
    data = prepare(config, CPU)
    assert data.sources[0].ranges == {"train": (0, 417), "val": (417, 432), "test": (440, 455)}
    assert decode(data, "val") == BOOK[417:432]
    assert decode(data, "test") == BOOK[440:455]


def test_a_mark_stands_before_each_paragraph_of_its_own_text(config):
    data = prepare(replace(config, mark_texts=True), CPU)
    train = decode(data, "train")
    first, second = (chr(FIRST_MARK + i) for i in range(2))
    assert train.startswith(f"{first}The quick brown fox jumps over the lazy dog.\n\n{first}It sleeps.\n\n{first}The")
    assert f"\n\n{second}Ende!\n\n{second}Zwei" in train
    assert train.count(first) == decode(prepare(config, CPU), "train").split("Zwei")[0].count("\n\n") + 1
    assert data.vocab.decode(data.marks.tolist()) == first + second
    assert decode(data, "val").startswith(first)
    assert second not in decode(data, "val")


def test_without_marks_there_are_none(config):
    assert len(prepare(config, CPU).marks) == 0


def test_texts_to_score_on_give_their_own_test_parts_under_their_names(config):
    data = prepare(replace(config, more_texts=(), score_on=(config.text, *config.more_texts)), CPU)
    assert list(data.elsewhere) == [own_name(Path(t)) for t in (config.text, *config.more_texts)]
    book, other = data.elsewhere
    assert torch.equal(data.elsewhere[book], data.parts["test"])
    assert len(data.elsewhere[other]) == len(OTHER) - int(0.95 * len(OTHER))
    assert 0 in data.elsewhere[other]  # what only the other text has is unknown


def test_a_text_too_short_to_be_scored_is_refused_by_name_before_anything_is_trained(config, tmp_path):
    (tmp_path / "short.txt").write_text("abcdef")
    with pytest.raises(ValueError, match=r"the held-out part of \['short-\w+'\] has fewer than two characters"):
        prepare(replace(config, score_on=(str(tmp_path / "short.txt"),)), CPU)


def test_a_record_names_texts_and_no_paths(config, tmp_path):
    config = replace(config, score_on=config.more_texts)
    book, other = (own_name(Path(t)) for t in (config.text, *config.more_texts))
    recorded = without_paths(config, prepare(config, CPU))
    assert (recorded["text"], recorded["more_texts"], recorded["score_on"]) == (book, [other], [other])
    assert str(tmp_path) not in str(recorded)


def test_the_parts_move_to_a_device_together(config):
    data = prepare(replace(config, mark_texts=True, score_on=config.more_texts), CPU).to("meta")
    assert {t.device.type for t in (*data.parts.values(), *data.elsewhere.values(), data.marks)} == {"meta"}


def test_a_mark_is_in_the_alphabet_however_rare_and_no_baseline_counts_it(config):
    data = prepare(replace(config, mark_texts=True, min_count=50), CPU)
    assert UNKNOWN_ID not in data.marks
    held = data.parts["val"]
    assert len(held) - len(data.unmarked(held)) == int(torch.isin(held, data.marks).sum()) > 0


def test_a_limit_that_leaves_too_little_is_named_in_the_refusal(config):
    with pytest.raises(ValueError, match=r"characters, 5 of them to train on\).*or a larger --max-chars"):
        prepare(replace(config, max_train_chars=5, more_texts=()), CPU)


def test_a_text_too_short_to_be_read_alone_in_the_end_is_refused_at_once_however_long_the_others_are(config):
    limits = {"epochs": 2, "max_train_chars": 15, "max_more_chars": 400}
    assert len(prepare(replace(config, **limits), CPU).parts["train"]) == 415
    with pytest.raises(ValueError, match=r"characters, 15 of them to train on\) for 2 lanes of 10 characters"):
        prepare(replace(config, **limits, alone_epochs=1), CPU)


def test_a_text_without_a_frequent_character_is_named(config):
    with pytest.raises(ValueError, match=r": no character occurs 1000000 times"):
        prepare(replace(config, min_count=1_000_000), CPU)
