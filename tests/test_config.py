import dataclasses
import json

import pytest

from deeprnn.config import ModelConfig, Recipe, TrainConfig
from deeprnn.text.vocab import Vocab

MODEL = {"cell": "gru", "hidden_size": 8, "num_layers": 2}
TRAIN = {"text": "time_machine", "form": "d2l", "epochs": 3, "learning_rate": 0.5}
EVERY_MODEL_KEY = {
    "cell": "lstm",
    "hidden_size": 16,
    "num_layers": 3,
    "embedding_size": 16,
    "residual": True,
    "pre_norm": False,
    "dropout": 0.25,
    "head_dropout": 0.5,
    "locked_dropout": True,
    "tied": True,
    "wiring": "stack",
}
EVERY_TRAIN_KEY = {
    "text": "alice",
    "more_texts": ["federalist", "alice"],
    "score_on": ["moby_dick"],
    "mark_texts": True,
    "form": "full",
    "epochs": 2,
    "alone_epochs": 1,
    "batch_size": 4,
    "window": 5,
    "learning_rate": 0.001,
    "optimizer": "adamw",
    "schedule": "cosine",
    "warmup_fraction": 0.1,
    "weight_decay": 0.1,
    "clip_norm": 2.0,
    "train_fraction": 0.8,
    "val_fraction": 0.1,
    "max_train_chars": 1000,
    "max_more_chars": 500,
    "noisy_chars": 200,
    "noise": "shuffled",
    "min_count": 3,
    "init": "orthogonal",
    "kernel": "scratch",
    "precision": "bfloat16",
    "offset": "text",
    "reset_rate": 0.01,
    "weight_drop": 0.3,
    "ema_decay": 0.99,
    "keep": "best",
    "eval_every": 2,
    "eval_lanes": 4,
    "seed": 7,
}


@pytest.mark.parametrize(
    ("config", "values"),
    [
        (ModelConfig, MODEL),
        (ModelConfig, EVERY_MODEL_KEY),
        (TrainConfig, TRAIN),
        (TrainConfig, EVERY_TRAIN_KEY),
        (Vocab, {"form": "full", "characters": "e \n\"'é中"}),
    ],
)
def test_a_config_survives_the_round_trip_through_json(config, values):
    built = config.from_dict(values)
    written = json.loads(json.dumps(built.to_dict()))
    assert config.from_dict(written) == built
    assert values.items() <= written.items()


@pytest.mark.parametrize(
    ("older", "normed"),
    [
        ({"residual": True, "layer_norm": True}, True),
        ({"residual": True, "layer_norm": False}, False),
        ({"residual": True}, True),
        ({"residual": False, "layer_norm": True}, False),  # what plain stacks said, which had none
        ({"layer_norm": True}, False),
        ({}, False),
    ],
)
def test_an_older_model_has_the_layer_norms_that_it_had(older, normed):
    config = ModelConfig.from_dict(MODEL | {"embedding_size": 8} | older)
    assert config.pre_norm is normed
    assert ModelConfig.from_dict(config.to_dict()) == config


def test_every_key_was_tried():
    assert set(EVERY_MODEL_KEY) == {field.name for field in dataclasses.fields(ModelConfig)}
    assert set(EVERY_TRAIN_KEY) == {field.name for field in dataclasses.fields(TrainConfig)}


@pytest.mark.parametrize(("config", "values"), [(ModelConfig, EVERY_MODEL_KEY), (TrainConfig, EVERY_TRAIN_KEY)])
def test_a_config_is_frozen(config, values):
    built = config.from_dict(values)
    for name in values:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(built, name, values[name])


@pytest.mark.parametrize(("config", "values"), [(ModelConfig, MODEL), (TrainConfig, TRAIN)])
def test_an_unknown_key_is_refused_by_name(config, values):
    with pytest.raises(ValueError, match=r"unknown keys \['hiden_size'\]"):
        config.from_dict(values | {"hiden_size": 8})


@pytest.mark.parametrize(("config", "values"), [(ModelConfig, MODEL), (TrainConfig, TRAIN)])
def test_each_missing_key_is_refused_by_name(config, values):
    for name in values:
        with pytest.raises(ValueError, match=rf"lacks the keys \['{name}'\]"):
            config.from_dict({key: value for key, value in values.items() if key != name})


@pytest.mark.parametrize("values", [None, [], "gru", 3, [["cell", "gru"]]])
def test_what_is_no_json_object_is_refused(values):
    with pytest.raises(ValueError, match="must be a JSON object"):
        ModelConfig.from_dict(values)


@pytest.mark.parametrize(
    ("config", "values", "name", "value"),
    [
        (ModelConfig, MODEL, "hidden_size", True),
        (ModelConfig, MODEL, "hidden_size", 8.0),
        (ModelConfig, MODEL, "hidden_size", "8"),
        (ModelConfig, MODEL, "num_layers", None),
        (ModelConfig, MODEL, "num_layers", [2]),
        (ModelConfig, MODEL, "cell", 1),
        (ModelConfig, MODEL, "residual", 1),
        (ModelConfig, MODEL, "residual", "false"),
        (ModelConfig, MODEL, "dropout", "0.1"),
        (ModelConfig, MODEL, "dropout", False),
        (ModelConfig, MODEL, "wiring", "rolled"),
        (ModelConfig, MODEL, "wiring", ["stack"]),
        (TrainConfig, TRAIN, "form", "D2L"),
        (TrainConfig, TRAIN, "optimizer", "adam"),
        (TrainConfig, TRAIN, "init", None),
        (TrainConfig, TRAIN, "kernel", 0),
        (TrainConfig, TRAIN, "epochs", 1.5),
        (TrainConfig, TRAIN, "learning_rate", "fast"),
        (TrainConfig, TRAIN, "max_train_chars", True),
        (TrainConfig, TRAIN, "max_train_chars", 10.0),
        (Vocab, {"form": "full", "characters": "ab"}, "characters", ["a", "b"]),
        (Vocab, {"form": "full", "characters": "ab"}, "form", "half"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(config, values, name, value):
    with pytest.raises(ValueError, match=f"^{name} must be "):
        config.from_dict(values | {name: value})


def test_a_whole_number_is_read_as_the_float_it_stands_for():
    config = TrainConfig.from_dict(TRAIN | {"learning_rate": 1})
    assert config.learning_rate == 1.0
    assert type(config.learning_rate) is float


def test_a_number_too_large_for_a_float_is_refused_by_name():
    with pytest.raises(ValueError, match="dropout"):
        ModelConfig.from_dict(MODEL | {"dropout": 10**400})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"hidden_size": 0}, "hidden_size must be from 1 to 65536, not 0"),
        ({"num_layers": 0}, "num_layers must be from 1 to 1000, not 0"),
        ({"embedding_size": -1}, "embedding_size must be from 0 to 65536, not -1"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), not 1.0"),
        ({"dropout": -0.1}, "dropout must be in"),
        ({"dropout": float("nan")}, "dropout must be in"),
        ({"residual": True}, r"set embedding_size to hidden_size \(8\), not 0"),
        ({"residual": True, "embedding_size": 4}, r"set embedding_size to hidden_size \(8\), not 4"),
        ({"tied": True}, r"a tied head uses the embedding's matrix: set embedding_size to hidden_size \(8\), not 0"),
        ({"wiring": "shared"}, r"set embedding_size to hidden_size \(8\), not 0"),
        ({"wiring": "shared-updated", "embedding_size": 9}, "set embedding_size to hidden_size"),
        (
            {"wiring": "shared", "embedding_size": 8, "residual": True},
            "no residual form, no LayerNorm and no dropout",
        ),
        (
            {"wiring": "shared", "embedding_size": 8, "dropout": 0.1},
            "no residual form, no LayerNorm and no dropout",
        ),
        ({"pre_norm": True}, r"set embedding_size to hidden_size \(8\), not 0"),
        ({"wiring": "sahred"}, "wiring must be one of"),
    ],
)
def test_an_impossible_architecture_is_refused_with_the_reason(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        ModelConfig.from_dict(MODEL | change)
    with pytest.raises(ValueError, match=complaint):
        ModelConfig(**(MODEL | change))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"alone_epochs": -1}, "alone_epochs must be from 0 to epochs"),
        ({"epochs": 2, "alone_epochs": 3}, r"alone_epochs must be from 0 to epochs \(2\), not 3"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"window": 0}, "window must be at least 1"),
        ({"min_count": 0}, "min_count must be at least 1"),
        ({"eval_every": 0}, "eval_every must be at least 1"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"learning_rate": float("inf")}, "learning_rate must be above 0 and at most 1e"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0"),
        ({"clip_norm": -1.0}, "clip_norm must be above 0"),
        ({"clip_norm": float("inf")}, "clip_norm must be above 0 and at most 1e"),
        ({"weight_decay": -0.1, "optimizer": "adamw"}, "weight_decay must be 0 or more"),
        ({"weight_decay": 0.1}, "only used by adamw"),
        ({"train_fraction": 0.0}, "train_fraction must be in"),
        ({"train_fraction": 1.0}, "train_fraction must be in"),
        ({"val_fraction": 0.0}, "val_fraction must be in"),
        ({"train_fraction": 0.9, "val_fraction": 0.2}, "val_fraction must be in"),
        ({"seed": -1}, "seed must be in"),
        ({"seed": 2**63}, "seed must be in"),
    ],
)
def test_an_impossible_training_run_is_refused_with_the_reason(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        TrainConfig.from_dict(TRAIN | change)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"max_train_chars": 9, "noise": "shuffled"}, "noise and noisy_chars need each other: set both, or neither"),
        ({"max_train_chars": 9, "noisy_chars": 9}, "noise and noisy_chars need each other"),
        ({"noise": "shuffled", "noisy_chars": 9}, "characters that follow max_train_chars: set that too"),
        ({"max_train_chars": 9, "noise": "shuffled", "noisy_chars": -1}, "noisy_chars must be 0 or more, not -1"),
        ({"max_train_chars": 9, "noise": "mistyped-7", "noisy_chars": 9}, "noise must be one of"),
        ({"max_more_chars": 1}, "max_more_chars must be at least 2, not 1"),
    ],
)
def test_noise_without_text_to_make_it_of_is_refused_with_the_reason(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        TrainConfig.from_dict(TRAIN | change)


@pytest.mark.parametrize("max_train_chars", [0, -5])
def test_a_training_part_without_characters_is_refused(max_train_chars):
    with pytest.raises(ValueError, match="max_train_chars"):
        TrainConfig.from_dict(TRAIN | {"max_train_chars": max_train_chars})


def test_the_whole_text_may_be_split_into_training_and_validation():
    assert TrainConfig.from_dict(TRAIN | {"train_fraction": 0.9, "val_fraction": 0.1}).val_fraction == 0.1
    assert TrainConfig.from_dict(TRAIN | {"train_fraction": 0.7, "val_fraction": 0.3}).val_fraction == 0.3


def test_weight_decay_is_accepted_with_adamw():
    assert TrainConfig.from_dict(TRAIN | {"optimizer": "adamw", "weight_decay": 0.1}).weight_decay == 0.1


@pytest.mark.parametrize(
    ("wiring", "embedding_size", "state_layers"), [("stack", 0, 5), ("shared", 8, 1), ("shared-updated", 8, 1)]
)
def test_a_stack_keeps_a_state_a_layer_and_a_shared_one_keeps_one(wiring, embedding_size, state_layers):
    config = ModelConfig(cell="rnn", hidden_size=8, num_layers=5, wiring=wiring, embedding_size=embedding_size)
    assert config.state_layers == state_layers


def test_a_recipe_takes_its_parts_by_keyword_only():
    model, train = ModelConfig.from_dict(MODEL), TrainConfig.from_dict(TRAIN)
    assert Recipe(name="a", model=model, train=train).storage == "int8"
    with pytest.raises(TypeError):
        Recipe("a", model, train)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"optimizer": "adam"}, r"optimizer must be one of \('sgd', 'adamw'\), not 'adam'"),
        ({"schedule": "linear"}, "schedule must be one of"),
        ({"init": "xavier"}, "init must be one of"),
        ({"keep": "Best"}, "keep must be one of"),
        ({"precision": "bf16"}, "precision must be one of"),
        ({"epochs": 1.5}, "epochs must be int, not 1.5"),
        ({"epochs": 10**9}, "epochs must be at most 1,000,000, not 1000000000"),
        ({"learning_rate": 1e39}, r"learning_rate must be above 0 and at most 1e\+37, not 1e\+39"),
    ],
    ids=str,
)
def test_a_configuration_made_in_python_is_checked_like_one_that_is_read(change, said):
    given = {"text": "time_machine", "form": "full", "epochs": 1, "learning_rate": 1}
    with pytest.raises(ValueError, match=said):
        TrainConfig(**given | change)
    with pytest.raises(ValueError, match=said):
        TrainConfig.from_dict(given | change)
    assert type(TrainConfig(**given).learning_rate) is float


def test_a_recipe_has_a_storage_type_that_exists():
    train = TrainConfig(text="time_machine", form="full", epochs=1, learning_rate=1.0)
    with pytest.raises(ValueError, match=r"storage must be one of .*, not 'fp16'"):
        Recipe(name="tiny", model=ModelConfig(cell="gru", hidden_size=8, num_layers=1), train=train, storage="fp16")
