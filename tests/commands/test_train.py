import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import deeprnn
from deeprnn.commands import own_text, runs, train
from deeprnn.experiments.questions import QUESTIONS, all_recipes
from deeprnn.nn.model import CharRNN
from deeprnn.text.corpora import own_name
from deeprnn.train import loop
from deeprnn.train.report import Reporter
from tests.conftest import WAIT, file_limit

ROOT = Path(__file__).parents[2]
TEXT = "The quick brown fox jumps over the lazy dog.\n" * 178  # 8,010 characters: smoke reads it in 3 windows an epoch


pytestmark = pytest.mark.usefixtures("unchecked_shapes")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "My book.txt"
    path.write_text(TEXT)
    return path


def start(*arguments):
    command = [sys.executable, "train.py", "smoke", "--device", "cpu", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads()), "PYTHONWARNINGS": "error"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def finished(book, tmp_path_factory):
    """What `python train.py smoke --data` makes when nothing interrupts it."""
    out = tmp_path_factory.mktemp("finished")
    process = start("--data", book, "--out", out)
    output, errors = process.communicate(timeout=WAIT)
    assert process.returncode == 0, errors
    assert output.endswith(f"saved {out / ('smoke-' + own_name(book))}\n")
    return out / f"smoke-{own_name(book)}"


def test_list_prints_every_recipe(capsys):
    assert train.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(all_recipes())
    assert train.main(["--list", "note-gru-*", "smoke"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["smoke", "note-gru-2"]


def test_an_unknown_recipe_exits_with_2_and_the_nearest(capsys):
    with pytest.raises(SystemExit) as stopped:
        train.main(["smoek"])
    assert stopped.value.code == 2
    errors = capsys.readouterr().err
    assert "no recipe matches 'smoek': did you mean smoke? --list names them all" in errors
    assert len(errors) < 3_000, "usage and one sentence, not every recipe"


def test_no_recipe_exits_with_2_and_the_remedy(capsys):
    with pytest.raises(SystemExit) as stopped:
        train.main([])
    assert stopped.value.code == 2
    assert "name at least one recipe, or use --list" in capsys.readouterr().err


def test_standard_input_as_the_text_and_as_what_is_followed_exits_with_2_and_the_remedy(capsys):
    with pytest.raises(SystemExit) as stopped:
        train.parse(["smoke", "--data", "a.txt", "-", "--follow-stdin"])
    assert stopped.value.code == 2
    assert "--follow-stdin needs standard input for itself: name a file in place of --data -" in capsys.readouterr().err


@pytest.mark.process
def test_the_recipe_trains_a_checkpoint_that_loads(finished, book):
    lm = deeprnn.load(finished)
    assert lm.name == finished.name
    assert lm.config == all_recipes()["smoke"].model
    assert set(lm.vocab.characters) == set(TEXT)
    assert len(lm.generate("The quick ", max_chars=20)) == 20
    (info,) = deeprnn.list_checkpoints(finished.parent)
    assert info.metrics.command == f"python train.py smoke --data '{book.name}'"
    assert info.train_ppl < info.unigram_ppl


@pytest.mark.process
def test_a_finished_recipe_is_skipped(finished, book, capsys):
    before = {path.name: path.read_bytes() for path in finished.iterdir()}
    assert train.main(["smoke", "--data", str(book), "--out", str(finished.parent)]) == 0
    assert f"{finished} is finished: skipped." in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in finished.iterdir()} == before


@pytest.mark.process
def test_remeasure_prints_each_recorded_figure_beside_the_same_one_measured_now(finished, book, capsys):
    assert train.main(["smoke", "--data", str(book), "--out", str(finished.parent), "--remeasure"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[1] for line in lines] == ["train", "train_carried", "val", "test", "cold_256"]
    for _, _, _, recorded, _, measured in lines:
        assert float(measured) == pytest.approx(float(recorded), abs=2e-6)


def assert_same_weights(directory, other):
    ours, theirs = (deeprnn.load(path).model.state_dict() for path in (directory, other))
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])] == []
    assert (directory / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_saves_a_snapshot_and_resume_finishes_to_the_identical_weights(
    number, finished, book, tmp_path, capsys, monkeypatch
):
    command = ["smoke", "--data", str(book), "--out", str(tmp_path), "--device", "cpu"]
    train_window = loop.train_window

    def signalled(*arguments):
        signal.raise_signal(number)
        return train_window(*arguments)

    with monkeypatch.context() as first:
        first.setattr(loop, "train_window", signalled)
        assert train.main(command) == 130
    assert capsys.readouterr().out == f"{finished.name} stopped in epoch 1; continue it with --resume.\n"
    assert [path.name for path in tmp_path.iterdir()] == [f".{finished.name}.snapshot.safetensors"]

    assert train.main(command) == 1
    assert f"{finished.name} was interrupted: continue it with --resume" in capsys.readouterr().err

    assert train.main([*command, "--resume"]) == 0
    assert_same_weights(tmp_path / finished.name, finished)


def test_gathering_from_a_folder_that_is_not_there_fails_with_its_message(tmp_path, capsys):
    assert train.main(["--gather", str(tmp_path / "runs"), "--out", str(tmp_path)]) == 1
    assert f"train.py: no folder {tmp_path / 'runs'}: name one that holds finished runs" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", ["--list", "--gather"])
def test_results_that_cannot_be_read_are_named_with_the_remedy(tmp_path, capsys, asked):
    (tmp_path / "results.json").write_text('{"schema": 1, "runs": {')
    assert train.main([asked, *([str(tmp_path)] if asked == "--gather" else []), "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"train.py: {tmp_path / 'results.json'}: it is not JSON that can be read")
    assert "Take it from a fresh checkout" in error
    assert (tmp_path / "results.json").read_text() == '{"schema": 1, "runs": {'


@pytest.mark.process
def test_a_budget_that_is_spent_stops_cleanly_and_resume_finishes(finished, book, tmp_path, capsys):
    command = ["smoke", "--data", str(book), "--out", str(tmp_path), "--device", "cpu"]
    assert train.main([*command, "--budget-minutes", "0"]) == 130
    assert "stopped in epoch 1; continue it with --resume" in capsys.readouterr().out
    assert train.main([*command, "--budget-minutes", "10", "--resume"]) == 0
    assert_same_weights(tmp_path / finished.name, finished)


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signalled_process_exits_with_130_and_another_resumes_it(number, finished, book, tmp_path):
    process = start("--data", book, "--out", tmp_path)
    seen = ""
    while "%|" not in seen:  # the bar: training has begun
        character = process.stderr.read(1)
        assert character, f"it ended before it trained: {seen}"
        seen += character
    process.send_signal(number)
    output, errors = process.communicate(timeout=WAIT)
    assert process.returncode == 130, errors
    assert output == f"{finished.name} stopped in epoch 1; continue it with --resume.\n"

    process = start("--data", book, "--out", tmp_path, "--resume")
    _, errors = process.communicate(timeout=WAIT)
    assert process.returncode == 0, errors
    assert_same_weights(tmp_path / finished.name, finished)


def test_a_text_that_cannot_be_used_fails_with_its_message_and_no_traceback(tmp_path, capsys):
    assert train.main(["smoke", "--data", "no-such-file.txt", "--out", str(tmp_path)]) == 1
    assert "train.py: no text 'no-such-file.txt'" in capsys.readouterr().err
    (tmp_path / "short.txt").write_text("too short")
    assert train.main(["smoke", "--data", str(tmp_path / "short.txt"), "--out", str(tmp_path)]) == 1
    assert "is too short (9 characters)" in capsys.readouterr().err


def test_a_seed_out_of_range_fails_with_its_message_and_no_traceback(tmp_path, capsys):
    try:
        code = train.main(["smoke", "--seeds", "-1", "--out", str(tmp_path)])
    except SystemExit as stopped:
        code = stopped.code
    assert code in (1, 2)
    assert "seed must be in" in capsys.readouterr().err


def test_another_seed_or_text_makes_another_name(tmp_path):
    recipe = all_recipes()["smoke"]

    def job(seed, *arguments):
        args = train.parse(["smoke", *arguments])
        args.place = own_text.find(args, Reporter())
        return runs.job(recipe, seed, args)

    assert job(0).name == "smoke"
    assert job(0).command == "python train.py smoke"
    assert job(0).recipe == recipe
    assert job(2).name == "smoke-seed2"
    assert job(2).recipe.train.seed == 2
    path = tmp_path / "War & Peace.txt"
    path.write_text("Well, Prince")
    other = job(2, "--data", str(path))
    assert other.name == f"smoke-{own_name(path)}-seed2"
    assert own_name(path).startswith("War-Peace-")
    assert other.recipe.train.text == str(path)
    assert (job(2).recipe.experiment, other.recipe.experiment) == ("smoke", ""), (
        "another text is compared with no other"
    )
    assert other.command == "python train.py smoke --data 'War & Peace.txt' --seeds 2"
    assert job(0, "--data", str(path), "--encoding", "u8").command == (
        "python train.py smoke --data 'War & Peace.txt' --encoding u8"
    )
    assert (job(0).recipe.sample_prompt, other.recipe.sample_prompt) == ("The for statement ", "")
    assert job(0, "--data", "journey_to_the_west").recipe.sample_prompt == "", "the recipe's own is English"
    assert job(0, "--license", "cc-by-4.0").command == "python train.py smoke --license cc-by-4.0"
    changed = job(2, "--data", str(path), "--batch", "16", "--lr", "0.005", "--residual", "--prompt", "Well, Prince")
    assert changed.name == f"smoke-lr0.005-batch16-prompt-3a5b43a7-{own_name(path)}-seed2"  # it is residual already
    assert changed.recipe.sample_prompt == "Well, Prince"
    assert changed.command == (
        "python train.py smoke --data 'War & Peace.txt' --lr 0.005 --batch 16 --prompt 'Well, Prince' --seeds 2"
    )
    with pytest.raises(ValueError, match="give a shorter --prompt"):
        job(2, "--prompt", "'" * 2_000)
    assert (job(0, "--batch", "16").recipe.experiment, job(0, "--batch", "32").recipe.experiment) == ("", "smoke")
    assert job(0, "--threads", "2").name == "smoke"  # it is recorded, but the result is that of any other number


def test_the_recipes_own_text_changes_nothing_and_another_is_scored_on_no_text_of_the_recipe(book):
    recipe = all_recipes()["author-austen"]
    args = train.parse(["author-austen", "--data", recipe.train.text])
    args.place = recipe.train.text
    assert runs.job(recipe, 0, args).recipe == recipe
    args.place = str(book)
    other = runs.job(recipe, 0, args).recipe.train
    assert (other.text, other.score_on, bool(recipe.train.score_on)) == (str(book), (), True)


def test_a_name_too_long_for_a_folder_is_refused_with_the_remedy(tmp_path, capsys):
    path = tmp_path / ("紅樓夢" * 20 + ".txt")
    path.write_text(TEXT)
    settings = ["--cell", "lstm", "--epochs", "2", "--lr", "0.004", "--max-chars", "7000", "--prompt", "x"]
    assert train.main(["smoke", "--data", str(path), "--out", str(tmp_path / "runs"), *settings]) == 1
    assert "is too long for the name of a folder: give the text's file a shorter name" in capsys.readouterr().err


@pytest.mark.process
def test_a_run_with_other_settings_is_resumed_with_the_same_and_records_them_and_its_licence(book, tmp_path, capsys):
    settings = ["--cell", "mingru", "--hidden", "16", "--batch", "4", "--prompt", "The quick", "--license", "cc-by-4.0"]
    command = [
        "smoke",
        "--data",
        str(book),
        "--device",
        "cpu",
        "--out",
        str(tmp_path),
        *settings,
        "--max-chars",
        "4000",
    ]
    assert train.main(command) == 0
    (whole,) = tmp_path.iterdir()
    kept = [*command, "--out", str(tmp_path / "kept")]
    assert train.main([*kept, "--budget-minutes", "0"]) == 130
    assert train.main([*kept, "--resume"]) == 0
    assert_same_weights(tmp_path / "kept" / whole.name, whole)
    assert train.main([*kept, "--resume", "--epochs", "1"]) == 0  # another run
    assert len(list((tmp_path / "kept").iterdir())) == 2
    metrics = deeprnn.list_checkpoints(tmp_path)[0].metrics
    assert metrics.command.endswith(
        "--cell mingru --hidden 16 --batch 4 --max-chars 4000 --prompt 'The quick' --license cc-by-4.0"
    )
    assert (metrics.train_config.batch_size, metrics.text.ranges["train"]) == (4, (0, 4000))
    assert (metrics.sample.prompt, metrics.license) == ("The quick", "cc-by-4.0")
    assert (whole / "README.md").read_text().startswith("---\nlicense: cc-by-4.0\nlibrary_name: deeprnn\n")
    capsys.readouterr()
    remeasure = [*command, "--remeasure"]
    assert train.main(remeasure) == 0
    assert whole.name[:20] in capsys.readouterr().out


def test_each_recipe_is_listed_under_its_own_name():
    made = [recipe for question in QUESTIONS for recipe in question.recipes()]
    assert len(all_recipes()) == 1 + len(made)  # smoke, and no name twice: it would hide a recipe
    for name, recipe in all_recipes().items():
        assert recipe.name == name
        assert name == name.strip(".") == Path(name).name


@pytest.mark.parametrize("recipe", all_recipes().values(), ids=list(all_recipes()))
def test_each_recipe_builds_its_model(recipe):
    with torch.device("meta"):
        model = CharRNN(recipe.model, 28)
    assert model.num_params > 0
    assert type(recipe.model).from_dict(recipe.model.to_dict()) == recipe.model
    assert type(recipe.train).from_dict(recipe.train.to_dict()) == recipe.train


def test_a_recipe_of_several_texts_refuses_another_text_with_the_remedy(book, tmp_path, capsys):
    assert train.main(["wells-lstm-2", "--data", str(book), "--out", str(tmp_path)]) == 1
    assert "reads several texts" in (error := capsys.readouterr().err)
    assert "choose a recipe of one text" in error


def test_what_is_trained_goes_to_runs_and_by_one_thread_unless_asked():
    args = train.parse(["smoke"])
    assert (args.out, args.threads) == (Path("runs"), 1)
    assert train.parse(["smoke", "--threads", "2"]).threads == 2
    assert train.parse(["--gather", "runs"]).out == Path("checkpoints")


@pytest.mark.process
def test_a_list_cut_short_by_its_reader_ends_quietly():
    command = f"{sys.executable} train.py --list | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


@pytest.mark.process
def test_an_output_that_is_closed_from_the_start_ends_nothing():
    command = f"{sys.executable} train.py smoke --list >&-"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.process
@pytest.mark.parametrize(
    "more", [["--json"], pytest.param(["--seeds", "0", "1", "--jobs", "2"], marks=pytest.mark.slow)]
)
def test_a_run_whose_reader_goes_away_stops_with_its_snapshot_and_says_so_by_its_status(book, tmp_path, more):
    command = [sys.executable, "train.py", "smoke", "--data", str(book), "--out", str(tmp_path), "--epochs", "2000"]
    with subprocess.Popen([*command, *more], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(WAIT) == 130
    assert list(tmp_path.glob(".smoke-*snapshot*"))
    assert not deeprnn.list_checkpoints(tmp_path)


@pytest.mark.process
def test_a_character_that_the_output_cannot_carry_ends_no_run(tmp_path):
    text = tmp_path / "\u7334\u5b50.txt"
    text.write_text("\u7334\u5b50\u770b\u89c1\u6708\u4eae\u3002\n" * 1_000)
    command = [sys.executable, "train.py", "smoke", "--data", str(text), "--out", str(tmp_path / "runs")]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([*command, "--epochs", "1"], cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"saved " in done.stdout


@pytest.mark.process
def test_a_file_whose_name_is_no_text_is_trained_and_its_command_recorded(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    path.write_text(TEXT)
    assert train.main(["smoke", "--data", str(path), "--out", str(tmp_path / "runs"), "--epochs", "1"]) == 0
    (info,) = deeprnn.list_checkpoints(tmp_path / "runs")
    assert info.metrics.command == "python train.py smoke --data 'caf?.txt' --epochs 1"


def test_an_empty_name_of_a_text_is_refused(tmp_path, capsys):
    assert train.main(["smoke", "--data", "", "--out", str(tmp_path)]) == 1
    assert "--data names no text: it is empty" in capsys.readouterr().err


@pytest.mark.parametrize("found", ["a folder", "a file", "a damaged run"])
def test_what_is_no_run_in_the_way_of_one_is_named_with_the_remedy_and_stays(tmp_path, capsys, found):
    place = tmp_path / "smoke"
    if found == "a file":
        place.write_text("kept")
    else:
        place.mkdir()
    if found == "a damaged run":
        (place / "metrics.json").write_text("{")
    assert train.main(["smoke", "--out", str(tmp_path)]) == 1
    assert f"{place} holds no run of that name that can be read: move it away, or choose" in capsys.readouterr().err
    assert place.exists()


@pytest.mark.process
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_run_that_diverged_fails_again_with_the_remedy(book, tmp_path, capsys, more):
    command = ["smoke", "--data", str(book), "--out", str(tmp_path), "--lr", "1e9", *more]
    assert train.main(command) == 1
    capsys.readouterr()
    assert train.main(command) == 1
    said = "".join(capsys.readouterr())
    assert "diverged when it was trained. To train it again, remove" in said
    assert not more or json.loads(said)["kind"] == "diverged"
    measured = [*command[: -len(more) or None], "--remeasure"]
    assert train.main(measured) == 0
    assert "diverged when it was trained: skipped. It has no figures." in capsys.readouterr().out


@pytest.mark.process
def test_results_that_cannot_be_written_stay_as_they_were_and_a_sentence_says_so(finished, book, tmp_path, capsys):
    gather = ["--gather", str(finished.parent), "--data", str(book), "--out", str(tmp_path)]
    assert train.main(gather) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    capsys.readouterr()
    with file_limit(100):
        assert train.main(gather) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"train\.py: .*; no file is half written: mend that, then try again\.", sentence)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
