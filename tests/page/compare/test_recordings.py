"""Recordings: what is in the controls made what is in the cards."""

import json
import shutil

import pytest

from deeprnn.page.compare import cards, recordings
from deeprnn.page.shared.questions import comparisons
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED


def test_every_question_shows_what_its_own_prompt_and_settings_made(registry):
    for key, preset in comparisons(registry).items():
        for budget, names in preset.groups.items():
            board = cards.of_preset(registry, key, budget)
            assert (board.prompt, board.seed, board.names) == (preset.prompt, 7, list(names))
            assert board.sampling == cards.NUMBERS
            assert {(run.prompt, run.state) for run in board.cards} == {(preset.prompt, "recorded")}
            assert {len(run.text) for run in board.cards} == {300}


@pytest.mark.parametrize(
    ("key", "budget"), [("authors", "recipe"), ("cells", "time"), ("chinese", "recipe"), ("rote", "recipe")]
)
def test_a_recording_is_written_again_letter_for_letter(registry, key, budget):
    board = cards.of_preset(registry, key, budget)
    for run in board.cards:
        written = registry.get(run.model).generate(board.prompt, seed=board.seed, temperature=0.8, max_chars=300)
        assert run.text == written


@pytest.fixture
def folder(tmp_path):
    """Two models that answer a question, and the recordings."""
    for name in ("note-lstm-2", "few-lstm-2"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    shutil.copy(SHIPPED / recordings.FILE, tmp_path)
    return tmp_path


def test_the_command_writes_the_shipped_recordings(folder):
    shipped = recordings.read(Registry(folder))
    assert shipped
    (folder / recordings.FILE).unlink()
    recordings.write(folder)
    assert recordings.read(Registry(folder)) == shipped


def change(folder, **changes):
    record = json.loads((folder / recordings.FILE).read_text(encoding="utf-8"))
    (folder / recordings.FILE).write_text(json.dumps(record | changes), encoding="utf-8")


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"seed": 8},
        {"texts": []},
        {"texts": None},
        {"texts": {"the": 3}},
        {"texts": {"the": {"note-lstm-2": ["hash"]}}},
    ],
)
def test_broken_recordings_are_not_shown_and_each_model_shows_its_own(folder, changes):
    change(folder, **changes)
    registry = Registry(folder)
    assert recordings.read(registry) == {}
    board = cards.of_preset(registry, "general", "recipe")
    samples = [registry.infos[name].metrics.sample for name in board.names]
    assert [run.text for run in board.cards] == [sample.text for sample in samples]
    assert board.prompt == samples[0].prompt  # the controls are set to it


def test_recordings_of_other_weights_are_not_shown(folder):
    record = json.loads((folder / recordings.FILE).read_text(encoding="utf-8"))
    for models in record["texts"].values():
        for entry in models.values():
            entry[0] = "0" * 64
    change(folder, texts=record["texts"])
    assert recordings.read(Registry(folder)) == {}


def test_models_chosen_by_hand_say_which_prompt_their_recordings_continue(registry):
    first = cards.of_preset(registry, "rote", "recipe")
    chosen = cards.show(registry, ["journey-gru-2", "note-rnn-2"], first)
    for card in cards.draw(registry, chosen)["cards"]:
        assert f"recorded after “{card['prompt']}”" in card["status"]["en"]
