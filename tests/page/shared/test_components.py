"""What gradio does with the file that defines our components."""

import importlib
import shutil

from deeprnn.page.shared import components


def test_no_stub_is_left_that_mypy_would_read_in_place_of_the_file(tmp_path, monkeypatch):
    copy = tmp_path / "copied_components.py"
    shutil.copy(components.__file__, copy)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module(copy.stem)
    assert list(tmp_path.glob("*.py*")) == [copy]
