"""What docs/deploy.md, its Chinese, the Dockerfile and docs/nginx.conf say of the project is so."""

import re
import shlex

import pytest

from deeprnn.commands import serve
from tests.conftest import ROOT
from tests.test_readme import FRONT_MATTER

DOCS = {lang: (ROOT / f"docs/deploy{lang}.md").read_text("utf-8") for lang in ("", ".zh")}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
CODE = "".join(path.read_text("utf-8") for path in (ROOT / "deeprnn").rglob("*.py"))


def commands(text):
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_both_languages_give_the_same_commands():
    assert commands(DOCS[""]) == commands(DOCS[".zh"])


@pytest.mark.parametrize("text", [*DOCS.values(), DOCKERFILE])
def test_every_variable_that_is_named_is_read_somewhere(text):
    for name in re.findall(r"\bDEEPRNN_([A-Z_]+)", text):
        assert f'"{name}"' in CODE or f'"DEEPRNN_{name}"' in CODE, name


@pytest.mark.parametrize("command", [line for line in commands(DOCS[""]) if "python " in line])
def test_every_python_command_is_one_that_the_program_knows(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = [word for word in shlex.split(command) if not re.match("[A-Z_]+=", word)]
    arguments = words[words.index("python") + 1 :]
    if arguments == ["-m", "deeprnn", "warmup"]:
        return
    assert arguments.pop(0) == "app.py"
    with pytest.raises(SystemExit) as ended:
        serve.main([*arguments, "--port", "0"])
    assert "a port is a number" in str(ended.value) or "no directory" in str(ended.value)


def test_the_container_has_the_spaces_python_and_copies_what_it_needs():
    assert f"FROM python:{FRONT_MATTER['python_version'].strip(chr(34))}-slim" in DOCKERFILE
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert {"app.py", "requirements.txt", "deeprnn", "checkpoints"} <= set(kept)
    assert all((ROOT / name).exists() for name in kept)


def test_files_that_a_space_gets_are_small_enough_to_need_no_lfs():
    assert max(path.stat().st_size for path in (ROOT / "checkpoints").rglob("*") if path.is_file()) < 10_000_000
