"""Who may import whom, read from the source: `house.md` in words, held here."""

import ast
import graphlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "deeprnn"
UI = "deeprnn.ui"
PAGE = f"{UI}.page"
TRAINING = {
    *("deeprnn.corpora", "deeprnn.batches", "deeprnn.data", "deeprnn.recipes", "deeprnn.training"),
    *("deeprnn.measurement", "deeprnn.report", "deeprnn.tables"),
}
TRAINING_SIDE = TRAINING | {"train", "deeprnn.train_command"}
COMMANDS = {"app", "deeprnn.cli", "deeprnn.serve_command"}  # the top of the house, above the page


def module_name(path, root=ROOT):
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path
    for folder in (PACKAGE, ROOT / "benchmarks")
    for path in sorted(folder.rglob("*.py"))
    if "__pycache__" not in path.parts
} | {path.stem: path for path in sorted(ROOT.glob("*.py"))}


def imported(tree, module, is_package=False):
    """Every dotted name that a module's source imports, wherever in it: `from a import b` gives a and a.b."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: None if is_package and node.level == 1 else -node.level + is_package]
                base = ".".join([*above, *filter(None, [node.module])])
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            names |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
    return names


def parse(module):
    return ast.parse(SOURCES[module].read_text())


IMPORTS = {module: imported(parse(module), module, path.name == "__init__.py") for module, path in SOURCES.items()}


def within(name, package):
    return name == package or name.startswith(package + ".")


def modules_of_ours(module):
    """The modules of this project that `module` imports; a package counts only where nothing inside it is named."""
    ours = {name for name in IMPORTS[module] if name in SOURCES}
    return {name for name in ours if not any(within(other, name) and other != name for other in ours)} - {module}


every_module = pytest.mark.parametrize("module", list(SOURCES))


def test_the_reader_of_imports_sees_every_form_of_them():
    source = """
import a.b, c
from d import e
from . import f
from .g import h
from ..i import j
def late():
    import k
    importlib.import_module("l")
"""
    assert imported(ast.parse(source), "x.y.z") == {
        *("a.b", "c", "d", "d.e", "x.y", "x.y.f", "x.y.g", "x.y.g.h", "x.i", "x.i.j", "k", "l")
    }
    assert imported(ast.parse("from .g import h"), "x.y", is_package=True) == {"x.y.g", "x.y.g.h"}
    assert imported(ast.parse("from ..g import h"), "x.y", is_package=True) == {"x.g", "x.g.h"}


def test_known_imports_are_seen():
    assert {"deeprnn.batches", "deeprnn.data", "deeprnn.checkpoint"} <= modules_of_ours("deeprnn.training")
    assert {"deeprnn.training", "deeprnn.recipes"} <= modules_of_ours("deeprnn.train_command")
    assert {"deeprnn.checkpoint", "deeprnn.hub"} <= modules_of_ours("deeprnn.registry")
    assert "deeprnn.cells.base" in SOURCES


@every_module
def test_only_the_pages_import_gradio(module):
    if within(module, UI):
        return
    assert not {name for name in IMPORTS[module] if within(name, "gradio")}


@every_module
def test_serving_never_imports_what_only_training_needs(module):
    """All of the package is for serving but the training side itself; the app may look for texts that are at hand."""
    if within(module, "benchmarks") or module in TRAINING_SIDE:
        return
    may = {"deeprnn.serve_command": {"deeprnn.corpora"}, "deeprnn.cli": {"deeprnn.train_command"}}.get(module, set())
    assert not modules_of_ours(module) & (TRAINING_SIDE - may)


@every_module
def test_nothing_below_the_pages_imports_them(module):
    if module in COMMANDS or within(module, UI) or within(module, "benchmarks"):
        return
    assert not {name for name in IMPORTS[module] if within(name, UI) or name in COMMANDS}


ALLOWED = {
    "deeprnn.config": set(),
    "deeprnn.vocab": {"deeprnn.config"},
    "deeprnn.batches": set(),
    "deeprnn.recipes": {"deeprnn.cells", "deeprnn.config"},
    "deeprnn.hub": {"deeprnn.checkpoint"},
    "deeprnn.model": {"deeprnn.cells", "deeprnn.config"},
    "deeprnn.evaluation": set(),
    "deeprnn.storage": {"deeprnn.config"},
    "deeprnn.compiling": set(),
    "deeprnn.activations": set(),
    "deeprnn.sampling": {"deeprnn.checks", "deeprnn.compiling", "deeprnn.vocab"},
    "deeprnn.decoding": {
        "deeprnn.activations",
        "deeprnn.cells",
        "deeprnn.compiling",
        "deeprnn.config",
        "deeprnn.model",
        "deeprnn.sampling",
        "deeprnn.storage",
    },
}


@pytest.mark.parametrize("module", ALLOWED)
def test_the_lower_modules_import_only_what_they_know(module):
    inner = {name.rpartition(".")[0] if name.startswith("deeprnn.cells.") else name for name in modules_of_ours(module)}
    assert inner <= ALLOWED[module]


@pytest.mark.parametrize("module", [name for name in SOURCES if name.startswith("deeprnn.cells.")])
def test_a_cell_imports_only_config_and_the_base(module):
    allowed = {"deeprnn.config", "deeprnn.activations", "deeprnn.cells.base"} - {module}
    assert modules_of_ours(module) <= allowed


def views():
    """The modules that build a part of the page."""
    return {
        module
        for module in SOURCES
        if within(module, UI)
        and module != PAGE
        and any(isinstance(node, ast.FunctionDef) and node.name == "build" for node in parse(module).body)
    }


@every_module
def test_a_view_is_imported_by_the_page_and_by_no_other_view_or_widget(module):
    if module == PAGE or not within(module, UI):
        return
    assert not modules_of_ours(module) & (views() | {PAGE})


def test_the_page_has_views():
    assert {f"{UI}.compare", f"{UI}.score"} <= views() <= modules_of_ours(PAGE)


def test_no_imports_go_in_a_circle():
    graph = {module: modules_of_ours(module) for module in SOURCES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


@every_module
def test_nothing_is_pickled(module):
    unsafe = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    assert not {name for name in IMPORTS[module] if name.split(".")[0] in unsafe}
    assert not IMPORTS[module] & {"torch.load", "torch.save"}
    called = {ast.unparse(node) for node in ast.walk(parse(module)) if isinstance(node, ast.Attribute)}
    assert not called & {"torch.load", "torch.save", "torch.jit.load", "torch.hub.load"}


@every_module
def test_weights_are_never_loaded_loosely(module):
    keywords = [node for node in ast.walk(parse(module)) if isinstance(node, ast.keyword) and node.arg == "strict"]
    assert not [node for node in keywords if ast.unparse(node.value) == "False" and "load" in ast.unparse(node)]


@pytest.mark.process
def test_importing_the_package_imports_neither_gradio_nor_the_training_side():
    code = "import sys, json, deeprnn; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stdout))
    assert "deeprnn.registry" in modules
    assert not modules & (TRAINING_SIDE | {"gradio", "pooch", UI})
    assert done.stderr == ""
