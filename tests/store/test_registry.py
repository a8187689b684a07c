import json
import re
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from deeprnn.measure.lines import LineIndex, filename
from deeprnn.measure.novelty import FINGERPRINTS, TextPart
from deeprnn.page import service
from deeprnn.page.score.rows import parts
from deeprnn.page.words import tr
from deeprnn.store import checkpoint, registry
from deeprnn.store.registry import Registry, list_checkpoints
from tests.conftest import ROOT, SHIPPED
from tests.page.conftest import spoken


@pytest.fixture
def folder(tmp_path, save_tiny):
    """A folder of three checkpoints, written in no order."""
    for name, cell in (("b-lstm", "lstm"), ("c-rnn", "rnn"), ("a-gru", "gru")):
        save_tiny(tmp_path / "set" / name, cell=cell)
    return tmp_path / "set"


def names(infos):
    return [info.name for info in infos]


def test_checkpoints_are_listed_by_name(folder):
    infos = list_checkpoints(folder)
    assert names(infos) == ["a-gru", "b-lstm", "c-rnn"]
    assert [info.config.cell for info in infos] == ["gru", "lstm", "rnn"]
    assert list_checkpoints(str(folder)) == infos


def test_a_checkpoint_without_weights_is_left_out_and_the_registry_says_why(folder, caplog):
    (folder / "b-lstm" / checkpoint.WEIGHTS).unlink()
    models = Registry(folder)
    assert list(models.infos) == ["a-gru", "c-rnn"]
    assert models.left_out.keys() == {"b-lstm"}
    assert models.left_out["b-lstm"].startswith("model.safetensors: cannot be read (No such file")
    assert str(folder) not in models.left_out["b-lstm"]
    (line,) = caplog.messages
    assert str(folder / "b-lstm" / checkpoint.WEIGHTS) in line


def test_a_pointer_of_git_lfs_is_left_out_with_the_command_that_gets_the_weights(folder):
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 1274936\n"
    (folder / "b-lstm" / checkpoint.WEIGHTS).write_text(pointer)
    assert "run `git lfs pull`" in Registry(folder).left_out["b-lstm"]


def test_listing_leaves_out_files_hidden_folders_and_folders_of_other_things(folder):
    expected = list_checkpoints(folder)
    (folder / "a-gru").rename(folder / ".a-gru.saving-1")
    (folder / "notes.txt").write_text("mine")
    (folder / "plots").mkdir()
    assert list_checkpoints(folder) == expected[1:]


def test_several_folders_are_one_list(folder, save_tiny, tmp_path):
    save_tiny(tmp_path / "more" / "b-gru")
    models = Registry(folder, tmp_path / "more", folder)
    assert list(models.infos) == ["a-gru", "b-gru", "b-lstm", "c-rnn"]
    assert models.directory == folder
    assert models.left_out == {}


def test_of_two_models_of_one_name_the_first_folders_is_served_and_the_other_is_left_out_with_a_remedy(
    folder, save_tiny, tmp_path, caplog
):
    save_tiny(tmp_path / "more" / "a-gru")
    models = Registry(folder, tmp_path / "more")
    assert models.info("a-gru").path == folder / "a-gru"
    (reason,) = models.left_out.values()
    assert "rename one of the two" in reason
    assert str(tmp_path) not in reason
    assert str(tmp_path / "more" / "a-gru") in caplog.text


def test_listing_an_empty_folder_gives_nothing(tmp_path):
    assert list_checkpoints(tmp_path) == []


def test_listing_an_absent_folder_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("absent", "file"):
        with pytest.raises(ValueError, match=f"no directory .*{name}: give the folder"):
            list_checkpoints(tmp_path / name)


@pytest.mark.parametrize("file", [checkpoint.CONFIG, checkpoint.METRICS])
def test_a_broken_checkpoint_is_left_out_with_a_warning_that_names_its_file(folder, file):
    (folder / "b-lstm" / file).write_text("{")
    with pytest.warns(UserWarning, match=f"left out: .*b-lstm/{re.escape(file)}") as caught:
        assert names(list_checkpoints(folder)) == ["a-gru", "c-rnn"]
    assert [warning.filename for warning in caught] == [__file__]  # it points to the caller


def test_a_checkpoint_without_metrics_is_left_out_with_a_warning(folder):
    (folder / "c-rnn" / checkpoint.METRICS).unlink()
    with pytest.warns(UserWarning, match=r"left out: .*c-rnn/metrics\.json"):
        assert names(list_checkpoints(folder)) == ["a-gru", "b-lstm"]


def test_an_infinite_figure_leaves_out_one_checkpoint_not_all(folder):
    metrics = folder / "c-rnn" / checkpoint.METRICS
    metrics.write_text(re.sub(r'"num_params": \d+', '"num_params": Infinity', metrics.read_text()))
    with pytest.warns(UserWarning, match="left out"):
        assert names(list_checkpoints(folder)) == ["a-gru", "b-lstm"]


def test_a_model_is_loaded_once(folder):
    models = Registry(folder)
    first = models.get("a-gru")
    for path in (folder / "a-gru").iterdir():
        path.unlink()
    assert models.get("a-gru") is first
    assert models.get("b-lstm") is not first


def test_threads_that_ask_at_once_get_the_same_model(folder):
    models = Registry(folder)
    start, got = threading.Barrier(8), []

    def ask():
        start.wait()
        got.append(models.get("c-rnn"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len({id(model) for model in got}) == 1
    assert got[0].config.cell == "rnn"


def test_a_registry_reads_no_weights_before_they_are_asked_for(folder):
    hidden = folder / "a-gru" / checkpoint.WEIGHTS
    data = hidden.read_bytes()
    numbers = 8 + int.from_bytes(data[:8], "little")
    hidden.write_bytes(data[:numbers] + bytes(len(data) - numbers))
    models = Registry(folder)
    hidden.write_bytes(data)
    assert models.get("a-gru").name == "a-gru"


def test_an_unknown_model_is_refused_with_the_names_that_there_are(folder):
    with pytest.raises(ValueError, match=r"no model 'a-gr'; there are: a-gru, b-lstm, c-rnn\."):
        Registry(folder).get("a-gr")


def test_a_model_with_broken_weights_is_refused_every_time_and_the_others_still_load(folder):
    weights = folder / "b-lstm" / checkpoint.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    models = Registry(folder)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"b-lstm/model\.safetensors"):
            models.get("b-lstm")
    assert models.get("a-gru").name == "a-gru"


def test_a_checkpoint_loads_by_its_path_or_by_its_folder_and_name(folder):
    by_path = registry.load(folder / "a-gru")
    by_name = registry.load(str(folder), name="a-gru")
    assert by_path.name == by_name.name == "a-gru"
    assert by_path.generate("abc", max_chars=30) == by_name.generate("abc", max_chars=30)


@pytest.mark.parametrize("name", ["a book (v1.2)", "红楼梦", "what? [draft]", "-1"])
def test_a_checkpoint_of_any_name_that_a_folder_has_is_loaded_by_it(folder, name):
    (folder / "a-gru").rename(folder / name)
    assert registry.load(folder, name=name).name == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../set/a-gru", "a-gru/", "a-gru/../b-lstm", "/etc", ".a-gru.saving-1"]
)
def test_a_name_that_is_no_folders_name_is_refused(folder, name):
    with pytest.raises(ValueError, match="name must be a checkpoint's folder name") as caught:
        registry.load(folder, name=name)
    assert repr(name) in str(caught.value)


def test_an_absolute_name_is_refused(folder):
    with pytest.raises(ValueError, match="name must be a checkpoint's folder name"):
        registry.load(folder, name=str(folder / "a-gru"))


def test_a_name_that_the_folder_lacks_is_refused_by_its_path(folder):
    with pytest.raises(ValueError, match=r"no checkpoint at .*absent"):
        registry.load(folder, name="absent")


def test_a_folder_of_checkpoints_without_a_name_is_refused_with_the_names(folder):
    with pytest.raises(ValueError, match=r"is a folder of checkpoints: give name=, one of: a-gru, b-lstm, c-rnn"):
        registry.load(folder)


def test_a_checkpoint_that_has_others_in_its_folder_is_loaded(folder):
    shutil.copytree(folder / "b-lstm", folder / "a-gru" / "b-lstm")
    assert registry.load(folder / "a-gru").name == "a-gru"


def test_a_path_that_leads_nowhere_is_said_to_be_no_folder_before_the_hub_is_blamed(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^there is no folder 'checkpoints/note-lstm-2' here, and the Hub repository"):
        registry.load("checkpoints/note-lstm-2")


def test_a_text_too_long_for_an_index_has_none(folder):
    file = folder / "a-gru" / "metrics.json"
    metrics = json.loads(file.read_text())
    metrics["text"]["chars"] = 40_000_000
    file.write_text(json.dumps(metrics))
    assert Registry(folder).lines("a-gru") is None


def test_a_revision_without_a_name_is_refused_not_ignored(folder):
    with pytest.raises(ValueError, match="revision belongs to a Hub repository"):
        registry.load(folder / "a-gru", revision="main")


def test_an_empty_registry_says_that_there_are_no_models(tmp_path):
    with pytest.raises(ValueError, match="no model 'a-gru'") as caught:
        Registry(tmp_path).get("a-gru")
    assert "there are: none." in str(caught.value)


def test_shipped_models_have_fingerprints_of_every_training_text_and_share_them():
    shipped = Registry(SHIPPED)
    five = shipped.fingerprints("author-five")
    assert [one.source.name for one in five] == [
        *("time_machine", "pride_and_prejudice", "sherlock_holmes", "tale_of_two_cities", "moby_dick")
    ]
    assert shipped.fingerprints("note-lstm-2")[0] is shipped.fingerprints("note-gru-2")[0]


def test_a_missing_fingerprint_is_told_of_once_and_costs_only_the_copies(tmp_path, caplog):
    shutil.copytree(SHIPPED / "note-rnn-2", tmp_path / "note-rnn-2")
    models = Registry(tmp_path)
    assert models.fingerprints("note-rnn-2") == models.fingerprints("note-rnn-2") == []
    (line,) = caplog.messages  # once
    assert "no copies are looked for" in line
    assert "time_machine.d2l.0-10000.fp" in line


def test_a_damaged_index_of_lines_is_told_of_once_and_a_missing_one_not_at_all(tmp_path, save_tiny, caplog):
    info = Registry(save_tiny(tmp_path / "poems", text="tang_poems").parent).info("poems")
    models, source = Registry(tmp_path), TextPart.from_record(info.metrics.text)
    assert models.lines("poems") is None
    assert caplog.messages == []
    (tmp_path / FINGERPRINTS).mkdir()
    (tmp_path / FINGERPRINTS / filename(source)).write_bytes(b"?")
    assert models.lines("poems") is models.lines("poems") is None
    (line,) = caplog.messages
    assert f"tang_poems.full.{source.start}-{source.end}.lines is no index of lines" in line
    LineIndex.build(source, (poem := "空山不见人\n\n"), {poem: "王维《鹿柴》"}).save(tmp_path / FINGERPRINTS)
    assert Registry(tmp_path).lines("poems").found("空山不见人")[0].source == "王维《鹿柴》"


@pytest.mark.parametrize("damage", ["truncated", "cut inside", "keys of another level", "not finite", "empty"])
def test_a_damaged_ngram_leaves_the_score_alone_and_is_named_in_the_log(tmp_path, caplog, damage):
    shutil.copytree(SHIPPED / "note-rnn-2", tmp_path / "note-rnn-2")
    file = "time_machine.d2l.0-10000.ngram"
    (tmp_path / "ngrams").mkdir()
    data = (SHIPPED / "ngrams" / file).read_bytes()
    tensors, metadata = load_tensors(data), json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    if damage == "cut inside":
        tensors |= {name: tensors[name][:-9].copy() for name in ("keys3", "share3")}
    if damage == "keys of another level":
        tensors["keys2"] = tensors["keys2"] + np.uint32(2**20)
    if damage == "not finite":
        tensors["share4"] = np.full_like(tensors["share4"], np.nan)
    data = {"truncated": data[:-9], "empty": b""}.get(damage) if damage in ("truncated", "empty") else None
    (tmp_path / "ngrams" / file).write_bytes(save_tensors(tensors, metadata) if data is None else data)
    models = Registry(tmp_path)
    names = ["note-rnn-2"]
    for _ in range(2):
        rows = service.baselines(models, text="the time traveller", models=names)
        assert [row["kind"] for row in rows] == ["uniform"]
    (line,) = caplog.messages
    assert file in line
    for lang in ("en", "zh"):
        said = tr("score.ngram_broken", lang, file=f"ngrams/{file}")
        assert said in spoken(next(parts(models, "the", names)), lang)["notes"]


def test_an_ngram_belongs_to_the_text_and_the_alphabet_of_a_model():
    shipped = Registry(SHIPPED)
    ngram = shipped.ngram("note-lstm-2")
    assert (ngram.order, ngram.vocab_size) == (6, 28)
    assert shipped.ngram("note-rnn-2") is ngram
    assert shipped.ngram("author-five") is None


@pytest.mark.parametrize("ask", [Registry.fingerprints, Registry.ngram])
def test_nothing_is_known_of_a_model_that_is_not_there(folder, ask):
    with pytest.raises(ValueError, match="no model 'nobody'"):
        ask(Registry(folder), "nobody")


def test_no_more_models_are_kept_than_allowed_and_the_last_asked_for_stay(folder):
    models = Registry(folder, max_loaded=2)
    first = models.get("a-gru")
    models.get("b-lstm")
    assert models.get("a-gru") is first
    models.get("c-rnn")
    assert models.get("a-gru") is first
    assert list(models._loaded) == ["c-rnn", "a-gru"]


@pytest.mark.process
def test_loading_and_writing_need_no_compiler_of_torchs():
    """`torch._dynamo` takes seconds to import, and the first visitor would wait for it."""
    code = (
        "import sys, deeprnn; deeprnn.load('checkpoints/depth-gru-2-residual').generate('a', 2); "
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_wrong_with_a_visitors_model_is_logged_without_what_the_visitor_calls_it(folder, save_tiny, caplog):
    models = Registry(folder)
    own = save_tiny(folder.parent / "my-book-diary-gru-2")
    name = registry.private_name("0" * 16)
    models.add(own, name, visitor="ann", called="diary")
    assert models.fingerprints(name) == []
    (own / checkpoint.WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(service.RequestError):
        service.next_char(models, prompt="a", models=[name])
    assert len(caplog.messages) == 2
    assert not re.search("diary|book|mine-", caplog.text.replace(__file__, ""))
