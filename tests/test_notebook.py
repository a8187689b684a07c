"""The lesson `docs/deeprnn.ipynb`: it runs from the first cell to the last, and says what it said when it was kept."""

import re
import warnings

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs/deeprnn.ipynb"
NUMBER = re.compile(r"\d+\.\d+")  # trained for seconds, so another processor may differ a little


def outputs(notebook):
    return ["".join(out.text for out in cell.get("outputs", [])) for cell in notebook.cells]


def test_it_is_committed_as_executed_with_small_outputs_in_both_languages():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    written = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in written] == list(range(1, len(written) + 1))
    assert all(out.output_type == "stream" and out.name == "stdout" for cell in written for out in cell.outputs)
    assert sum(map(len, outputs(notebook))) < 5_000
    for cell in (cell for cell in notebook.cells if cell.cell_type == "markdown"):
        assert re.search("[一-鿿]", cell.source)
        assert re.search("[a-z]{3}", cell.source)


@pytest.mark.process
def test_it_runs_and_says_what_it_said():
    committed = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.read(NOTEBOOK, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # those of Jupyter's own libraries
        NotebookClient(
            run, timeout=120, kernel_name="python3", resources={"metadata": {"path": NOTEBOOK.parent}}
        ).execute()
    for was, now in zip(outputs(committed), outputs(run), strict=True):
        assert NUMBER.sub("#", now) == NUMBER.sub("#", was)
        figures = [[float(number) for number in NUMBER.findall(text)] for text in (now, was)]
        assert figures[0] == pytest.approx(figures[1], rel=0.25, abs=0.011)
