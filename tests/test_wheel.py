"""The package as it is installed from a wheel: all its files are there, and the page is served from it."""

import email
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

pytestmark = pytest.mark.process

SERVED = """
import sys, urllib.request
from pathlib import Path
import deeprnn
from deeprnn.store.registry import Registry
from deeprnn.page.app import launch

target, checkpoints = sys.argv[1:]
assert Path(deeprnn.__file__).is_relative_to(target), deeprnn.__file__
_, url, _ = launch(Registry(checkpoints), prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
with urllib.request.urlopen(url, timeout=60) as answer:
    assert answer.status == 200 and answer.read()
print("served")
"""


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "Could not find a version that satisfies the requirement setuptools" in done.stderr:
        pytest.skip("neither setuptools is installed nor a network there to get it")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy, so that nothing is left in the checkout."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "package.json"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "deeprnn", source / "deeprnn", ignore=shutil.ignore_patterns("__pycache__"))
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("setuptools") else []
    pip("wheel", source, "--no-deps", *isolation, "--wheel-dir", out)
    (built,) = out.glob("*.whl")
    return built


def test_a_wheel_holds_every_file_of_the_package(wheel):
    ours = {
        str(path.relative_to(ROOT).as_posix())
        for path in (ROOT / "deeprnn").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyi"
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == ours


def test_what_the_wheel_asks_for_are_ranges_that_begin_with_the_pins(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        asked = email.message_from_bytes(archive.read(name)).get_all("Requires-Dist")
    pins = [line.split("#")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()]
    pinned = {one.name: str(one.specifier).removeprefix("==") for one in map(Requirement, pins)}
    ranges = {one.name: one.specifier for one in map(Requirement, asked) if one.name != "ray"}  # for clusters alone
    assert {name: f">={version}" for name, version in pinned.items()} == {
        name: next(str(bound) for bound in specifier if bound.operator == ">=") for name, specifier in ranges.items()
    }
    assert all(any(bound.operator == "<" for bound in specifier) for specifier in ranges.values())
    assert {one.name for one in map(Requirement, asked) if not one.marker} == {
        *("torch", "safetensors", "huggingface_hub", "numba", "numpy", "jaxtyping")
    }


def test_the_page_is_served_from_an_installed_wheel_away_from_the_checkout(wheel, tmp_path, save_tiny):
    target, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip("install", wheel, "--no-deps", "--no-index", "--target", target)
    save_tiny(tmp_path / "checkpoints" / "tiny")
    command = [sys.executable, "-c", SERVED, str(target), str(tmp_path / "checkpoints")]
    environment = os.environ | {"PYTHONPATH": str(target)}
    done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["served"], done.stderr
