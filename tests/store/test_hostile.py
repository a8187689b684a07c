"""Checkpoints made to do harm: each is refused in a sentence, soon and in little memory, or it can be used."""

import json
import shutil

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from deeprnn.lm.decoder import warm_up
from deeprnn.measure.baselines import NGRAMS, NGram
from deeprnn.measure.novelty import FINGERPRINTS, Fingerprint
from deeprnn.page.checkpoints import view as checkpoints
from deeprnn.store import checkpoint
from deeprnn.store.checkpoint import CONFIG, METRICS, WEIGHTS
from deeprnn.store.registry import Registry
from deeprnn.store.results import FILE as RESULTS
from tests.conftest import SHIPPED
from tests.store import hostile
from tests.store.hostile import MADE, assert_sentence, bounded, hostile_files, stored_bytes, write

pytestmark = pytest.mark.usefixtures("unchecked_shapes")
REPEATABLE = settings(
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
MODELS = {
    "a-gru": {"cell": "gru", "storage": "float32"},
    "b-lstm": {"cell": "lstm", "storage": "int8", "embedding_size": 8, "residual": True},
    "c-rnn": {"cell": "rnn", "storage": "float16", "num_layers": 1},
}
NGRAM, PRINT = "time_machine.d2l.0-10000.ngram", "time_machine.d2l.0-10000.fp"


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    """Nothing is compiled while the time is taken."""
    warm_up()


@pytest.fixture
def bases(tmp_path, save_tiny):
    """The files of small real checkpoints."""
    made = [save_tiny(tmp_path / "whole" / name, **model) for name, model in MODELS.items()]
    return [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in made]


def try_to_load(folder):
    """Load and use a checkpoint; return whether it could be loaded."""
    with bounded(stored_bytes(folder)):
        try:
            lm = checkpoint.load(folder)
            assert len(lm.generate("a", max_chars=3)) == 3
            assert lm.score("abc").ppl >= 1
        except ValueError as error:
            assert_sentence(error, folder)
            return False
    return True


def try_all(bases, folder, count, *, small):
    loaded = []
    for files in bases:
        write(folder, files)
        assert checkpoint.load(folder).score("abc").ppl >= 1

    @settings(REPEATABLE, max_examples=count)
    @given(hostile_files(bases, small=small))
    def one(files):
        write(folder, files)
        loaded.append(try_to_load(folder))

    one()
    assert any(loaded)
    assert not all(loaded)
    return loaded


def test_a_hostile_folder_is_refused_in_a_sentence_or_can_be_used(bases, tmp_path):
    try_all(bases, tmp_path / "tried", 200, small=True)


@pytest.mark.slow
def test_ten_thousand_hostile_folders_are_refused_in_a_sentence_or_can_be_used(bases, tmp_path):
    loaded = try_all(bases, tmp_path / "tried", 10_000, small=False)
    print(f"{len(loaded):,} folders, of which {sum(loaded):,} could be used")


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("file", [WEIGHTS, CONFIG, METRICS])
def test_what_is_no_file_is_refused_at_once(bases, tmp_path, file, made):
    write(tmp_path / "tried", bases[0] | {file: made})
    assert not try_to_load(tmp_path / "tried")


@pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
@pytest.mark.parametrize("damage", ["hash", "not finite"])
def test_a_large_file_of_weights_is_refused_in_no_more_memory_than_twice_its_model(
    tmp_path, save_tiny, storage, damage
):
    folder = save_tiny(tmp_path / "large", hidden_size=1_200, num_layers=3, storage=storage)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    header, numbers = hostile.split_weights(files[WEIGHTS])
    start = header["cells.0.bias_ih" if "cells.0.bias_ih" in header else "head.bias"]["data_offsets"][0]
    wrong = numbers[:start] + b"\xff" * 4 + numbers[start + 4 :]
    files[WEIGHTS] = hostile.joined_weights(header, wrong)
    write(folder, files if damage == "hash" else hostile.rehashed(files))
    del files, numbers, wrong
    model = 4 * checkpoint.read_info(folder).num_params
    with bounded(model), pytest.raises(ValueError, match="SHA-256" if damage == "hash" else "not finite"):
        checkpoint.load(folder)


# --- one of each kind among thirty good ones

TEXT = json.dumps({"a": hostile.NAMES[9]}).encode()
KINDS = {
    **{f"config is {made}": (CONFIG, made) for made in MADE},
    **{f"metrics are {made}": (METRICS, made) for made in MADE},
    **{f"weights are {made}": (WEIGHTS, made) for made in MADE},
    "config of a long text": (CONFIG, TEXT),
    "config nested": (CONFIG, hostile.nested(200_000, "list").encode()),
    "metrics nested": (METRICS, hostile.nested(200_000, "object").encode()),
    "metrics empty": (METRICS, b""),
    "weights empty": (WEIGHTS, b""),
    "weights of text": (WEIGHTS, TEXT),
    "weights of a pointer": (WEIGHTS, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
}


@pytest.fixture
def crowd(bases, tmp_path):
    """Thirty good checkpoints, and one of each kind of bad ones."""
    folder = tmp_path / "crowd"
    folder.mkdir()
    for number in range(30):
        write(folder / f"good-{number:02}", bases[number % len(bases)])
    for kind, (file, content) in KINDS.items():
        write(folder / kind.replace("/", " "), bases[0] | {file: content})
    write(folder / "a name\u202e\n", bases[0])
    (folder / "loop").symlink_to("loop")
    return folder


def test_one_bad_checkpoint_of_each_kind_costs_only_itself_and_is_said_with_the_reason(crowd, caplog):
    with bounded(stored_bytes(crowd)):
        models = Registry(crowd)
    good = [f"good-{number:02}" for number in range(30)]
    assert list(models.infos) == good
    assert len(models.left_out) == len(caplog.messages) == len(KINDS) + 1
    for kind, (file, _) in KINDS.items():
        why = models.left_out[kind.replace("/", " ")]
        assert file in why
        assert str(crowd) not in why
    for lang in ("en", "zh"):
        told = checkpoints.listing(models, lang)["left_out"]
        assert len(told) == len(KINDS) + 1
        assert max(map(len, told)) <= hostile.MAX_MESSAGE + 100
        json.dumps(told).encode()
    for name in good:
        assert len(models.get(name).generate("a", max_chars=3)) == 3


# --- results.json, n-grams, fingerprints


@pytest.fixture
def one_model(tmp_path):
    """A shipped checkpoint with its n-gram and its fingerprint."""
    for path in ("note-rnn-2", f"{NGRAMS}/{NGRAM}", f"{FINGERPRINTS}/{PRINT}"):
        copied = tmp_path / "one" / path
        copied.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (SHIPPED / path).is_dir() else shutil.copy)(SHIPPED / path, copied)
    return tmp_path / "one"


def replaced(path, made):
    path.unlink(missing_ok=True)
    MADE[made](path)


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("file", [RESULTS, f"{NGRAMS}/{NGRAM}", f"{FINGERPRINTS}/{PRINT}"])
def test_what_is_no_file_beside_the_checkpoints_costs_only_what_it_holds(one_model, caplog, file, made):
    replaced(one_model / file, made)
    with bounded(0):
        models = Registry(one_model)
        ngram, prints = models.ngram("note-rnn-2"), models.fingerprints("note-rnn-2")
        broken = models.results.broken
    assert list(models.infos) == ["note-rnn-2"]
    assert (ngram is None, not prints, broken) == (file.endswith("gram"), file.endswith(".fp"), file == RESULTS)
    assert [str(one_model / file) in line for line in caplog.messages] == [True]
    assert len(models.get("note-rnn-2").generate("the ", max_chars=3)) == 3


def changed_companions(file, count, use):
    """Change a companion's header `count` times; it is refused in a sentence, or used."""
    header, numbers = hostile.split_weights((SHIPPED / file).read_bytes())
    (key,) = header["__metadata__"]
    head = json.loads(header["__metadata__"][key])
    used = []

    @settings(REPEATABLE, max_examples=count)
    @given(hostile.st.data())
    def one(data):
        inside = data.draw(hostile.st.booleans())
        values = head if inside else header
        path = data.draw(hostile.st.sampled_from(list(hostile.places(values))))
        to = data.draw(hostile.values_of(small=True))
        found = hostile.changed(values, path, to)
        found = header | {"__metadata__": {key: json.dumps(found)}} if inside else found
        kept = data.draw(hostile.st.sampled_from([len(numbers), len(numbers) - 1, 0]))
        used.append(use(hostile.joined_weights(found, numbers[:kept])))

    one()
    assert not all(used)


@pytest.mark.parametrize("count", [100, pytest.param(2_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("file", [f"{NGRAMS}/{NGRAM}", f"{FINGERPRINTS}/{PRINT}"])
def test_a_hostile_companion_is_refused_in_a_sentence_or_can_be_used(tmp_path, file, count):
    path = tmp_path / file.split("/")[1]

    def use(data):
        path.write_bytes(data)
        with bounded(8 * len(data)):
            try:
                if file.endswith("gram"):
                    found = NGram.load(path)
                    assert found.nats(torch.arange(10) % found.vocab_size).isfinite().all()
                else:
                    Fingerprint.load(path).runs("the time traveller for so it will be convenient to speak of him")
            except ValueError as error:
                assert_sentence(error, path)
                return False
        return True

    changed_companions(file, count, use)
