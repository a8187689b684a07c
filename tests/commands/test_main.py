"""The command `deeprnn`, as an installed package has it."""

import os
import subprocess
import sys

import pytest

from deeprnn.commands import main
from tests.conftest import ROOT
from tests.page.conftest import free_port


def test_each_command_tells_what_it_takes(capsys):
    for name in main.COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main.main([name, "--help"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: deeprnn {name} ")


def test_an_unknown_command_names_those_there_are(capsys):
    with pytest.raises(SystemExit) as ended:
        main.main(["sing"])
    assert ended.value.code == 2
    assert "serve" in capsys.readouterr().err


def test_what_is_wrong_is_a_sentence_and_no_traceback(tmp_path, capsys):
    assert main.main(["push", str(tmp_path), "user/repo"]) == 1
    assert f"deeprnn push: {tmp_path} holds no checkpoint" in capsys.readouterr().err
    assert main.main(["gather", str(tmp_path / "none"), "--out", str(tmp_path)]) == 1
    assert "name one that holds finished runs" in capsys.readouterr().err
    assert main.main(["gather", "--out", str(tmp_path), str(tmp_path / "none")]) == 1
    assert "name one that holds finished runs" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="no directory"):
        main.main(["serve", "--checkpoints", str(tmp_path / "none")])


WITHOUT = "import sys; sys.modules[sys.argv.pop(1)] = None; from deeprnn.commands.main import main; sys.exit(main())"


@pytest.mark.process
@pytest.mark.parametrize(
    ("library", "command", "extra"), [("gradio", "serve", "page"), ("charset_normalizer", "list", "train")]
)
def test_a_library_that_is_not_installed_is_named_with_the_extra_that_brings_it(library, command, extra):
    asked = [sys.executable, "-c", WITHOUT, library, command]
    free = os.environ | {"GRADIO_SERVER_PORT": str(free_port())}  # the server looks first whether it may listen
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, env=free)
    assert done.stderr == f"deeprnn {command} needs {library}: in the clone, pip install '.[{extra}]'\n"
    assert done.returncode == 1
