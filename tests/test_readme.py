"""What the README promises exists: its commands, their files and recipes, the pins it shows."""

import re
import shlex

import pytest

from deeprnn import list_checkpoints
from deeprnn.experiments.questions import QUESTIONS, all_recipes
from deeprnn.page.words import WORDS
from deeprnn.store.results import Results
from tests.conftest import ROOT, SHIPPED

README = (ROOT / "README.md").read_text("utf-8")
FRONT_MATTER = dict(re.findall(r"^(\w+): (.+)$", README.split("---")[1], re.MULTILINE))
COMMANDS = [
    command.strip()
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    for command in line.split("#")[0].split("&&")
    if command.strip()
]


TESTED = "pip install -r tests/requirements.txt && python -m pytest -n 2 --dist loadfile\n"


def test_the_two_commands_stand_in_the_readme():
    assert "pip install -r requirements.txt && python app.py" in README
    assert TESTED in README


def test_ci_calls_the_readmes_test_command():
    assert TESTED in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_readme_command_exists(command):
    program, *arguments = shlex.split(command)
    if program == "pip":
        assert (ROOT / arguments[arguments.index("-r") + 1]).is_file()
    elif program == "git":
        assert arguments[0] == "clone"
    elif program == "cd":
        pass
    else:
        assert program.split("=")[0] in ("python", "DEEPRNN_DATA")
        script = next(argument for argument in arguments if argument != "python")
        if script == "-m":
            assert arguments[1] in ("pytest", "deeprnn.page.compare.recordings")
            return
        assert (ROOT / script).is_file()
        if script == "train.py":
            from deeprnn.commands.train import parse

            parse(arguments[arguments.index(script) + 1 :])


def test_the_spaces_gradio_is_the_pinned_one():
    pins = dict(re.findall(r"^(\S+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert FRONT_MATTER["sdk_version"] == pins["gradio"]
    assert FRONT_MATTER["python_version"].strip('"') == "3.11"
    assert (ROOT / FRONT_MATTER["app_file"]).is_file()


def test_every_requirement_is_pinned_with_a_reason():
    for file in ("requirements.txt", "tests/requirements.txt"):
        for line in (ROOT / file).read_text().splitlines():
            assert line == "-r ../requirements.txt" or re.fullmatch(r"[\w.-]+==[\w.]+(; \S.*?)? +# .+", line), line


@pytest.mark.parametrize(
    "info",
    [i for i in list_checkpoints(SHIPPED) if i.name.startswith("note-") and i.name in all_recipes()],
    ids=lambda info: info.name,
)
def test_the_results_table_is_that_of_the_checkpoints(info):
    final, best, epoch = info.metrics.final, info.metrics.best_ppl, info.metrics.best_epoch
    train, carried, val = (final[part].ppl for part in ("train", "train_carried", "val"))
    assert f"| `{info.name}` | {train:.3f} | {carried:.3f} | {val:.1f} | {best:.2f} ({epoch}) |" in README


def test_every_recipe_of_the_note_is_shipped_or_explained():
    for name in all_recipes():
        if name.startswith("note-"):
            assert f"`{name}`" in README


def test_the_readme_tree_names_every_module():
    for path in (ROOT / "deeprnn").rglob("*.py"):
        of_many = path.parent.name == "cells" or path.stem in {question.key for question in QUESTIONS}
        assert path.name in README or path.name == "__init__.py" or of_many, path


def test_what_the_readme_says_of_the_kinder_mistake_is_what_the_results_say():
    run = Results.read(SHIPPED).runs["note-rnn-2-shared-updated"]
    final, best = run.final, run.best_val.ppl
    said = f"{final['train'].ppl:.3f} in training, {final['val'].ppl:.1f} held-out, {best:.2f} at its best"
    assert said in " ".join(README.split())


def test_no_text_claims_that_every_run_is_kept():
    for text in (README, *(said for pair in WORDS.values() for said in pair.values())):
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
    for text in (README, *sentences):
        assert not re.search(r"rest of the book|last pages|next pages|书的其余部分|书末几页|接下来的几页", text)
