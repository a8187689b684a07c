"""Keeping machine code: each case in processes of its own, with a small package of its own."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from deeprnn.lm import compiling

pytestmark = pytest.mark.process

INNER = """
from deeprnn.lm.compiling import compiled

@compiled
def gain(x):
    return 2 * x
"""
OUTER = """
from deeprnn.lm.compiling import compiled
from deeprnn.lm.inner import gain

@compiled
def step(x):
    return gain(x) + 1
"""
STEP = """
from deeprnn.lm.compiling import is_cached
was_kept = is_cached()
from deeprnn.lm.outer import step
print(step(20), sum(step.stats.cache_hits.values()))
assert was_kept == bool(step.stats.cache_hits)
import os, numba
assert numba.config.CACHE_DIR == os.environ.get("NUMBA_CACHE_DIR", ""), "where others' machine code goes is theirs"
"""


@pytest.fixture
def package(tmp_path):
    """A package of two functions, one of which calls the other, compiled as this one's are."""
    made = tmp_path / "deeprnn"
    (made / "lm").mkdir(parents=True)
    shutil.copy(compiling.__file__, made / "lm")
    for name, source in {"__init__": "", "inner": INNER, "outer": OUTER}.items():
        (made / "lm" / f"{name}.py").write_text(source)
    return made


@pytest.fixture
def step(package):
    """What the outer function makes of 20 in a new process, and whether its machine code was kept."""

    def run(**environment):
        command = [sys.executable, "-c", STEP]
        done = subprocess.run(command, cwd=package.parent, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return tuple(map(int, done.stdout.split()))

    return run


def change(package):
    """Change the inner function's file, not the outer one's."""
    (package / "lm" / "inner.py").write_text(INNER.replace("2 * x", "3 * x"))


def test_machine_code_is_kept_until_a_file_that_it_was_made_from_changes(step, package):
    assert step() == (41, 0)
    assert step() == (41, 1)
    change(package)
    assert step() == (61, 0)


def test_changed_code_is_compiled_again_where_the_user_chose_the_folder(step, package, tmp_path):
    chosen = str(tmp_path / "chosen")
    assert step(NUMBA_CACHE_DIR=chosen) == (41, 0)
    assert step(NUMBA_CACHE_DIR=chosen) == (41, 1)
    change(package)
    assert step(NUMBA_CACHE_DIR=chosen) == (61, 0)


@pytest.mark.parametrize(
    "place", ["HOME", *(pytest.param(one, marks=pytest.mark.slow) for one in ("XDG_CACHE_HOME", "TMPDIR"))]
)
def test_where_nothing_beside_the_package_can_be_written_a_folder_of_the_user_is_used(step, package, tmp_path, place):
    (package / "__pycache__").write_text("no folder")
    (tmp_path / "mine").mkdir()
    environment = {"HOME": "/proc/none", place: str(tmp_path / "mine")}
    assert step(**environment) == (41, 0)
    assert step(**environment) == (41, 1)
    (kept,) = (tmp_path / "mine").rglob("numba-*")
    assert kept.stat().st_mode & 0o077 == 0
    change(package)
    assert step(**environment) == (61, 0)


def test_a_chosen_folder_that_cannot_be_written_is_passed_over(step, tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert step(NUMBA_CACHE_DIR=str(tmp_path / "file")) == (41, 0)
    assert step(NUMBA_CACHE_DIR=str(tmp_path / "file")) == (41, 1)


def test_a_folder_that_others_can_write_to_is_not_run_from(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path)
    assert not compiling._is_ours(tmp_path / "open")
    assert not compiling._is_ours(tmp_path / "link")
    assert compiling._is_ours(tmp_path / "new")


def test_it_is_known_beforehand_whether_machine_code_can_be_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling, "FOLDER", tmp_path / "deep" / "folder")
    assert compiling.can_cache()
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(compiling, "FOLDER", tmp_path / "file" / "folder")
    assert not compiling.can_cache()


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
    monkeypatch.setattr(compiling, "FOLDER", here)
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
