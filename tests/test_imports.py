"""What importing the package brings, and that nothing is unpickled; who may import whom is in pyproject.toml."""

import ast
import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SOURCES = [*sorted((ROOT / "deeprnn").rglob("*.py")), *sorted((ROOT / "benchmarks").glob("*.py")), *ROOT.glob("*.py")]
every_file = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


@every_file
def test_torch_unpickles_nothing(path):
    tree = ast.parse(path.read_text("utf-8"))
    called = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & {"torch.load", "torch.save", "torch.jit.load", "torch.hub.load"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "torch":
            assert not {alias.name for alias in node.names} & {"load", "save"}


@every_file
def test_weights_are_never_loaded_loosely(path):
    tree = ast.parse(path.read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and "load" in ast.unparse(node.func)]
    settings = [(one.arg, ast.unparse(one.value)) for call in calls for one in call.keywords]
    assert ("strict", "False") not in settings


@pytest.mark.process
def test_importing_the_package_imports_neither_gradio_nor_the_training_side():
    code = "import sys, json, deeprnn; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stdout))
    assert "deeprnn.store.registry" in modules
    assert not modules & {"gradio", "pooch", "deeprnn.page", "deeprnn.train", "deeprnn.text.corpora"}
    assert done.stderr == ""
