"""Keeping machine code: each case in processes of its own, with a copy of the package."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from deeprnn import compiling
from tests.conftest import ROOT

STEP = """
import numba, numpy as np
from deeprnn.compiling import is_kept
was_kept = is_kept()
from deeprnn.cells import CELLS
from deeprnn.decoding import _recurrence
step = _recurrence(CELLS["rnn"])
state = np.zeros((1, 1), np.float32)
numba.njit(lambda step, x, state: step(x, x, state))(step, np.ones(1, np.float32), state)
print(state[0, 0], step.cache_hits)
assert was_kept == bool(step.cache_hits)
"""


@pytest.fixture
def step(tmp_path):
    """A unit's step from 0 with the input 2 in a new process: its state, and whether its machine code was kept."""
    shutil.copytree(ROOT / "deeprnn", tmp_path / "deeprnn", ignore=shutil.ignore_patterns("__pycache__", "ui"))

    def run(**environment):
        done = subprocess.run(
            [sys.executable, "-c", STEP], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        state, hits = done.stdout.split()
        return round(float(state), 3), int(hits)

    return run


def test_machine_code_is_kept_until_a_file_that_it_was_made_from_changes(step, tmp_path):
    assert step() == (0.964, 0)
    assert step() == (0.964, 1)
    base = tmp_path / "deeprnn" / "cells" / "base.py"
    base.write_text(base.read_text().replace("return x * above / below", "return x"))
    assert step() == (2.0, 0)


def test_changed_code_is_compiled_again_where_the_user_chose_the_folder(step, tmp_path):
    chosen = str(tmp_path / "chosen")
    assert step(NUMBA_CACHE_DIR=chosen) == (0.964, 0)
    assert step(NUMBA_CACHE_DIR=chosen) == (0.964, 1)
    base = tmp_path / "deeprnn" / "cells" / "base.py"
    base.write_text(base.read_text().replace("return x * above / below", "return x"))
    assert step(NUMBA_CACHE_DIR=chosen) == (2.0, 0)


@pytest.mark.parametrize("place", ["HOME", "XDG_CACHE_HOME", "TMPDIR"])
def test_where_nothing_beside_the_package_can_be_written_a_folder_of_the_user_is_used(step, tmp_path, place):
    (tmp_path / "deeprnn" / "__pycache__").write_text("no folder")
    (tmp_path / "mine").mkdir()
    environment = {"HOME": "/proc/none", place: str(tmp_path / "mine")}
    assert step(**environment) == (0.964, 0)
    assert step(**environment) == (0.964, 1)
    (kept,) = (tmp_path / "mine").rglob("numba-*")
    assert kept.stat().st_mode & 0o077 == 0
    base = tmp_path / "deeprnn" / "cells" / "base.py"
    base.write_text(base.read_text().replace("return x * above / below", "return x"))
    assert step(**environment) == (2.0, 0)


def test_a_chosen_folder_that_cannot_be_written_is_passed_over(step, tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert step(NUMBA_CACHE_DIR=str(tmp_path / "file")) == (0.964, 0)
    assert step(NUMBA_CACHE_DIR=str(tmp_path / "file")) == (0.964, 1)


def test_a_folder_that_others_can_write_to_is_not_run_from(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path)
    assert not compiling._is_ours(tmp_path / "open")
    assert not compiling._is_ours(tmp_path / "link")
    assert compiling._is_ours(tmp_path / "new")


def test_it_is_known_beforehand_whether_machine_code_can_be_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling.CONFIG, "CACHE_DIR", str(tmp_path / "deep" / "folder"))
    assert compiling.can_be_kept()
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(compiling.CONFIG, "CACHE_DIR", str(tmp_path / "file" / "folder"))
    assert not compiling.can_be_kept()


def test_machine_code_that_nobody_started_with_for_days_is_removed_and_nothing_else(monkeypatch, tmp_path):
    def folder(letter, days, file="step.nbc"):
        made = tmp_path / ("numba-" + 16 * letter)
        (made / "deeprnn_1").mkdir(parents=True)
        (made / "deeprnn_1" / file).write_bytes(b"code")
        then = time.time() - 86_400 * days
        os.utime(made, (then, then))
        return made

    here, unused = folder("a", 30), folder("b", 8)
    kept = [here, folder("c", 6), folder("d", 8, "letter.txt"), folder("x", 8)]
    kept.append(tmp_path / ("numba-" + 16 * "e"))
    kept[-1].symlink_to(tmp_path / ("numba-" + 16 * "x"))
    monkeypatch.setattr(compiling.CONFIG, "CACHE_DIR", str(here))
    compiling.remove_unused()
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    assert not unused.exists()


def test_a_start_counts_as_use(step, tmp_path):
    chosen = tmp_path / "chosen"
    step(NUMBA_CACHE_DIR=str(chosen))
    (folder,) = chosen.iterdir()
    os.utime(folder, (0, 0))
    step(NUMBA_CACHE_DIR=str(chosen))
    assert time.time() - folder.stat().st_mtime < 3_600
