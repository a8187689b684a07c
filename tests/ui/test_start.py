"""What starting the page loads, and what it leaves as it was."""

import inspect
import os
import subprocess
import sys

import gradio.caching
import pytest

from deeprnn import ui
from tests.conftest import ROOT

ANSWERED = """
import sys, httpx
import app
from deeprnn.registry import Registry
from deeprnn.ui.page import launch

_, url, _ = launch(Registry(app.CHECKPOINTS), prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
ask = {"data": ["the time", ["note-rnn-2"], 10, 0.8, 0, 1, 0]}
event = httpx.post(f"{url}gradio_api/call/generate", json=ask).json()["event_id"]
answer = httpx.get(f"{url}gradio_api/call/generate/{event}").text
assert "event: complete" in answer, answer
print(*(name for name in ("pandas", "torch._dynamo", "sympy") if name in sys.modules), "loaded")
"""


def test_an_answered_request_has_loaded_nothing_that_the_page_does_not_need():
    done = subprocess.run([sys.executable, "-c", ANSWERED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["loaded"], done.stderr


def test_gradio_finds_its_own_source_again_and_wrote_no_stub_beside_ours():
    from gradio.components import HTML

    assert inspect.getfile(HTML).endswith("html.py")
    with ui.without_stubs(), pytest.raises(OSError, match="no source"):
        inspect.getfile(HTML)
    assert inspect.getfile(HTML).endswith("html.py")
    assert list((ROOT / "deeprnn").rglob("*.pyi")) == []


def test_whoever_asks_gradio_for_pandas_gets_it():
    import pandas

    assert gradio.caching.pd.DataFrame is pandas.DataFrame


APART = """
from deeprnn.cells import CELLS
from deeprnn.compiling import is_kept
from deeprnn.decoding import _recurrence
from deeprnn.ui.page import compile_apart

assert not is_kept()
compile_apart()
assert is_kept()
assert _recurrence(CELLS["lstm"]).cache_hits == 1
"""


@pytest.mark.slow
def test_a_first_start_finds_what_a_process_of_its_own_has_compiled(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", APART], cwd=ROOT, env=environment, check=True)
