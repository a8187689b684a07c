"""What both READMEs and the pages of docs/ promise exists: commands, code, files, recipes, pins, settings."""

import ast
import re
import shlex
import subprocess
import sys
from collections import Counter

import pytest
import yaml
from PIL import Image

import deeprnn
from deeprnn import list_checkpoints
from deeprnn.experiments.markdown import PAGES, anchor, language_of
from deeprnn.experiments.questions import QUESTIONS, all_recipes
from deeprnn.page.links import VIEWS
from deeprnn.page.words import WORDS, tr
from deeprnn.store.results import Results
from tests.conftest import ROOT, SHIPPED
from tests.hub_server import HubServer

READMES = ("README.md", "README.zh.md")
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
}
README = TEXTS["README.md"]
FRONT_MATTER = dict(re.findall(r"^(\w+): (.+)$", README.split("---")[1], re.MULTILINE))
WITH_COMMANDS = [
    *READMES,
    "docs/findings.md",
    "docs/findings.zh.md",
    "docs/train.md",
    "docs/train-your-own.md",
    "docs/gpu.md",
]
PINS = dict(re.findall(r"^(\S+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
TESTED = "pip install -r tests/requirements.txt && python -m pytest -n 3 --dist loadfile\n"
both = pytest.mark.parametrize("readme", READMES)


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", TEXTS[page], re.DOTALL)


COMMANDS = {
    command.strip()
    for page in WITH_COMMANDS
    for block in blocks(page, "bash")
    for line in block.splitlines()
    for command in line.split("#")[0].split("&&")
    if command.strip()
}


@both
def test_the_two_commands_are_in_each_readme(readme):
    assert "pip install -r requirements.txt && python app.py" in TEXTS[readme]
    assert TESTED in TEXTS[readme]


def test_ci_calls_the_readmes_test_command():
    assert TESTED in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_exists(command):
    program, *arguments = shlex.split(command)
    if program == "pip":
        if "-r" in arguments:
            assert (ROOT / arguments[arguments.index("-r") + 1]).is_file()
        else:
            assert f"torch=={PINS['torch']}" in arguments
    elif program == "deeprnn":
        assert arguments[0] in ("push", "pull"), "run below"
    else:
        assert program == "python"
        if arguments[0] == "-m":
            assert arguments[1] in ("pytest", "deeprnn.page.compare.recordings")
            return
        assert (ROOT / arguments[0]).is_file()
        if arguments[0] == "train.py":
            from deeprnn.commands.train import parse

            parse(arguments[1:])


@pytest.mark.process
@both
def test_its_push_and_pull_work_over_http(readme, save_tiny, tmp_path):
    (published,) = (block for block in blocks(readme, "bash") if "deeprnn push" in block)
    push, pull = (shlex.split(command, comments=True)[1:] for command in published.splitlines())
    save_tiny(tmp_path / push[1] / pull[2])

    def run(arguments):
        environment = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache"), "HF_TOKEN": "t"}
        return subprocess.run(
            [sys.executable, "-m", "deeprnn", *arguments],
            cwd=tmp_path,
            env={"PATH": "", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    with HubServer() as hub:
        for arguments in (push, pull):
            done = run(arguments)
            assert done.returncode == 0, done.stderr
        assert deeprnn.load(done.stdout.strip()).vocab


@pytest.mark.parametrize("page", [*READMES, "docs/python.md"])
def test_its_python_runs(page, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    code = blocks(page, "python")
    exec(compile(code[0], page, "exec"), {})
    assert capsys.readouterr().out
    for block in code[1:]:  # they ask a server
        ast.parse(block)


@pytest.mark.parametrize("page", TEXTS)
def test_its_links_lead_to_files_and_headings_that_are_there(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        if heading:
            assert heading in {anchor(line.lstrip("# ")) for line in path.read_text().splitlines()}


@both
def test_it_says_of_every_view_what_it_does_by_the_name_of_its_tab(readme):
    for view in VIEWS:
        assert f"\n- **{tr(f'tab.{view}', language_of(ROOT / readme))}**" in TEXTS[readme]


@both
def test_its_picture_is_small(readme):
    (picture,) = re.findall(r"!\[.+\]\((docs/.+\.png)\)", TEXTS[readme])
    assert (ROOT / picture).stat().st_size < 200_000
    with Image.open(ROOT / picture) as image:
        assert image.width >= 1_000


def test_the_readmes_have_the_same_parts_and_sources():
    counts = {
        page: (TEXTS[page].count("\n## "), len(blocks(page, "bash")), len(blocks(page, "python"))) for page in READMES
    }
    assert len(set(counts.values())) == 1, counts
    papers = [set(re.findall(r"arxiv\.org/abs/[\d.]+", TEXTS[page])) for page in READMES]
    assert papers[0] == papers[1]
    for page in PAGES:
        other = page.replace(".zh.md", ".md") if ".zh" in page else page.replace(".md", ".zh.md")
        assert f"]({other.rpartition('/')[2]})" in TEXTS[page]


def test_the_citation_has_the_pages_title_and_the_packages_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["title"] == tr("head.title", "en")
    assert citation["version"] == deeprnn.__version__
    assert citation["authors"] == [{"name": "The deeprnn contributors"}]
    assert citation["license"] == FRONT_MATTER["license"].title()


def test_the_settings_name_every_variable_and_limit_with_its_default():
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "deeprnn").rglob("*.py"))
    limits = dict(re.findall(r'env_limit\(\s*"(\w+)", ([\d_]+)', sources))
    limits = {f"DEEPRNN_{name}": int(default) for name, default in limits.items() if name != "TRUSTED_PROXIES"}
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|([^|]*)\|", TEXTS["docs/settings.md"], re.MULTILINE))
    assert {name: rows.get(name, "").replace(",", "").strip() for name in limits} == {
        name: f"{n}" for name, n in limits.items()
    }
    asked = set(re.findall(r'environ\.(?:get|pop)\("((?:DEEPRNN|GRADIO|NUMBA)_\w+)"', sources))
    assert asked
    assert asked <= set(rows)
    assert {f"--{name}" for name in ("host", "port", "checkpoints")} <= set(
        re.findall(r"`(--\w+)`", TEXTS["docs/settings.md"])
    )


def test_the_spaces_gradio_is_the_pinned_one():
    assert FRONT_MATTER["sdk_version"] == PINS["gradio"]
    assert FRONT_MATTER["python_version"].strip('"') == "3.11"
    assert (ROOT / FRONT_MATTER["app_file"]).is_file()


def test_every_requirement_is_pinned_with_a_reason():
    for file in ("requirements.txt", "tests/requirements.txt"):
        for line in (ROOT / file).read_text().splitlines():
            assert line == "-r ../requirements.txt" or re.fullmatch(r"[\w.-]+==[\w.]+(; \S.*?)? +# .+", line), line


@pytest.mark.parametrize("page", ["docs/findings.md", "docs/findings.zh.md"])
def test_the_table_of_the_notes_runs_is_that_of_the_checkpoints(page):
    for info in list_checkpoints(SHIPPED):
        if info.name.startswith("note-") and info.name in all_recipes():
            final, best, epoch = info.metrics.final, info.metrics.best_ppl, info.metrics.best_epoch
            figures = " | ".join(f"{final[part].ppl:.3f}" for part in ("train", "train_carried", "val"))
            assert re.search(rf"\| `{info.name}` \| \d+ \| {figures} \| {best:.3f} \({epoch}\) \|", TEXTS[page])


def test_every_recipe_of_the_note_is_shipped_or_explained():
    for name in all_recipes():
        if name.startswith("note-"):
            assert f"`{name}`" in TEXTS["docs/findings.md"]


def test_the_tree_names_every_module():
    def is_of_many(path):
        of_question = path.parent.name == "experiments" and path.stem in {question.key for question in QUESTIONS}
        return path.name == "__init__.py" or path.parent.name == "cells" or of_question

    named = Counter(re.findall(r"(?<![\w.])\w+\.py", TEXTS["docs/architecture.md"]))
    ours = Counter(path.name for path in (ROOT / "deeprnn").rglob("*.py") if not is_of_many(path))
    assert {name for name, count in ours.items() if named[name] < count} == set()


def test_no_text_claims_that_every_run_is_kept():
    for text in (*TEXTS.values(), *(said for pair in WORDS.values() for said in pair.values())):
        assert not re.search(r"(where|in which) (every|all) runs? stands?|所有训练都在其中", text)


def test_the_log_names_at_its_head_the_recipes_whose_runs_were_not_kept():
    log = (SHIPPED / "LOG.md").read_text("utf-8")
    head, told = log.split("## ", 1)
    kept = Results.read(SHIPPED).runs
    kinds = "|".join(sorted({run.experiment for run in kept.values()}))
    missing = {name for name in re.findall(rf"`((?:{kinds})-[\w-]+)`", told) if name not in kept}
    missing |= {name for name in ("note-lstm-2", "note-gru-2") if f"{name}-seed1" not in kept}
    assert missing
    assert all(f"`{name}`" in head for name in missing)


def test_what_was_held_out_is_never_called_the_rest_of_the_book():
    sentences = [said for pair in WORDS.values() for said in pair.values()]
    for text in (*TEXTS.values(), *sentences):
        assert not re.search(r"rest of the book|last pages|next pages|书的其余部分|书末几页|接下来的几页", text)
