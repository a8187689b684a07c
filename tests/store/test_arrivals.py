"""Checkpoints that come to a folder while the server runs."""

import os
import shutil
from pathlib import Path

import pytest

from deeprnn.store import checkpoint
from deeprnn.store.arrivals import Arrivals
from deeprnn.store.registry import Registry, UnknownModelError


@pytest.fixture
def places(tmp_path, save_tiny):
    """A registry of one checkpoint, and what arrives in its folder and in another one, where only some names count."""
    save_tiny(tmp_path / "set" / "first")
    models = Registry(tmp_path / "set")
    return models, Arrivals(models, {tmp_path / "set": "*", tmp_path / "runs": "my-book-*"}), tmp_path


def added(models):
    return [one.info.name for one in models.own(None)]


def test_folders_that_come_and_go_are_added_and_removed_without_a_restart(places, save_tiny):
    models, arrivals, folder = places
    arrivals.look()
    assert added(models) == []
    save_tiny(folder / "set" / "second", cell="lstm")
    save_tiny(folder / "runs" / "my-book-1")
    save_tiny(folder / "runs" / "smoke")
    save_tiny(folder / "set" / ".second.saving-1")
    arrivals.look()
    assert added(models) == ["my-book-1", "second"]
    assert list(models.infos) == ["first"]
    assert models.get("second").config.cell == "lstm"
    shutil.rmtree(folder / "set" / "second")
    arrivals.look()
    assert added(models) == ["my-book-1"]
    with pytest.raises(UnknownModelError, match="no model 'second'"):
        models.get("second")


def test_a_broken_one_is_logged_once_and_read_again_when_it_has_changed(places, save_tiny, caplog):
    models, arrivals, folder = places
    path = save_tiny(folder / "runs" / "my-book-1")
    whole = (path / checkpoint.CONFIG).read_bytes()
    (path / checkpoint.CONFIG).write_text("{}")
    for _ in range(3):
        arrivals.look()
    assert len([line for line in caplog.messages if "left out" in line]) == 1
    assert added(models) == []
    (path / checkpoint.CONFIG).unlink()
    (path / checkpoint.CONFIG).write_bytes(whole)
    arrivals.look()
    assert added(models) == ["my-book-1"]


@pytest.mark.parametrize("last", [checkpoint.CONFIG, checkpoint.WEIGHTS, checkpoint.METRICS])
def test_one_that_is_copied_file_by_file_is_added_when_all_of_it_is_there(places, save_tiny, last):
    models, arrivals, folder = places
    whole = save_tiny(folder / "elsewhere" / "my-book-1")
    copied = folder / "runs" / "my-book-1"
    copied.mkdir(parents=True)
    os.utime(folder / "runs", (1_000_000_000, 1_000_000_000))  # its entries change no more
    arrivals.look()
    for file in (path for path in whole.iterdir() if path.name != last):
        shutil.copy(file, copied)
    for _ in range(2):
        arrivals.look()
    assert added(models) == []
    data = (whole / last).read_bytes()
    (copied / last).write_bytes(data[: len(data) // 2])
    arrivals.look()
    (copied / last).write_bytes(data)
    arrivals.look()
    assert added(models) == ["my-book-1"]


def test_a_folder_that_may_not_be_looked_into_is_passed_over(places, save_tiny, monkeypatch):
    models, arrivals, folder = places
    save_tiny(folder / "set" / "second")
    (folder / "set" / "lost+found").mkdir()
    stat = Path.stat

    def refused(path, **options):
        if "lost+found" in path.parts[:-1]:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refused)
    arrivals.look()
    assert added(models) == ["second"]


def test_one_that_is_trained_again_takes_the_place_of_the_old_weights(places, save_tiny):
    models, arrivals, folder = places
    path = save_tiny(folder / "runs" / "my-book-1", cell="gru")
    arrivals.look()
    assert models.get("my-book-1").config.cell == "gru"
    shutil.rmtree(path)
    save_tiny(path, cell="rnn")
    arrivals.look()
    assert models.get("my-book-1").config.cell == "rnn"


def test_a_name_that_is_taken_stays_what_it_was(places, save_tiny):
    models, arrivals, folder = places
    models = Registry(folder / "set")
    arrivals = Arrivals(models, {folder / "set": "*", folder / "runs": "*"})
    save_tiny(folder / "runs" / "first", cell="rnn")
    save_tiny(folder / "set" / "second", cell="lstm")
    save_tiny(folder / "runs" / "second", cell="rnn")
    arrivals.look()
    assert added(models) == ["second"]
    assert (models.get("first").config.cell, models.get("second").config.cell) == ("gru", "lstm")


def test_a_folder_that_has_not_changed_for_a_while_is_not_read_again(places, save_tiny, monkeypatch):
    models, arrivals, folder = places
    save_tiny(folder / "runs" / "my-book-1")
    for place in ("set", "runs"):
        os.utime(folder / place, (1_000_000_000, 1_000_000_000))
    arrivals.look()
    assert added(models) == ["my-book-1"]
    monkeypatch.setattr(Path, "glob", lambda *_: pytest.fail("the folder was read"))
    arrivals.look()
