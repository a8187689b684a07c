import dataclasses
import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from deeprnn.config import ModelConfig
from deeprnn.measure.metrics import Metrics
from deeprnn.nn.model import CharRNN
from deeprnn.store import checkpoint
from deeprnn.store.card import model_card, repository_card
from deeprnn.store.checkpoint import CARD, CONFIG, METRICS, WEIGHTS
from deeprnn.store.registry import list_checkpoints
from deeprnn.text.vocab import Vocab
from tests.conftest import ROOT, tiny_metrics

ARCHITECTURES = [
    {"cell": "rnn", "num_layers": 1},
    {"cell": "gru", "num_layers": 3, "embedding_size": 4},
    {"cell": "lstm", "num_layers": 2, "embedding_size": 8, "residual": True, "dropout": 0.5},
    {"cell": "rnn", "num_layers": 2, "embedding_size": 8, "wiring": "shared"},
    {"cell": "gru", "num_layers": 2, "embedding_size": 8, "residual": True, "tied": True},
]


def new_model(**changes):
    config = ModelConfig(**({"cell": "gru", "hidden_size": 8, "num_layers": 2} | changes))
    model = CharRNN(config, 11)
    model.reset_parameters("uniform", torch.Generator().manual_seed(1))
    return model


def save(directory, model, storage="float32", **options):
    vocab = Vocab(form="full", characters="abcdefgh \n")
    checkpoint.save(directory, model, vocab, tiny_metrics(directory.name, model.num_params), storage, **options)
    return directory


def logits(model):
    tokens = torch.arange(33).remainder(11).reshape(1, 33)
    with torch.no_grad():
        return model(tokens, model.initial_state(1))[0]


def edit_json(path, change):
    """Rewrite a JSON file after `change` has altered its values in place."""
    values = json.loads(path.read_text("utf-8"))
    change(values)
    path.write_text(json.dumps(values), "utf-8")


def rewrite_weights(directory, data):
    """Replace the weights' bytes, and the hash in config.json so that it matches them."""
    (directory / WEIGHTS).write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    edit_json(directory / CONFIG, lambda config: config.update(weights_sha256=sha256))


def edit_tensors(directory, change):
    """Rewrite the tensors after `change` has altered their dictionary in place, with a matching hash."""
    tensors = load_tensors((directory / WEIGHTS).read_bytes())
    change(tensors)
    rewrite_weights(directory, save_tensors(tensors))


def refusal(directory):
    """The message of the ValueError that loading raises; it names the checkpoint's place and a remedy."""
    with pytest.raises(ValueError, match=r"again|update deeprnn") as caught:
        checkpoint.load(directory)
    assert str(directory) in str(caught.value)
    return str(caught.value)


# --- save and load


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_float32_storage_gives_identical_logits(tmp_path, architecture):
    model = new_model(**architecture)
    loaded = checkpoint.load(save(tmp_path / "tiny", model))
    assert torch.equal(logits(loaded.model), logits(model))
    assert loaded.config == model.config
    assert loaded.name == "tiny"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_float16_storage_moves_no_weight_by_more_than_half_its_last_digit(tmp_path, architecture):
    model = new_model(**architecture)
    loaded = checkpoint.load(save(tmp_path / "tiny", model, "float16"))
    for name, weight in model.state_dict().items():
        # 11 significant bits, rounded to nearest: at most 2^-11 of the weight, or 2^-25 for the smallest ones
        bound = (weight.abs() * 2**-11).clamp_min(2**-25)
        assert ((loaded.model.state_dict()[name] - weight).abs() <= bound).all(), name
    torch.testing.assert_close(logits(loaded.model), logits(model), rtol=0, atol=5e-3)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_int8_storage_moves_no_weight_by_more_than_a_254th_of_its_rows_largest(tmp_path, architecture):
    model = new_model(**architecture)
    loaded = checkpoint.load(save(tmp_path / "tiny", model, "int8"))
    for name, weight in model.state_dict().items():
        moved = (loaded.model.state_dict()[name] - weight).abs()
        bound = weight.abs().amax(1, keepdim=True) / 254 * 1.0001 if weight.dim() == 2 else torch.zeros(())
        assert (moved <= bound).all(), name
    torch.testing.assert_close(logits(loaded.model), logits(model), rtol=0, atol=5e-2)


@pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
def test_loaded_weights_are_float32_on_the_cpu_and_want_no_gradient(tmp_path, storage):
    model = checkpoint.load(save(tmp_path / "tiny", new_model(), storage)).model
    for name, parameter in model.named_parameters():
        assert parameter.dtype == torch.float32, name
        assert parameter.device.type == "cpu", name
        assert not parameter.requires_grad, name


def test_a_smaller_storage_makes_a_smaller_file(tmp_path):
    model = new_model(hidden_size=64)
    sizes = [
        (save(tmp_path / storage, model, storage) / WEIGHTS).stat().st_size
        for storage in ("float32", "float16", "int8")
    ]
    assert sizes[0] > 1.8 * sizes[1] > 1.8 * 1.5 * sizes[2]


def test_loading_is_the_same_after_the_folder_is_renamed(tmp_path):
    directory = save(tmp_path / "tiny", new_model())
    expected = checkpoint.load(directory).generate("abc", max_chars=30)
    directory.rename(tmp_path / "renamed")
    loaded = checkpoint.load(tmp_path / "renamed")
    assert loaded.name == "renamed"
    assert loaded.generate("abc", max_chars=30) == expected


def test_a_vocabulary_with_any_character_survives(tmp_path, save_tiny):
    characters = '\n"\\é中👋\N{REPLACEMENT CHARACTER}'
    directory = save_tiny(tmp_path / "tiny", characters=characters)
    assert checkpoint.load(directory).vocab == Vocab(form="full", characters=characters)


def test_the_info_is_read_from_the_json_files(tmp_path):
    model = new_model()
    directory = save(tmp_path / "tiny", model)
    info = checkpoint.read_info(directory)
    assert (info.name, info.config, info.num_params) == ("tiny", model.config, model.num_params)
    assert info.train_ppl == info.heldout_ppl == 2.7183
    test = {"nats": 2.2, "bpc": 3.17, "ppl": 9.0, "chars": 10}
    edit_json(directory / METRICS, lambda metrics: metrics["final"].update(test=test))
    assert checkpoint.read_info(directory).heldout_ppl == 9.0


def test_a_checkpoint_is_four_files_and_none_is_a_pickle(tmp_path):
    directory = save(tmp_path / "tiny", new_model())
    assert {path.name for path in directory.iterdir()} == {WEIGHTS, CONFIG, METRICS, CARD}
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    for path in directory.iterdir():
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, AttributeError)):
            pickle.loads(path.read_bytes())


class Trap:
    """Unpickled, it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_pickle_in_place_of_the_weights_is_refused_and_not_run(tmp_path):
    sprung = tmp_path / "sprung"
    poison = pickle.dumps(Trap(sprung))
    pickle.loads(poison)
    assert sprung.exists()  # the trap works
    sprung.unlink()
    directory = save(tmp_path / "tiny", new_model())
    rewrite_weights(directory, poison)
    assert WEIGHTS in refusal(directory)
    assert not sprung.exists()


def test_the_model_card_says_how_the_model_was_made(tmp_path):
    card = (save(tmp_path / "tiny", new_model()) / CARD).read_text("utf-8")
    assert card.startswith("---\nlicense: apache-2.0\n")
    assert 'deeprnn.load("tiny")  # the path' in card
    assert "python train.py tiny" in card
    assert "2 x GRU of 8 units" in card


@pytest.mark.parametrize("own", [False, True])
def test_whether_a_text_is_ones_own_is_recorded_not_read_off_its_name(own):
    values = tiny_metrics("tiny", new_model().num_params)
    values["text"] |= {"name": "book" if own else "book-0a1b2c3d", "own": own}
    vocab = Vocab(form="full", characters="abcdefgh \n")
    card = model_card("tiny", new_model(), vocab, Metrics.from_dict(values))
    assert ("license:" in card) != own
    values["license"] = "cc-by-4.0"
    claimed = model_card("tiny", new_model(), vocab, Metrics.from_dict(values))
    assert claimed.startswith("---\nlicense: cc-by-4.0\n")
    values["license"] = "mit\ntags: [mine]"
    with pytest.raises(ValueError, match="license must be a licence identifier of the Hub"):
        Metrics.from_dict(values)
    values["license"], values["text"]["own"] = "mit", "yes"
    with pytest.raises(ValueError, match=r"text\.own must be true or false, not 'yes'"):
        Metrics.from_dict(values)


@pytest.mark.parametrize(
    ("claimed", "line"), [(["mit", "mit"], "license: mit\n"), (["mit", "gpl"], ""), (["", ""], "license: apache-2.0\n")]
)
def test_the_card_of_a_repository_has_the_licence_that_all_its_models_have(claimed, line):
    values = tiny_metrics("tiny", new_model().num_params)
    found = {f"{i}": Metrics.from_dict(values | ({"license": one} if one else {})) for i, one in enumerate(claimed)}
    assert repository_card("user/repo", found).startswith(f"---\n{line}library_name: deeprnn\n")


# --- damage


def truncate(directory):
    path = directory / WEIGHTS
    path.write_bytes(path.read_bytes()[:-5])


def flip_a_bit(directory):
    path = directory / WEIGHTS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def set_tensor(name, make):
    return lambda directory: edit_tensors(directory, lambda tensors: tensors.update({name: make(tensors.get(name))}))


def change_config(**changes):
    return lambda directory: edit_json(directory / CONFIG, lambda config: config.update(changes))


def change_part(part, **changes):
    return lambda directory: edit_json(directory / CONFIG, lambda config: config[part].update(changes))


def change_metrics(**changes):
    return lambda directory: edit_json(directory / METRICS, lambda metrics: metrics.update(changes))


def first_set_to(value):
    def make(tensor):
        return torch.cat([torch.tensor([value]), tensor.flatten()[1:]]).reshape(tensor.shape)

    return make


def raw_safetensors(dtype, shape, data):
    header = json.dumps({"head.weight": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data


DAMAGES = {
    "truncated": (truncate, WEIGHTS, "bytes long, but its header tells of"),
    "one bit flipped": (flip_a_bit, WEIGHTS, "SHA-256"),
    "empty": (lambda d: (d / WEIGHTS).write_bytes(b""), WEIGHTS, "no header"),
    "hash of something else": (change_config(weights_sha256="0" * 64), WEIGHTS, "SHA-256"),
    "no hash": (change_config(weights_sha256=None), CONFIG, "weights_sha256 must be"),
    "garbage, hash matching": (lambda d: rewrite_weights(d, b"x" * 500), WEIGHTS, "header"),
    "nothing, hash matching": (lambda d: rewrite_weights(d, b""), WEIGHTS, "header"),
    "truncated, hash matching": (
        lambda d: rewrite_weights(d, (d / WEIGHTS).read_bytes()[:-5]),
        WEIGHTS,
        "bytes long, but its header tells of",
    ),
    "a size beyond all bounds": (
        lambda d: rewrite_weights(d, raw_safetensors("F32", [2**40, 2**40], b"1234")),
        WEIGHTS,
        "bytes long, but its header tells of",
    ),
    "no tensors": (lambda d: edit_tensors(d, dict.clear), WEIGHTS, "its layers are 0, but config.json asks for"),
    "tensor missing": (
        lambda d: edit_tensors(d, lambda tensors: tensors.pop("head.bias")),
        WEIGHTS,
        "weights missing: ['head.bias']; not expected: none",
    ),
    "tensor extra": (
        set_tensor("tail.bias", lambda _: torch.zeros(2)),
        WEIGHTS,
        "weights missing: none; not expected: ['tail.bias']",
    ),
    "tensor transposed": (
        set_tensor("head.weight", lambda t: t.T.contiguous()),
        WEIGHTS,
        "head.weight has shape (8, 11), but config.json asks for (11, 8)",
    ),
    "tensor flattened": (set_tensor("head.weight", torch.flatten), WEIGHTS, "head.weight has shape (88,)"),
    "tensor empty": (
        set_tensor("head.bias", lambda _: torch.zeros(0)),
        WEIGHTS,
        "head.bias has shape (0,), but config.json asks for (11,)",
    ),
    "NaN": (set_tensor("cells.1.weight_hh", first_set_to(float("nan"))), WEIGHTS, "cells.1.weight_hh holds"),
    "infinity": (set_tensor("head.bias", first_set_to(float("-inf"))), WEIGHTS, "head.bias holds"),
    "float64": (
        set_tensor("head.bias", torch.Tensor.double),
        WEIGHTS,
        "head.bias.dtype must be one of F32, F16, I8, not 'F64'",
    ),
    "bfloat16": (set_tensor("head.bias", torch.Tensor.bfloat16), WEIGHTS, "head.bias.dtype must be one of"),
    "int64": (set_tensor("head.bias", torch.Tensor.long), WEIGHTS, "head.bias.dtype must be one of"),
    "complex": (
        set_tensor("head.bias", lambda t: t.to(torch.complex64)),
        WEIGHTS,
        "head.bias.dtype must be one of",
    ),
    "int8 without scale": (
        set_tensor("head.weight", torch.Tensor.char),
        WEIGHTS,
        "head.weight is int8, but no matrix with",
    ),
    "config is not JSON": (lambda d: (d / CONFIG).write_text("{"), CONFIG, "not JSON"),
    "config is empty": (lambda d: (d / CONFIG).write_text(""), CONFIG, "not JSON"),
    "config is binary": (lambda d: (d / CONFIG).write_bytes(b"\xff\xfe\x00\xd8{}"), CONFIG, "not JSON"),
    "config is a list": (lambda d: (d / CONFIG).write_text("[]"), CONFIG, "not a JSON object"),
    "config is a folder": (lambda d: (d / CONFIG).unlink() or (d / CONFIG).mkdir(), CONFIG, "cannot be read"),
    "config has an unknown key": (change_config(colour="red"), CONFIG, "colour"),
    "config lacks a key": (lambda d: edit_json(d / CONFIG, lambda c: c.pop("vocab")), CONFIG, "'vocab'"),
    "format of the future": (change_config(format="deeprnn-checkpoint-2"), CONFIG, "deeprnn-checkpoint-2"),
    "format is no text": (change_config(format=["deeprnn-checkpoint-1"]), CONFIG, "format"),
    "model has an unknown key": (change_part("model", colour="red"), CONFIG, "unknown keys ['colour']"),
    "model lacks a key": (
        lambda d: edit_json(d / CONFIG, lambda c: c["model"].pop("hidden_size")),
        CONFIG,
        "lacks the keys ['hidden_size']",
    ),
    "model is no object": (change_config(model="gru"), CONFIG, "must be a JSON object"),
    "hidden size is a text": (change_part("model", hidden_size="8"), CONFIG, "hidden_size must be int"),
    "hidden size is 0": (change_part("model", hidden_size=0), CONFIG, "hidden_size must be from 1"),
    "hidden size is another": (change_part("model", hidden_size=9), WEIGHTS, "config.json asks for"),
    "one layer more": (change_part("model", num_layers=3), WEIGHTS, "its layers are 2, but config.json asks for 3"),
    "one layer less": (change_part("model", num_layers=1), WEIGHTS, "its layers are 2, but config.json asks for 1"),
    "unknown cell": (change_part("model", cell="mamba"), CONFIG, "unknown cell 'mamba'"),
    "another cell": (change_part("model", cell="lstm"), WEIGHTS, "config.json asks for"),
    "vocabulary repeats": (change_part("vocab", characters="aa"), CONFIG, "repeat"),
    "vocabulary is empty": (change_part("vocab", characters=""), CONFIG, "at least one character"),
    "vocabulary is one longer": (change_part("vocab", characters="abcdefgh \nz"), WEIGHTS, "config.json asks for"),
    "vocabulary of unknown form": (change_part("vocab", form="half"), CONFIG, "form must be one of"),
    "metrics are not JSON": (lambda d: (d / METRICS).write_text("nothing"), METRICS, "not JSON"),
    "metrics are a list": (lambda d: (d / METRICS).write_text("[]"), METRICS, "not a JSON object"),
    "metrics lack the count": (lambda d: edit_json(d / METRICS, lambda m: m.pop("num_params")), METRICS, "num_params"),
    "metrics lack final figures": (change_metrics(final={}), METRICS, "final lacks 'train'"),
    "metrics have figures of a wrong type": (
        change_metrics(final=[1, 2]),
        METRICS,
        "final must be a JSON object, not list",
    ),
}


@pytest.mark.parametrize(("damage", "file", "why"), DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_checkpoint_is_refused_by_the_files_name(tmp_path, damage, file, why):
    directory = save(tmp_path / "tiny", new_model())
    checkpoint.load(directory)  # it was whole
    damage(directory)
    message = refusal(directory)
    assert str(directory / file) in message
    assert why in message


@pytest.mark.parametrize("file", [WEIGHTS, CONFIG, METRICS])
def test_each_missing_file_is_refused_by_its_name(tmp_path, file):
    directory = save(tmp_path / "tiny", new_model())
    (directory / file).unlink()
    message = refusal(directory)
    assert str(directory / file) in message
    assert "cannot be read (No such file" in message


def test_a_missing_model_card_is_no_obstacle(tmp_path):
    directory = save(tmp_path / "tiny", new_model())
    (directory / CARD).unlink()
    assert checkpoint.load(directory).name == "tiny"


def test_a_checkpoint_loads_from_within_its_folder_by_the_folders_name(tmp_path, monkeypatch):
    monkeypatch.chdir(save(tmp_path / "tiny", new_model()))
    assert checkpoint.load(Path()).name == checkpoint.read_info(Path()).name == "tiny"


def test_a_missing_directory_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("absent", "file"):
        with pytest.raises(ValueError, match=f"no checkpoint at .*{name}: give a directory"):
            checkpoint.load(tmp_path / name)


def test_an_int8_matrix_whose_scale_has_another_length_is_refused(tmp_path):
    directory = save(tmp_path / "tiny", new_model(), "int8")
    set_tensor("head.weight.scale", lambda scale: scale[:-1].contiguous())(directory)
    assert "'head.weight.scale' is not the scale of an int8 matrix of as many rows" in refusal(directory)


@pytest.mark.parametrize(
    ("change", "file"),
    [
        ({"cell": "lstm", "hidden_size": 65_536}, WEIGHTS),
        ({"num_layers": 1000}, WEIGHTS),
        ({"hidden_size": 10**9}, CONFIG),
    ],
)
def test_an_enormous_architecture_is_refused_without_being_allocated(tmp_path, change, file):
    directory = save(tmp_path / "tiny", new_model())
    change_part("model", **change)(directory)
    assert file in refusal(directory)  # not a MemoryError: the first one's weights would fill 137 GB


# --- damage of rarer kinds, each of which once got through or raised something else


def deepen(directory):
    (directory / CONFIG).write_text("[" * 200_000)


RARE_DAMAGE = {
    "an extra tensor called like a scale": (
        "float32",
        set_tensor("head.weight.scale", lambda _: torch.ones(11)),
    ),
    "a float64 scale": (
        "int8",
        set_tensor("head.weight.scale", torch.Tensor.double),
    ),
    "a boolean scale": ("int8", set_tensor("head.weight.scale", torch.Tensor.bool)),
    "an int8 matrix of three dimensions": (
        "int8",
        lambda d: edit_tensors(
            d,
            lambda t: t.update({"head.weight": torch.ones(2, 3, 4).char(), "head.weight.scale": torch.ones(2)}),
        ),
    ),
    "an int8 number": (
        "int8",
        lambda d: edit_tensors(
            d, lambda t: t.update({"head.weight": torch.tensor(1).char(), "head.weight.scale": torch.tensor(1.0)})
        ),
    ),
    "a type that safetensors knows and its torch part does not": (
        "float32",
        lambda d: rewrite_weights(d, raw_safetensors("F8_E8M0", [4], b"1234")),
    ),
    "hidden_size 10^9": ("float32", change_part("model", hidden_size=10**9)),
    "hidden_size 10^30": ("float32", change_part("model", hidden_size=10**30)),
    "dropout 10^400": ("float32", change_part("model", dropout=10**400)),
    "num_params infinite: OverflowError": ("float32", change_metrics(num_params=float("inf"))),
    "JSON nested too deep: RecursionError": ("float32", deepen),
    "a number of 5000 digits": (
        "float32",
        lambda d: (d / CONFIG).write_text('{"format": 1' + "0" * 5000 + "}"),
    ),
}


@pytest.mark.parametrize(("storage", "damage"), RARE_DAMAGE.values(), ids=list(RARE_DAMAGE))
def test_unusual_damage_is_refused_by_the_files_name_too(tmp_path, storage, damage):
    directory = save(tmp_path / "tiny", new_model(), storage)
    damage(directory)
    refusal(directory)


def test_a_future_format_with_other_keys_asks_for_an_update(tmp_path):
    directory = save(tmp_path / "tiny", new_model())
    change_config(format="deeprnn-checkpoint-2", tokenizer="bytes")(directory)
    assert "update deeprnn" in refusal(directory)


@pytest.mark.parametrize(("value", "storage"), [(1e5, "float16"), (float("nan"), "float32"), (float("inf"), "int8")])
def test_what_could_not_be_loaded_again_is_not_saved(tmp_path, value, storage):
    model = new_model()
    with torch.no_grad():
        model.head.weight[0, 0] = value
    with pytest.raises(ValueError, match=r"head\.weight"):
        save(tmp_path / "tiny", model, storage)
    assert list(tmp_path.iterdir()) == []


# --- saving


def test_saving_never_overwrites(tmp_path):
    directory = save(tmp_path / "tiny", new_model())
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(ValueError, match=r"tiny exists; remove it or choose another place"):
        save(directory, new_model(cell="lstm"))
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_saving_makes_the_folders_above(tmp_path):
    assert checkpoint.load(save(tmp_path / "a" / "b" / "tiny", new_model())).name == "tiny"


@pytest.mark.parametrize("flush", range(1, 6), ids=["weights", "config", "metrics", "card", "directory"])
def test_a_save_that_fails_leaves_no_directory_of_that_name_and_may_be_repeated(tmp_path, monkeypatch, flush):
    flushes = 0
    fsync = os.fsync

    def full_disk(descriptor):
        nonlocal flushes
        flushes += 1
        if flushes == flush:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path / "tiny", new_model())
    assert not (tmp_path / "tiny").exists()
    assert list_checkpoints(tmp_path) == []
    assert checkpoint.load(save(tmp_path / "tiny", new_model())).name == "tiny"  # from here on there is space
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_checkpoint_that_cannot_take_the_place_of_the_one_before_leaves_that_as_it_was(tmp_path, monkeypatch):
    directory = save(tmp_path / "tiny", new_model())
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    rename, refusals = Path.rename, [OSError(5, "Input/output error")]

    def refused_once(path, target):
        if target == directory and refusals:
            raise refusals.pop()
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused_once)
    with pytest.raises(OSError, match="Input/output error"):
        save(directory, new_model(cell="lstm"), replace=True)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    save(directory, new_model(cell="lstm"), replace=True)
    assert checkpoint.load(directory).config.cell == "lstm"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


KILLED_SAVE = """
import json, os, sys
from pathlib import Path
from deeprnn.store import checkpoint

whole, target = map(Path, sys.argv[1:])
lm, metrics = checkpoint.load(whole), json.loads((whole / checkpoint.METRICS).read_text("utf-8"))
flushes = 0

def die_at_the_third(descriptor):
    global flushes
    flushes += 1
    if flushes == 3:
        os._exit(9)

os.fsync = die_at_the_third
checkpoint.save(target, lm.model, lm.vocab, metrics, "float32")
"""


@pytest.mark.process
def test_a_save_that_is_killed_leaves_no_directory_of_that_name_and_may_be_repeated(tmp_path):
    whole = save(tmp_path / "whole", new_model())
    folder = tmp_path / "folder"
    command = [sys.executable, "-c", KILLED_SAVE, whole, folder / "tiny"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 9
    (left,) = folder.iterdir()  # what was written aside
    assert left.name.startswith(".tiny.saving-")
    assert {path.name for path in left.iterdir()} == {WEIGHTS, CONFIG, METRICS}
    assert list_checkpoints(folder) == []
    assert checkpoint.load(save(folder / "tiny", new_model())).name == "tiny"
    assert [info.name for info in list_checkpoints(folder)] == ["tiny"]


def test_the_directory_appears_only_after_everything_in_it_is_flushed(tmp_path, monkeypatch):
    present = []
    fsync = os.fsync

    def watch(descriptor):
        present.append((tmp_path / "tiny").exists())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    save(tmp_path / "tiny", new_model())
    assert present == [False] * 5 + [True]  # four files, their directory; then the rename, and the directory above


def test_an_info_is_frozen(tmp_path):
    info = checkpoint.read_info(save(tmp_path / "tiny", new_model()))
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.metrics = {}
