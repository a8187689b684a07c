"""What starting the page loads, and what it leaves as it was."""

import subprocess
import sys

import pytest

from deeprnn.page import app
from tests.conftest import ROOT

pytestmark = pytest.mark.process

ANSWERED = """
import sys, httpx
from deeprnn.commands.serve import CHECKPOINTS
from deeprnn.store.registry import Registry
from deeprnn.page.app import launch

_, url, _ = launch(Registry(CHECKPOINTS), prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
ask = {"data": ["the time", ["note-rnn-2"], 10, 0.8, 0, 1, 0]}
event = httpx.post(f"{url}gradio_api/call/generate", json=ask).json()["event_id"]
answer = httpx.get(f"{url}gradio_api/call/generate/{event}", timeout=120).text
assert "event: complete" in answer, answer
print(*(name for name in ("matplotlib", "torch._dynamo", "sympy") if name in sys.modules), "loaded")
"""


def test_an_answered_request_has_loaded_nothing_that_the_page_does_not_need():
    done = subprocess.run([sys.executable, "-c", ANSWERED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["loaded"], done.stderr


PATCHED = """
import gc, inspect, sys
import torch, gradio

before = inspect.getfile, gc.isenabled(), gradio.blocks.Blocks.process_api, gradio.queueing.Queue.push
from deeprnn.commands.serve import CHECKPOINTS
from deeprnn.store.registry import Registry
from deeprnn.page.app import launch

launch(Registry(CHECKPOINTS), prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
assert before == (inspect.getfile, gc.isenabled(), gradio.blocks.Blocks.process_api, gradio.queueing.Queue.push)
print([name for name, module in sys.modules.items() if module is None])
"""


def test_serving_leaves_the_interpreter_and_other_libraries_as_they_are():
    done = subprocess.run([sys.executable, "-c", PATCHED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def test_where_no_process_can_be_started_what_is_missing_is_left_to_be_compiled_here(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    app.compile_apart()
